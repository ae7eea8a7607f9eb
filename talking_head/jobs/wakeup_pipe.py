"""Wakeups between the processes of one machine without polling: a pipe in ``RUN_DIR`` on which idle workers sleep.

The queue's table or Redis carries the wakeup itself; a byte in the pipe only says "look now". A byte that is lost, or
that another machine cannot write, is made up for by looking every few seconds anyway.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
from pathlib import Path

from django.conf import settings

from talking_head.errors import ResourceError
from talking_head.files.runtime_dir import private_folder

logger = logging.getLogger(__name__)

LOCAL_SECONDS = 5.0  # between two looks at a queue that only processes of this machine fill
SHARED_SECONDS = 1.0  # the same where other machines may fill it too
READ_BYTES = 65_536


def _path() -> Path:
    return Path(settings.RUN_DIR) / "wakeups"


def ring() -> None:
    """Wake the idle workers of this machine; harmless when there are none, and when it fails."""
    with contextlib.suppress(OSError):  # no worker listens, the pipe is full, or there is none
        descriptor = os.open(_path(), os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, b"\0")
        finally:
            os.close(descriptor)


class WakeupListener:
    """A worker's end of the pipe, and a way to end its wait from a signal handler."""

    def __init__(self) -> None:
        self._interrupt, self._interrupted = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._pipe = _open_pipe()
        self.longest_seconds = LOCAL_SECONDS if _is_local() and self._pipe is not None else SHARED_SECONDS

    def wait(self) -> None:
        """Sleep until this machine is rung, ``interrupt`` is called, or it is time to look anyway."""
        pipes = [pipe for pipe in (self._interrupt, self._pipe) if pipe is not None]
        readable, _, _ = select.select(pipes, [], [], self.longest_seconds)
        for pipe in readable:
            with contextlib.suppress(BlockingIOError):  # another worker was faster
                os.read(pipe, READ_BYTES if pipe == self._interrupt else 1)

    def interrupt(self) -> None:
        """End the wait; callable from a signal handler."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._interrupted, b"\0")

    def close(self) -> None:
        """Close all ends."""
        for descriptor in (self._interrupt, self._interrupted, self._pipe):
            if descriptor is not None:
                os.close(descriptor)


def _is_local() -> bool:
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3")


def _open_pipe() -> int | None:
    """Open the pipe for reading, and for writing too: else it would be at its end whenever no writer has it open."""
    try:
        path = private_folder(Path(settings.RUN_DIR)) / _path().name
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ResourceError):
        logger.warning("Workers cannot be woken at once and look every second instead.", exc_info=True)
        return None
