"""Files that only the service's own user may read."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

SHARED_BITS = 0o077


def make_private(name: str) -> None:
    """Create an empty SQLite file that only its owner may read, before SQLite creates one that everybody may.

    SQLite gives the mode of this file to those that it puts beside it. An existing file keeps the mode that an
    administrator gave it, and in a folder that does not exist or cannot be written to SQLite says what is wrong.
    """
    if not name or name.startswith((":memory:", "file:")):
        return
    with contextlib.suppress(OSError):
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def is_shared(name: str) -> bool:
    """Return whether other users of this machine may read or write a file; False for one that does not exist."""
    try:
        mode = Path(name).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) and bool(mode & SHARED_BITS)
