"""Which work a slot may take: of a machine's slots some are reserved for short jobs, so that a sentence that somebody
tries out does not wait behind lectures, however many of them there are.

No slot is reserved by name. Whoever wants to work on a long job needs one of the machine's permits, of which there are
fewer than slots: the last free slot takes only what is short. A permit is a locked file, so that the kernel takes it
back when its holder dies; the rows tell of one that was stopped and works no more. While clips are rendered quickly
nobody would wait for long anyway, and no slot stays idle.
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

ATTEMPTS_THAT_TELL = 20


@dataclass(slots=True)
class Permit:
    """The right to work on a long job; without a file nobody else goes without for it."""

    file: IO[str] | None
    allows_long_jobs: bool

    def give_back(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


@contextmanager
def permit() -> Iterator[Permit]:
    """One of this machine's permits, if one is free, until the block ends or it is given back."""
    if not settings.TALKING_HEAD_RESERVED_SLOTS:
        yield Permit(None, allows_long_jobs=True)
        return
    file = _lock_one()
    permit = Permit(file, allows_long_jobs=file is not None or _has_stalled_holder() or _are_clips_quick())
    try:
        yield permit
    finally:
        permit.give_back()


def _are_clips_quick() -> bool:
    """Whether even the slowest of the last clips took no longer than one may wait for a slot."""
    last = Attempt.objects.filter(outcome=AttemptOutcome.DONE, wall_seconds__isnull=False).order_by("-started_at")
    slowest = max(
        (seconds or 0.0 for seconds in last.values_list("wall_seconds", flat=True)[:ATTEMPTS_THAT_TELL]), default=None
    )
    return slowest is not None and slowest <= timing().quick_seconds


def _has_stalled_holder() -> bool:
    """Whether a permit was taken longer ago than a lease lasts, and nobody has a clip for it any more."""
    taken_at = min(path.stat().st_mtime for path in _permit_files())
    if time.time() - taken_at < timing().lease_seconds:
        return False
    leased = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__gte=Now(), is_short=False)
    return leased.filter(leased_by__startswith=f"{socket.gethostname()}:").count() < len(_permit_files())


def _permit_files() -> list[Path]:
    folder = private_folder(settings.RUN_DIR)
    permits = range(settings.TALKING_HEAD_SLOTS - settings.TALKING_HEAD_RESERVED_SLOTS)
    return [folder / f"long-job-{number}.lock" for number in permits]


def _lock_one() -> IO[str] | None:
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
