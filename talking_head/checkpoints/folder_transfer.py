"""One file from a mirror that is a folder: a USB stick, a network share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from talking_head.checkpoints.folder import CHECKPOINTS_FOLDER
from talking_head.checkpoints.sources import SourceError
from talking_head.errors import map_os_errors

BLOCK_BYTES = 1 << 20


def copy(source: Path, part: Path, expected_bytes: int, *, on_progress: Callable[[int], None]) -> None:
    """Always from the beginning: copying is quick, and a half may come from elsewhere.

    Raises:
        SourceError: the file is not there, or has another size. ResourceError: our folder refuses it.
    """
    try:
        if not source.is_file():
            raise SourceError("The file is not there.", permanent=True)
        found_bytes = source.stat().st_size
        if found_bytes != expected_bytes:
            raise SourceError(f"It is another file ({found_bytes} bytes).", permanent=True)
        reader = source.open("rb")
    except OSError as error:
        raise SourceError(f"It cannot be read: {error.strerror}.", permanent=True) from error
    with reader, map_os_errors(CHECKPOINTS_FOLDER):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as writer:
            while block := _read(reader.read, source):
                writer.write(block)
                on_progress(writer.tell())


def _read(read: Callable[[int], bytes], source: Path) -> bytes:
    """A stick that was pulled out is the source's failure, not our folder's."""
    try:
        return read(BLOCK_BYTES)
    except OSError as error:
        raise SourceError(f"It cannot be read: {error.strerror}.", permanent=True) from error
