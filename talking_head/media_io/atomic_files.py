"""Atomic file writes: a file appears complete or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from talking_head.errors import from_os_error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path`` to write to; on leaving the block the file is renamed to ``path``.

    After an exception (an interruption, too) the temporary file is deleted, and an existing ``path`` is unchanged.

    Raises:
        ResourceError: the error of the file system.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise from_os_error(error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that no reader ever sees a part of it; raise ``ResourceError`` as above."""
    with atomic_path(path) as unfinished:
        unfinished.write_bytes(data)
