"""Processes that are forked instead of started anew: they share the memory of what is loaded, and start at once."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from talking_head.renderer.parent_death import die_with_parent

logger = logging.getLogger(__name__)

STABLE_AFTER_SECONDS = 10.0


@dataclass(slots=True)
class ForkedProcess:
    """A process that is forked again when it has ended: at once, or after a pause while it keeps ending early.

    The pause begins with ``first_pause_seconds`` and is doubled up to ``longest_pause_seconds``.
    """

    name: str
    act: Callable[[], None]
    first_pause_seconds: float
    longest_pause_seconds: float
    pid: int = 0  # 0 while it does not run
    started_at: float = 0.0
    start_at: float = 0.0
    pause_seconds: float = 0.0

    def start_if_due(self) -> None:
        """Start the process unless it runs or has to wait."""
        if not self.pid and time.monotonic() >= self.start_at:
            self.pid, self.started_at = fork_bound(self.name, self.act), time.monotonic()

    def bury(self) -> tuple[int, int] | None:
        """Return the process's number and exit status if it has just ended, and note when the next may start."""
        if not self.pid:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        now = time.monotonic()
        if now - self.started_at > STABLE_AFTER_SECONDS:
            self.pause_seconds = 0.0
        else:
            doubled = max(self.first_pause_seconds, 2 * self.pause_seconds)
            self.pause_seconds = min(doubled, self.longest_pause_seconds)
        self.pid, self.start_at = 0, now + self.pause_seconds
        return pid, os.waitstatus_to_exitcode(status)


def seconds_to_next_start(processes: Iterable[ForkedProcess]) -> float | None:
    """Return the seconds until the first of those that do not run may be started; None if all run."""
    now = time.monotonic()
    return min((max(0.0, process.start_at - now) for process in processes if not process.pid), default=None)


def fork_bound(name: str, act: Callable[[], None]) -> int:
    """Fork a process that does this and ends, and return its number.

    The kernel kills it when this process ends, even in the very moment of the fork. Signals that this process has
    blocked are blocked in it too. ``name`` is shown by ``ps -o comm``; this process must have one thread.
    """
    connections.close_all()  # a connection cannot be shared
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    if pid := os.fork():
        return pid
    status = 1
    try:
        die_with_parent(parent)
        with contextlib.suppress(OSError):  # Linux only
            Path("/proc/self/comm").write_text(f"lectern-{name}", encoding="ascii")
        act()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        logger.exception("The process ends because of an unexpected problem.")
    finally:
        logging.shutdown()
        os._exit(status)  # the parent's exit hooks are not for this process


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def send_to_group(group: int, number: int) -> None:
    """Send a signal to a process group that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
