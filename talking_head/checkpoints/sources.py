"""The sources of a file, best first, and the error of a source that cannot deliver it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from talking_head.checkpoints.manifest import Checkpoint, Manifest
from talking_head.errors import OptionError, ResourceError

Source = str | Path  # a URL, or a path in a mirror folder


class SourceError(ResourceError):
    """A source cannot deliver the file. Unless ``permanent``, a retry may help; a server may say after how long."""

    default_code = "download_failed"

    def __init__(self, message: str, *, permanent: bool, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, permanent=permanent)
        self.retry_after_seconds = retry_after_seconds


def parse_mirror(mirror: str) -> Source | None:
    """Return the mirror as a URL or a folder; None for an empty option.

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
            f"The mirror “{mirror}” is neither an http(s) URL nor a folder.",
            code="bad_mirror",
            hint="Give a folder that contains the checkpoint files, or the URL under which they are served.",
        )
    return folder


def sources_of(checkpoint: Checkpoint, manifest: Manifest, mirror: Source | None) -> tuple[Source, ...]:
    """Return the sources of a file; a mirror replaces all others, so that no time is lost on them without internet."""
    if mirror is None:
        return checkpoint.urls
    paths = tuple(_mirror_paths(checkpoint, manifest.checkpoints))
    if isinstance(mirror, Path):
        return tuple(mirror / path for path in paths)
    return tuple(mirror + quote(path) for path in paths)


def _mirror_paths(checkpoint: Checkpoint, all_checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """Yield the file's path as in the checkpoints folder; then the bare name, unless another file has the same."""
    yield checkpoint.file
    names = [item.file_name for item in all_checkpoints]
    if checkpoint.file_name != checkpoint.file and names.count(checkpoint.file_name) == 1:
        yield checkpoint.file_name
