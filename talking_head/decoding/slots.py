"""How many files are decoded at once on this machine, whichever of its processes received them.

A slot is a locked file: the kernel releases the lock however its owner ends. Recordings, which can take many seconds,
use only the first slot, so a picture never waits for two of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from talking_head.errors import ResourceError, from_os_error

POLL_SECONDS = 0.02
MAX_WAITING = 16  # in one process; each waits with a thread and an upload


class DecoderSlots:
    """The slots of a folder that the processes of one installation share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._turns: dict[tuple[int, ...], threading.Lock] = {}
        self._waiting = 0

    @contextlib.contextmanager
    def occupied(self, numbers: Sequence[int], wait_seconds: float) -> Iterator[None]:
        """Hold one of the slots with these numbers, the first free one, while the block runs.

        Raises:
            ResourceError: ``busy`` when none becomes free in time, or too many callers wait already.
        """
        deadline = time.monotonic() + wait_seconds
        with self._in_line():
            slot = self._wait_for(tuple(numbers), deadline)
        try:
            yield
        finally:
            os.close(slot)

    @contextlib.contextmanager
    def _in_line(self) -> Iterator[None]:
        with self._guard:
            if self._waiting >= MAX_WAITING:
                raise too_busy()
            self._waiting += 1
        try:
            yield
        finally:
            with self._guard:
                self._waiting -= 1

    def _wait_for(self, numbers: tuple[int, ...], deadline: float) -> int:
        """Return the descriptor of a locked slot. In this process only the first in line looks for one."""
        with self._guard:
            turn = self._turns.setdefault(numbers, threading.Lock())
        if not turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise too_busy()
        try:
            while True:
                for number in numbers:
                    slot = self._try_to_lock(number)
                    if slot is not None:
                        return slot
                if time.monotonic() >= deadline:
                    raise too_busy()
                time.sleep(POLL_SECONDS)
        finally:
            turn.release()

    def _try_to_lock(self, number: int) -> int | None:
        try:
            slot = os.open(self._folder / f"decoder-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise from_os_error(error) from error
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(slot)
            return None
        return slot


def too_busy() -> ResourceError:
    """Return the error for a file that could not be decoded because this machine had no time for it."""
    return ResourceError(
        "Too many files are being checked at the moment.", code="busy", hint="Try again in a few seconds."
    )
