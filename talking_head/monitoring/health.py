"""Whether this process can do its work, for whoever routes requests to it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from talking_head.errors import ResourceError
from talking_head.files import bucket, local
from talking_head.models import Clip, ClipState, Job, JobState

MIN_FREE_BYTES = 100_000_000  # a minute of video at 512 px takes about 5 MB; below this the next lesson may not fit
LONG_WAIT = timedelta(minutes=2)


@dataclass(slots=True)
class Readiness:
    """``problems`` keep requests away from this process; ``warnings`` concern the renderer behind it, which watching a
    finished lesson does not need."""

    checks: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def is_ready(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        status = "ready" if self.is_ready else "not ready"
        return {"status": status, "checks": self.checks, "problems": self.problems, "warnings": self.warnings}


def readiness() -> Readiness:
    """Tries everything that a request may need, cheapest first."""
    found = Readiness()
    database_answers = _check_database(found)
    _check_media(found)
    if database_answers:
        _check_workers(found)
    return found


def _check_database(found: Readiness) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        found.checks["database"] = "failed"
        found.problems.append("The database does not answer.")
        return False
    found.checks["database"] = "ok"
    found.checks["migrations"] = f"{len(pending)} pending" if pending else "ok"
    if pending:
        found.problems.append("The database is not migrated: run `python manage.py migrate`.")
    return not pending


def _check_media(found: Readiness) -> None:
    try:
        local.check_writable()
        free_bytes = shutil.disk_usage(local.media_root()).free
    except ResourceError as error:
        found.checks["media"] = error.code
        found.problems.append(str(error))
        return
    if bucket.is_enabled():
        _check_bucket(found)
    if free_bytes < MIN_FREE_BYTES:
        found.checks["media"] = "no_space"
        found.problems.append(f"Only {free_bytes // 1_000_000} MB are free in the media folder.")
    else:
        found.checks["media"] = "ok"


def _check_bucket(found: Readiness) -> None:
    try:
        bucket.check()
        found.checks["bucket"] = "ok"
    except ResourceError as error:
        found.checks["bucket"] = error.code
        found.problems.append(str(error))


def _check_workers(found: Readiness) -> None:
    """Workers show that they live by the leases they hold; one that has nothing to do cannot be told from none."""
    now = timezone.now()
    is_working = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__gt=now).exists()
    is_stuck = Job.objects.filter(state=JobState.QUEUED, created_at__lt=now - LONG_WAIT).exists() and not is_working
    found.checks["workers"] = "working" if is_working else "none seen" if is_stuck else "idle"
    if is_stuck:
        found.warnings.append("Videos wait and no worker renders: start one with `python manage.py serve`.")
