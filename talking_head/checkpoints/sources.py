"""Where a file can come from, best first, and what one source says when it cannot give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from talking_head.checkpoints.manifest import Checkpoint, Manifest
from talking_head.errors import OptionError, ResourceError

Source = str | Path  # an address, or a file in somebody's folder


class SourceError(ResourceError):
    """This source cannot give the file. When not ``permanent``, asking again may help; servers may say when."""

    default_code = "download_failed"

    def __init__(self, message: str, *, permanent: bool, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, permanent=permanent)
        self.retry_after_seconds = retry_after_seconds


def parse_mirror(mirror: str) -> Source | None:
    """
    Raises:
        OptionError: ``bad_mirror``.
    """
    if not mirror:
        return None
    if urlsplit(mirror).scheme in ("http", "https"):
        return mirror.rstrip("/") + "/"
    folder = Path(mirror.removeprefix("file://"))
    if not folder.is_dir():
        raise OptionError(
            f"The mirror “{mirror}” is neither an http address nor a folder.",
            code="bad_mirror",
            hint="Name a folder with the checkpoint files in it, or the address under which they lie.",
        )
    return folder


def sources_of(checkpoint: Checkpoint, manifest: Manifest, mirror: Source | None) -> tuple[Source, ...]:
    """A mirror takes the place of every other source: without internet nobody should wait for those."""
    if mirror is None:
        return checkpoint.urls
    places = tuple(_places(checkpoint, manifest.checkpoints))
    if isinstance(mirror, Path):
        return tuple(mirror / place for place in places)
    return tuple(mirror + quote(place) for place in places)


def _places(checkpoint: Checkpoint, others: Sequence[Checkpoint]) -> Iterator[str]:
    """The file's place as in our own folder; or the bare name, where no other file is called the same."""
    yield checkpoint.file
    if checkpoint.file_name != checkpoint.file and [one.file_name for one in others].count(checkpoint.file_name) == 1:
        yield checkpoint.file_name
