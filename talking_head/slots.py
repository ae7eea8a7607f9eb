"""Which work a slot may take: of a machine's slots some are reserved for short jobs, so that a sentence that somebody
tries out does not wait behind lectures, however many of them there are.

No slot is reserved by name. Whoever wants to work on a long job needs one of the machine's permits, of which there are
fewer than slots: the last free slot takes only what is short. A permit is a locked file, so that the kernel takes it
back when its holder dies. While clips are rendered quickly nobody would wait for long anyway, and no slot stays idle.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from django.conf import settings

from talking_head.models import Attempt, AttemptOutcome
from talking_head.run_dir import private_folder
from talking_head.timing import timing

ATTEMPTS_THAT_TELL = 20


@dataclass(slots=True)
class Permit:
    """The right to work on a long job; without a file it is not held."""

    file: IO[str] | None

    @property
    def is_held(self) -> bool:
        return self.file is not None

    def give_back(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


@contextmanager
def permit() -> Iterator[Permit]:
    """One of this machine's permits, if one is free, until the block ends or it is given back."""
    permit = Permit(_lock_one())
    try:
        yield permit
    finally:
        permit.give_back()


def are_clips_quick() -> bool:
    """Whether even the slowest of the last clips took no longer than one may wait for a slot."""
    last = Attempt.objects.filter(outcome=AttemptOutcome.DONE, wall_seconds__isnull=False).order_by("-started_at")
    slowest = max(
        (seconds or 0.0 for seconds in last.values_list("wall_seconds", flat=True)[:ATTEMPTS_THAT_TELL]), default=None
    )
    return slowest is not None and slowest <= timing().quick_seconds


def _lock_one() -> IO[str] | None:
    folder = private_folder(settings.RUN_DIR)
    for number in range(settings.TALKING_HEAD_SLOTS - settings.TALKING_HEAD_RESERVED_SLOTS):
        file = (folder / f"long-job-{number}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return file
    return None
