"""The word "stop" for workers, and their sign of life: a few bytes of memory, shared with everything that is forked
after this module was imported.

django-q2 tells its workers nothing when it stops; they would go on until their task ends. Whoever stops the cluster
sets the byte, tasks look at it. Plain memory, because anything with a lock can be left locked by a killed process.
"""

from __future__ import annotations

import time
from multiprocessing.sharedctypes import RawValue

_draining = RawValue("b", 0)
_active_at = RawValue("d", 0.0)


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
