"""A renderer's own folder. Whoever started the renderer keeps a lock on it, which the kernel releases however that
process ends: so anybody can tell a folder in use from one whose owner was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

OWNER = ".owner"


class ScratchFolder:
    """Makes the folder and holds it until :meth:`remove`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        with contextlib.suppress(OSError):  # a full disk: the first request will say so in better words
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / OWNER, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def is_abandoned(path: Path) -> bool:
    """Whether this is a renderer's folder and its owner is gone; False where the file system knows no locks."""
    try:
        lock = os.open(path / OWNER, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
