"""Copying a file from a mirror that is a folder: a USB stick or a network share, say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from talking_head.checkpoints.folder import CHECKPOINTS_FOLDER
from talking_head.checkpoints.sources import SourceError
from talking_head.errors import map_os_errors

BLOCK_BYTES = 1 << 20


def copy(source: Path, part: Path, expected_bytes: int, *, on_progress: Callable[[int], None]) -> None:
    """Copy the whole file, always from the beginning: it is quick, and an unfinished part may be from elsewhere.

    Raises:
        SourceError: the file does not exist or has the wrong size. ResourceError: the checkpoints folder refuses it.
    """
    try:
        if not source.is_file():
            raise SourceError("The file does not exist.", permanent=True)
        actual_bytes = source.stat().st_size
        if actual_bytes != expected_bytes:
            raise SourceError(f"It is a different file ({actual_bytes} bytes).", permanent=True)
        reader = source.open("rb")
    except OSError as error:
        raise SourceError(f"The file cannot be read: {error.strerror}.", permanent=True) from error
    with reader, map_os_errors(CHECKPOINTS_FOLDER):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as writer:
            while block := _read(reader.read, source):
                writer.write(block)
                on_progress(writer.tell())


def _read(read: Callable[[int], bytes], source: Path) -> bytes:
    """Return the next block; a stick that was pulled out is an error of the source, not of our folder."""
    try:
        return read(BLOCK_BYTES)
    except OSError as error:
        raise SourceError(f"The file cannot be read: {error.strerror}.", permanent=True) from error
