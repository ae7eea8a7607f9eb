"""Which work a slot may take: some of a machine's slots are reserved for short jobs, so that a sentence that a teacher
tries out does not wait behind lectures, however many of them there are.

No particular slot is reserved. A worker needs one of the machine's permits for a long job, and there are fewer permits
than slots: the last free slot takes only short jobs. A permit is a locked file, so that the kernel releases it when
its holder dies; a holder that was stopped and no longer works is recognised by the rows. While clips are rendered
quickly no short job would wait for long anyway, and no slot stays idle.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db.models.functions import Now

from talking_head.files.runtime_dir import private_folder
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState
from talking_head.timing import timing

RECENT_ATTEMPTS = 20


@dataclass(slots=True)
class Permit:
    """The right to work on a long job; one without a file takes none of the machine's permits."""

    file: IO[str] | None
    allows_long_jobs: bool

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


@contextmanager
def permit() -> Iterator[Permit]:
    """Hold one of this machine's permits, if one is free, until the block ends or it is released."""
    if not settings.TALKING_HEAD_RESERVED_SLOTS:
        yield Permit(None, allows_long_jobs=True)
        return
    file = _lock_free_permit()
    permit = Permit(file, allows_long_jobs=file is not None or _has_stalled_holder() or _are_clips_quick())
    try:
        yield permit
    finally:
        permit.release()


def _are_clips_quick() -> bool:
    """Return whether even the slowest of the last clips took no longer than a short job may wait for a slot."""
    last = Attempt.objects.filter(outcome=AttemptOutcome.DONE, wall_seconds__isnull=False).order_by("-started_at")
    slowest = max(
        (seconds or 0.0 for seconds in last.values_list("wall_seconds", flat=True)[:RECENT_ATTEMPTS]), default=None
    )
    return slowest is not None and slowest <= timing().quick_seconds


def _has_stalled_holder() -> bool:
    """Return whether a permit was taken longer ago than a lease lasts, and its holder has no clip any more."""
    taken_at = min(path.stat().st_mtime for path in _permit_files())
    if time.time() - taken_at < timing().lease_seconds:
        return False
    leased = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__gte=Now(), is_short=False)
    return leased.filter(leased_by__startswith=f"{socket.gethostname()}:").count() < len(_permit_files())


def _permit_files() -> list[Path]:
    folder = private_folder(settings.RUN_DIR)
    permits = range(settings.TALKING_HEAD_SLOTS - settings.TALKING_HEAD_RESERVED_SLOTS)
    return [folder / f"long-job-{number}.lock" for number in permits]


def _lock_free_permit() -> IO[str] | None:
    for path in _permit_files():
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        os.utime(path)
        return file
    return None
