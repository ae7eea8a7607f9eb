"""Small pictures of portraits, made when they are first asked for: copies in the cache folder, safe to delete."""

from __future__ import annotations

from pathlib import Path

from talking_head.errors import map_os_errors
from talking_head.files import local


def find(digest: str, side_px: int) -> bytes | None:
    """Return the stored JPEG; None when there is none."""
    try:
        return _path(digest, side_px).read_bytes()
    except FileNotFoundError:
        return None


def store(digest: str, side_px: int, jpeg: bytes) -> None:
    """Store a JPEG for the next request.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    local.write_atomically(_path(digest, side_px), jpeg)


def delete(digest: str) -> None:
    """Delete all sizes of a picture that is deleted.

    Raises:
        ResourceError: ``storage_denied``.
    """
    with map_os_errors():
        for path in _folder(digest).glob(f"{digest}-*.jpg"):
            path.unlink(missing_ok=True)


def _path(digest: str, side_px: int) -> Path:
    return _folder(digest) / f"{digest}-{side_px}.jpg"


def _folder(digest: str) -> Path:
    return local.cache_root() / "thumbnails" / digest[:2]
