"""What keeps promises when the one who made them is gone: run every few seconds, by any number of processes.

Everything here is a conditional write that somebody else may have been faster with, so two sweepers are harmless.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from django.db.models import Q

from talking_head.files import bucket
from talking_head.files import job_files as results
from talking_head.files import local as storage
from talking_head.files import uploads as private_files
from talking_head.jobs import claims, outbox
from talking_head.jobs import narration_retention as unused_narrations
from talking_head.jobs import queue as line
from talking_head.jobs import state_machine as lifecycle
from talking_head.jobs import transcription as narrations
from talking_head.jobs import wakeups as doorbell
from talking_head.models import TERMINAL_JOB_STATES, WATCHABLE_JOB_STATES, Job, JobState, Notification
from talking_head.renderer.scratch import is_abandoned

logger = logging.getLogger(__name__)

OUTBOX_AFTER_SECONDS = 5.0  # who wrote it delivers it at once; after this it did not
OUTBOX_BATCH = 100
TEMPORARY_AFTER_SECONDS = 3_600.0  # an upload takes seconds
SCRATCH_AFTER_SECONDS = 6 * 3_600.0  # of whatever else works there, such as `manage.py render`
ABANDONED_AFTER_SECONDS = 10.0  # a renderer's folder whose owner was killed; a new one gets its owner at once
ORPHANS_SECONDS = 6 * 3_600.0
STAGING = re.compile(r"results_([0-9a-f-]{36})\.staging-(\d+)")
RESULTS = re.compile(r"results_([0-9a-f-]{36})")


def sweep() -> None:
    """One round, without the slow search for garbage."""
    reaped, expired, aged = claims.reap_expired_leases(), claims.expire_deadlines(), line.let_age()
    if reaped or expired or aged:
        logger.info("took back %d clips, ended the time of %d jobs, made %d urgent", reaped, expired, aged)
    ring_if_needed()
    deliver_outbox()


def ring_if_needed() -> bool:
    """Rings when there is work that nobody has been called for: a ring got lost, or its worker died."""
    there_is_work = (
        claims.is_anything_claimable() or lifecycle.is_anything_to_publish() or narrations.is_anything_to_hear()
    )
    return there_is_work and doorbell.rings_waiting() == 0 and doorbell.ring()


def deliver_outbox() -> int:
    """Delivers what ended jobs still owe to others; returns how many went well."""
    late = Notification.objects.filter(
        delivered_at=None,
        failures__lt=outbox.MAX_FAILURES,
        created_at__lt=lifecycle.seconds_from_now(-OUTBOX_AFTER_SECONDS),
    )
    return sum(map(outbox.deliver, late.values_list("pk", flat=True)[:OUTBOX_BATCH]))


# --- garbage -------------------------------------------------------------------------------------------------------


def collect_garbage() -> int:
    """Removes what no row speaks of and nobody works on or uses any more; returns how many files, folders and rows."""
    doomed = [*_stale_staging(), *_unpublished_results(), *_old_entries()]
    for path in doomed:
        logger.info("removing what was left behind: %s", path.name)
        _remove(path)
    removed = len(doomed) + unused_narrations.collect_unused()
    if bucket.is_on():
        removed += _collect_orphaned_objects() + private_files.drop_stale_copies()
    return removed


def _collect_orphaned_objects() -> int:
    """What publishers uploaded and never published. Looked for where it can be, for a few hours after a job's end:
    longer than the slowest upload of a publisher that does not know yet that it was replaced."""
    ended = Job.objects.filter(
        state__in=TERMINAL_JOB_STATES, finished_at__gt=lifecycle.seconds_from_now(-ORPHANS_SECONDS)
    )
    tried_again_or_in_vain = Q(fence__gt=1) | (Q(fence=1) & ~Q(state__in=WATCHABLE_JOB_STATES))
    orphans = [name for job in ended.filter(tried_again_or_in_vain) for name in results.orphans(job)]
    for name in orphans:
        logger.info("removing what was left behind in the bucket: %s", name)
        bucket.delete(name)
    return len(orphans)


def _stale_staging() -> list[Path]:
    """Staging folders whose publisher lost its fence. The row is read after the folder was seen, and a publisher makes
    its folder after its row, so a folder in use is always recognised."""
    found = []
    for path in storage.media_root().glob("results_*.staging-*"):
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
    videos = {match[1]: path for path in storage.media_root().glob("results_*/video.mp4")
              if (match := RESULTS.fullmatch(path.parent.name))}  # fmt: skip
    found = []
    ids = [UUID(id_) for id_ in videos]
    for start in range(0, len(ids), 500):
        others = Job.objects.filter(~Q(state__in=WATCHABLE_JOB_STATES), pk__in=ids[start : start + 500])
        for job_id in others.filter(state__in=TERMINAL_JOB_STATES).values_list("pk", flat=True):
            folder = videos[str(job_id)].parent
            kept = {storage.metrics_file(job_id).name, storage.LOG}
            found += [path for path in folder.iterdir() if path.name not in kept]
    return found


def _old_entries() -> list[Path]:
    found = []
    places = (storage.temporary_root(), TEMPORARY_AFTER_SECONDS), (storage.cache_root() / "tmp", SCRATCH_AFTER_SECONDS)
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
