"""The word "stop" for workers, and their signs of life: a few bytes of memory, shared with everything that is forked
after this module was imported.

django-q2 tells its workers nothing when it stops; they would go on until their task ends. Whoever stops the cluster
sets the byte, tasks look at it. Plain memory, because anything with a lock can be left locked by a killed process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawArray, RawValue

import psutil

PLACES = 4_096  # far more than workers, so that two of them hardly ever share one

_draining = RawValue("b", 0)
_active_at = RawValue("d", 0.0)
_answered_at = RawValue("d", 0.0)
_at_work = RawArray("l", PLACES)  # process numbers, each in the place that its last digits name


def begin() -> None:
    """From now on nothing new is claimed; what is in hand may end within its grace."""
    _draining.value = 1


def end() -> None:
    _draining.value = 0


def has_begun() -> bool:
    return bool(_draining.value)


def note_activity() -> None:
    """A worker looks for work right now."""
    _active_at.value = time.monotonic()


def seconds_since_activity() -> float:
    return time.monotonic() - _active_at.value


@contextmanager
def at_work() -> Iterator[None]:
    """This process has answered a ring, and is busy until the block ends; or until it dies, which is seen too."""
    _answered_at.value = time.monotonic()
    place = os.getpid() % PLACES
    _at_work[place] = os.getpid()
    try:
        yield
    finally:
        _at_work[place] = 0


def workers_at_work() -> int:
    return sum(1 for pid in _at_work if pid and psutil.pid_exists(pid))


def seconds_since_answer() -> float:
    """Since some worker answered a ring."""
    return time.monotonic() - _answered_at.value
