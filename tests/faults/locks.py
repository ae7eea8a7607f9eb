"""SQLite has one lock for writing, and no process can take it from one that was stopped while it held it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def can_write(database: Path) -> bool:
    """Whether anybody could write now: a test that stops processes lets them go on and tries again if not."""
    with closing(sqlite3.connect(database, timeout=0.5)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.rollback()
        return True
