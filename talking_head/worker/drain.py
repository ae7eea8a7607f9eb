"""The word "stop" for workers: a byte of memory shared with everything forked after this module was imported.

django-q2 tells its workers nothing when it stops; they would go on until their task ends. Whoever stops the cluster
sets the byte, tasks look at it. A plain byte, because anything with a lock can be left locked by a killed process.
"""

from __future__ import annotations

from multiprocessing.sharedctypes import RawValue

_draining = RawValue("b", 0)


def begin() -> None:
    """From now on nothing new is claimed; what is in hand may end within its grace."""
    _draining.value = 1


def end() -> None:
    _draining.value = 0


def has_begun() -> bool:
    return bool(_draining.value)
