"""Whether this process can do its work, for the load balancer that routes requests to it."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from edu_platform.sign_in import demo_accounts
from talking_head.errors import ResourceError
from talking_head.files import bucket, local
from talking_head.files.runtime_dir import run_dir_problem
from talking_head.models import Clip, ClipState, Job, JobState
from talking_head.monitoring.stuck_rows import sentence, stuck_rows

logger = logging.getLogger(__name__)

MIN_FREE_BYTES = 100_000_000  # a minute of video at 512 px takes about 5 MB; below this the next lesson may not fit
PROBE_PATIENCE_MS = 2_000  # for a lock; a load balancer waits a few seconds for the whole answer
LONG_WAIT = timedelta(minutes=2)


@dataclass(slots=True)
class Readiness:
    """The result of the readiness checks. With ``problems`` this process should get no requests; ``warnings`` concern
    the renderer behind it, which viewers of a finished lesson do not need."""

    checks: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stuck_rows: list[str] = field(default_factory=list)  # those of the warnings that are about rows

    @property
    def is_ready(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        status = "ready" if self.is_ready else "not ready"
        return {"status": status, "checks": self.checks, "problems": self.problems, "warnings": self.warnings}


def readiness() -> Readiness:
    """Check everything that a request may need, cheapest first, and return the result."""
    result = Readiness()
    is_database_ready = _check_database(result)
    _check_media(result)
    _check_run_dir(result)
    if is_database_ready:
        _check_workers(result)
        _check_rows(result)
        _check_accounts(result)
    return result


def _check_database(result: Readiness) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        result.checks["database"] = "failed"
        result.problems.append("The database does not respond.")
        return False
    try:
        _write_to_database()
        result.checks["database"] = "ok"
    except DatabaseError as error:
        logger.warning("The database cannot be written to: %s", error)
        result.checks["database"] = "cannot be written"
        result.problems.append("The database cannot be written to: it is locked or read-only, or its disk is full.")
    result.checks["migrations"] = f"{len(pending)} pending" if pending else "ok"
    if pending:
        result.problems.append("The database is not migrated: run `python manage.py migrate`.")
    return not pending


def _write_to_database() -> None:
    """Write without changing anything that is read: permissions and settings say little about locks and full disks."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout")
            patience_ms = cursor.fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout = {PROBE_PATIENCE_MS}")
            try:
                cursor.execute("PRAGMA user_version")
                cursor.execute(f"PRAGMA user_version = {cursor.fetchone()[0]:d}")
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {patience_ms:d}")
        elif connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('transaction_read_only'), txid_current()")
            if cursor.fetchone()[0] == "on":
                raise DatabaseError("It is read-only.")


def _check_media(result: Readiness) -> None:
    try:
        local.check_writable()
        free_bytes = shutil.disk_usage(local.media_root()).free
    except ResourceError as error:
        result.checks["media"] = error.code
        result.problems.append(str(error))
        return
    if bucket.is_enabled():
        _check_bucket(result)
    if free_bytes < MIN_FREE_BYTES:
        result.checks["media"] = "no_space"
        result.problems.append(f"Only {free_bytes // 1_000_000} MB are free in the media folder.")
    else:
        result.checks["media"] = "ok"


def _check_run_dir(result: Readiness) -> None:
    """Warn if the folder of the sockets is refused: finished lessons play, but nothing shows live progress."""
    problem = run_dir_problem(settings.RUN_DIR)
    result.checks["run_dir"] = problem.code if problem else "ok"
    if problem:
        result.warnings.append(f"Pages do not show live progress: {problem}")


def _check_bucket(result: Readiness) -> None:
    try:
        bucket.check()
        result.checks["bucket"] = "ok"
    except ResourceError as error:
        result.checks["bucket"] = error.code
        result.problems.append(str(error))


def _check_workers(result: Readiness) -> None:
    """Check by the leases whether a worker runs; an idle worker cannot be distinguished from a missing one."""
    now = timezone.now()
    is_working = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__gt=now).exists()
    is_stuck = Job.objects.filter(state=JobState.QUEUED, created_at__lt=now - LONG_WAIT).exists() and not is_working
    result.checks["workers"] = "working" if is_working else "none seen" if is_stuck else "idle"
    if is_stuck:
        result.warnings.append("Videos are queued but no worker is rendering: start one with `python manage.py serve`.")


def _check_rows(result: Readiness) -> None:
    """Warn of rows that nothing can handle; everything else goes on, so requests are still welcome."""
    found = {kind: count for kind, count in stuck_rows().items() if count}
    result.checks["rows"] = f"{sum(found.values())} set aside" if found else "ok"
    result.stuck_rows = [sentence(kind, count) for kind, count in found.items()]
    result.warnings += result.stuck_rows


def _check_accounts(result: Readiness) -> None:
    if text := demo_accounts.warning(is_local=settings.SITE_IS_LOCAL):
        result.checks["accounts"] = "demo accounts"
        result.warnings.append(f"{text} {demo_accounts.HINT}")
