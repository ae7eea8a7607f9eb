"""The workers' drain flag and heartbeats: a few bytes of memory, shared with every process that is forked after this
module was imported.

django-q2 does not notify its workers when it stops; they would go on until their task ends. The process that stops the
cluster sets the byte, and tasks read it. Plain memory, because a killed process can leave anything with a lock locked.
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


def begin() -> None:
    """Begin to drain: no new work is claimed, and the work in hand may finish within its grace period."""
    _draining.value = 1


def end() -> None:
    _draining.value = 0


def has_begun() -> bool:
    return bool(_draining.value)


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
    _at_work[slot] = os.getpid()
    try:
        yield
    finally:
        _at_work[slot] = 0


def workers_at_work() -> int:
    return sum(1 for pid in _at_work if pid and psutil.pid_exists(pid))


def seconds_since_answer() -> float:
    """Return the seconds since any worker answered a wakeup."""
    return time.monotonic() - _answered_at.value
