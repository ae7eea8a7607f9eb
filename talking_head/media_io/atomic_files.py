"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from talking_head.errors import from_os_error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; leaving the block without an exception gives the file its name.

    After an exception (an interruption too) nothing remains, and what had the name before still has it.

    Raises:
        ResourceError: what the file system refused.
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
    """``path.write_bytes(data)``, except that nobody ever sees a part of it. Raises ``ResourceError``."""
    with atomic_path(path) as unfinished:
        unfinished.write_bytes(data)
