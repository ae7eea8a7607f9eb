"""Files and folders that no row speaks of: what a crash, a cancelled job or an old upload left behind."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from django.db.models import Q

from talking_head.files import bucket, job_files, local, uploads
from talking_head.jobs import narration_retention, state_machine
from talking_head.models import TERMINAL_JOB_STATES, WATCHABLE_JOB_STATES, Job, JobState
from talking_head.renderer.scratch import is_abandoned

logger = logging.getLogger(__name__)

TEMPORARY_AFTER_SECONDS = 3_600.0  # an upload takes seconds
SCRATCH_AFTER_SECONDS = 6 * 3_600.0  # of whatever else works there, such as `manage.py render`
ABANDONED_AFTER_SECONDS = 10.0  # a renderer's folder whose owner was killed; a new one gets its owner at once
ORPHANS_SECONDS = 6 * 3_600.0
STAGING = re.compile(r"results_([0-9a-f-]{36})\.staging-(\d+)")


def collect_garbage() -> int:
    """Removes what no row speaks of and nobody works on or uses any more; returns how many files, folders and rows."""
    removable = [*_stale_staging(), *_unpublished_results(), *_old_entries()]
    for path in removable:
        logger.info("removing what was left behind: %s", path.name)
        _remove(path)
    removed = len(removable) + narration_retention.collect_unused()
    if bucket.is_enabled():
        removed += _collect_orphaned_objects() + uploads.drop_stale_copies()
    return removed


def _collect_orphaned_objects() -> int:
    """What publishers uploaded and never published. Looked for where it can be, for a few hours after a job's end:
    longer than the slowest upload of a publisher that does not know yet that it was replaced."""
    ended = Job.objects.filter(
        state__in=TERMINAL_JOB_STATES, finished_at__gt=state_machine.seconds_from_now(-ORPHANS_SECONDS)
    )
    tried_again_or_in_vain = Q(fence__gt=1) | (Q(fence=1) & ~Q(state__in=WATCHABLE_JOB_STATES))
    orphans = [name for job in ended.filter(tried_again_or_in_vain) for name in job_files.orphans(job)]
    for name in orphans:
        logger.info("removing what was left behind in the bucket: %s", name)
        bucket.delete(name)
    return len(orphans)


def _stale_staging() -> list[Path]:
    """Staging folders whose publisher lost its fence. The row is read after the folder was seen, and a publisher makes
    its folder after its row, so a folder in use is always recognised."""
    found = []
    for path in local.media_root().glob("results_*.staging-*"):
        match = STAGING.fullmatch(path.name)
        if match is None:
            continue
        publisher = Job.objects.filter(pk=UUID(match[1]), fence=int(match[2]), state=JobState.PUBLISHING)
        if not publisher.exists():
            found.append(path)
    return found


def _unpublished_results() -> list[Path]:
    """Videos that were put in place by a publisher that crashed before its commit, of jobs that ended otherwise. Their
    metrics and log stay."""
    videos = {
        job_id: path
        for path in local.media_root().glob("results_*/video.mp4")
        if (job_id := local.job_id_of(path.parent.name))
    }
    found = []
    ids = list(videos)
    for start in range(0, len(ids), 500):
        others = Job.objects.filter(~Q(state__in=WATCHABLE_JOB_STATES), pk__in=ids[start : start + 500])
        for job_id in others.filter(state__in=TERMINAL_JOB_STATES).values_list("pk", flat=True):
            folder = videos[job_id].parent
            kept = {local.metrics_file(job_id).name, local.LOG}
            found += [path for path in folder.iterdir() if path.name not in kept]
    return found


def _old_entries() -> list[Path]:
    found = []
    places = (local.temporary_root(), TEMPORARY_AFTER_SECONDS), (local.cache_root() / "tmp", SCRATCH_AFTER_SECONDS)
    for place, seconds in places:
        if not place.is_dir():
            continue
        now = _file_system_time(place)
        for path in place.iterdir():
            age_seconds = now - _changed_at(path, now)
            if age_seconds > seconds or (age_seconds > ABANDONED_AFTER_SECONDS and is_abandoned(path)):
                found.append(path)
    return found


def _file_system_time(place: Path) -> float:
    """What a file that is written there now is dated: a sweeper whose own clock is wrong must not take what somebody
    uploads at this moment for old."""
    with tempfile.TemporaryFile(dir=place) as file:
        file.write(b"now")
        file.flush()
        return os.fstat(file.fileno()).st_mtime


def _changed_at(path: Path, now: float) -> float:
    """Of the youngest thing inside: a renderer's folder is as old as what it made last."""
    try:
        return max(entry.stat().st_mtime for entry in [path, *path.rglob("*")])
    except FileNotFoundError:
        return now  # being changed right now


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
