"""The workers' drain flag and heartbeats: a few bytes of memory, shared with every process that is forked after this
module was imported.

The process that stops the workers sets the byte, and they read it between two steps of their work. Plain memory,
because a killed process can leave anything with a lock locked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawArray, RawValue

import psutil

PID_SLOTS = 4_096  # far more than workers, so that two of them hardly ever share one

_draining = RawValue("b", 0)
_active_at = RawValue("d", 0.0)
_answered_at = RawValue("d", 0.0)
_at_work = RawArray("l", PID_SLOTS)  # process ids, each at the index pid % PID_SLOTS
_at_work_since = RawArray("d", PID_SLOTS)
_is_draining_here = False


def begin() -> None:
    """Begin to drain: no new work is claimed, and the work in hand may finish within its grace period."""
    _draining.value = 1


def begin_here() -> None:
    """Begin to drain this process alone."""
    global _is_draining_here
    _is_draining_here = True


def end() -> None:
    global _is_draining_here
    _draining.value, _is_draining_here = 0, False


def has_begun() -> bool:
    return bool(_draining.value) or _is_draining_here


def note_activity() -> None:
    """Record that a worker is looking for work now."""
    _active_at.value = time.monotonic()


def seconds_since_activity() -> float:
    return time.monotonic() - _active_at.value


@contextmanager
def at_work() -> Iterator[None]:
    """Record that this process has answered a wakeup and is busy until the block ends or the process dies."""
    _answered_at.value = time.monotonic()
    slot = os.getpid() % PID_SLOTS
    _at_work_since[slot], _at_work[slot] = time.monotonic(), os.getpid()
    try:
        yield
    finally:
        _at_work[slot] = 0


def workers_at_work(*, longer_than_seconds: float = 0.0) -> set[int]:
    """Return the numbers of the processes that have answered a wakeup and are busy (for so long)."""
    before = time.monotonic() - longer_than_seconds
    return {pid for pid in _at_work if pid and psutil.pid_exists(pid) and _at_work_since[pid % PID_SLOTS] <= before}


def seconds_since_answer() -> float:
    """Return the seconds since any worker answered a wakeup."""
    return time.monotonic() - _answered_at.value
