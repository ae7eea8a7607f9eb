"""A renderer's own folder. The process that started the renderer holds a lock on it, which the kernel releases however
that process ends: so any process can distinguish a folder in use from one whose owner was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

OWNER = ".owner"


class ScratchFolder:
    """A folder that is created and locked at once, and held until :meth:`remove`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        with contextlib.suppress(OSError):  # a full disk: the first request reports it properly
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / OWNER, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def is_abandoned(path: Path) -> bool:
    """Return whether this is a renderer's folder whose owner is gone; False where the file system has no locks."""
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
