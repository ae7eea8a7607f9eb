"""Garbage collection: files and folders without a row, left behind by a crash, a cancelled job or an old upload."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from django.db.models import Q

from talking_head.files import bucket, cache_limits, job_files, local, removals, uploads
from talking_head.jobs import narration_retention, result_retention, state_machine
from talking_head.models import TERMINAL_JOB_STATES, WATCHABLE_JOB_STATES, Job, JobState
from talking_head.renderer.scratch import is_abandoned
from talking_head.worker import integrity

logger = logging.getLogger(__name__)

TEMPORARY_AFTER_SECONDS = 3_600.0  # an upload takes seconds
SCRATCH_AFTER_SECONDS = 6 * 3_600.0  # of other processes that work there, such as `manage.py render`
ABANDONED_AFTER_SECONDS = 10.0  # a renderer's folder whose owner was killed; a new folder is locked at once
ORPHANS_SECONDS = 6 * 3_600.0
LATELY_SECONDS = 3_600.0
JOBS_A_ROUND = 200
FIRST_JOB = UUID(int=0)
_last_job = FIRST_JOB
STAGING = re.compile(r"results_([0-9a-f-]{36})\.staging-(\d+)")


def collect_garbage() -> int:
    """Remove what has no row and is no longer worked on or used; return the number of files, folders and rows."""
    removable = [*_stale_staging(), *_unpublished_results(), *_old_entries()]
    for path in removable:
        logger.info("removing garbage: %s", path.name)
        _remove(path)
    removed = len(removable) + narration_retention.collect_unused()
    removed += result_retention.collect_superseded()
    removed += removals.carry_out_pending()
    cache_limits.prune_if_due()
    integrity.check_next_video()
    if bucket.is_enabled():
        removed += _collect_orphaned_objects() + uploads.drop_stale_copies()
    return removed


def _collect_orphaned_objects() -> int:
    """Delete what publishers uploaded and never published; return the number of objects. It is looked for where it can
    be, for a few hours after a job's end: longer than the slowest upload of a publisher that was replaced unawares."""
    ended = Job.objects.filter(
        state__in=TERMINAL_JOB_STATES, finished_at__gt=state_machine.seconds_from_now(-ORPHANS_SECONDS)
    )
    may_have_orphans = Q(fence__gt=1) | (Q(fence=1) & ~Q(state__in=WATCHABLE_JOB_STATES))
    orphans = [name for job in ended.filter(may_have_orphans) for name in job_files.orphans(job)]
    for name in orphans:
        logger.info("removing garbage from the bucket: %s", name)
        bucket.delete(name)
    return len(orphans)


def _stale_staging() -> list[Path]:
    """Return the staging folders whose publisher lost its fence. The row is read after the folder was listed, and a
    publisher makes its folder after its row, so a folder in use is always recognised."""
    stale = []
    for path in local.media_root().glob("results_*.staging-*"):
        match = STAGING.fullmatch(path.name)
        if match is None:
            continue
        publisher = Job.objects.filter(pk=UUID(match[1]), fence=int(match[2]), state=JobState.PUBLISHING)
        if not publisher.exists():
            stale.append(path)
    return stale


def _unpublished_results() -> list[Path]:
    """Return the videos that a publisher moved into place before it crashed without a commit, of jobs that ended
    otherwise. Their metrics and log stay. Looks at the jobs that ended lately, and at some of the others in turn."""
    global _last_job
    ended = Job.objects.filter(state__in=TERMINAL_JOB_STATES).exclude(state__in=WATCHABLE_JOB_STATES)
    lately = ended.filter(finished_at__gt=state_machine.seconds_from_now(-LATELY_SECONDS)).order_by("-finished_at")
    others = list(ended.filter(pk__gt=_last_job).order_by("pk").values_list("pk", flat=True)[:JOBS_A_ROUND])
    _last_job = others[-1] if len(others) == JOBS_A_ROUND else FIRST_JOB
    unpublished: list[Path] = []
    for job_id in {*lately.values_list("pk", flat=True)[:JOBS_A_ROUND], *others}:
        folder = local.results_folder(job_id)
        if (folder / "video.mp4").exists():
            kept = {local.metrics_file(job_id).name, local.LOG}
            unpublished += [path for path in folder.iterdir() if path.name not in kept]
    return unpublished


def _old_entries() -> list[Path]:
    old = []
    folders = (local.temporary_root(), TEMPORARY_AFTER_SECONDS), (local.cache_root() / "tmp", SCRATCH_AFTER_SECONDS)
    for folder, seconds in folders:
        if not folder.is_dir():
            continue
        now = _file_system_time(folder)
        for path in folder.iterdir():
            age_seconds = now - _changed_at(path, now)
            if age_seconds > seconds or (age_seconds > ABANDONED_AFTER_SECONDS and is_abandoned(path)):
                old.append(path)
    return old


def _file_system_time(folder: Path) -> float:
    """Return the modification time of a file that is written there now: a sweeper whose own clock is wrong must not
    take an upload in progress for old."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"now")
        file.flush()
        return os.fstat(file.fileno()).st_mtime


def _changed_at(path: Path, now: float) -> float:
    """Return the latest modification time inside: a renderer's folder is as old as its newest file."""
    try:
        return max(entry.stat().st_mtime for entry in [path, *path.rglob("*")])
    except FileNotFoundError:
        return now  # being changed right now


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
