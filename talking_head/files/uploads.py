"""Private uploads, stored under the sha256 of their bytes: portraits, narrations, voice samples.

``MEDIA_ROOT/<kind>/<aa>/<digest>``, and under the same key in the bucket, if there is one: then the file on this
machine's disk is only a copy. The same bytes twice are one file; a file never changes. Access is not decided here: a
view asks :mod:`talking_head.permissions` first.

Besides the errors that are named, the functions here raise ``ResourceError`` (``no_space``, ``storage_denied``,
``storage_unavailable``).
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from pathlib import Path

from talking_head.errors import InvalidInput, map_os_errors
from talking_head.files import bucket, local, thumbnails

DIGEST = re.compile(r"[0-9a-f]{64}")


class UploadKind(StrEnum):
    """The kinds of uploads; the value is the folder's name."""

    PORTRAIT = "portraits"
    NARRATION = "narrations"
    VOICE_SAMPLE = "voice_samples"


def store(kind: UploadKind, data: bytes) -> str:
    """Store checked bytes, whole or not at all, and return their digest."""
    digest = hashlib.sha256(data).hexdigest()
    if bucket.is_enabled():
        bucket.upload_bytes(storage_key(kind, digest), data)
    local.write_atomically(local_path(kind, digest), data)
    return digest


def store_file(kind: UploadKind, temporary: Path) -> str:
    """Store a checked file of the media folder's file system as :func:`store` does, without reading it into memory.
    It is moved, so it is gone from its old place."""
    with map_os_errors(), temporary.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if bucket.is_enabled():
        bucket.upload(storage_key(kind, digest), temporary)
    local.move_into_place(temporary, local_path(kind, digest))
    return digest


def storage_key(kind: UploadKind, digest: str) -> str:
    """Return the path below ``MEDIA_ROOT``, which is also the key in the bucket.

    Raises:
        InvalidInput: ``unknown_file`` when ``digest`` is not a digest, so that no path is ever built from user input.
    """
    if not DIGEST.fullmatch(digest):
        raise _unknown()
    return f"{kind}/{digest[:2]}/{digest}"


def local_path(kind: UploadKind, digest: str) -> Path:
    """Return the path of the bytes on this machine, where :func:`fetch` puts them.

    Raises:
        InvalidInput: ``unknown_file``, as for :func:`storage_key`.
    """
    return local.media_root() / storage_key(kind, digest)


def fetch(kind: UploadKind, digest: str) -> Path:
    """Return the path of the file with these bytes on this machine, ready to be opened.

    Raises:
        InvalidInput: ``unknown_file``.
    """
    path = local_path(kind, digest)
    if not exists(kind, digest):
        path.unlink(missing_ok=True)  # a copy of a file that was deleted on another machine
        raise _unknown()
    if not path.is_file():
        try:
            bucket.download(storage_key(kind, digest), path)
        except FileNotFoundError as error:  # deleted since the check above
            raise _unknown() from error
    return path


def exists(kind: UploadKind, digest: str) -> bool:
    if not DIGEST.fullmatch(digest):
        return False
    return bucket.exists(storage_key(kind, digest)) if bucket.is_enabled() else local_path(kind, digest).is_file()


def delete(kind: UploadKind, digest: str) -> None:
    """Delete the bytes for good; missing bytes are not an error. The caller must know that nothing refers to them.
    Copies on other machines are deleted when they are requested there, or by the next round of their sweeper."""
    if bucket.is_enabled():
        bucket.delete(storage_key(kind, digest))
    with map_os_errors():
        local_path(kind, digest).unlink(missing_ok=True)
    if kind == UploadKind.PORTRAIT:
        thumbnails.delete(digest)


def drop_stale_copies() -> int:
    """Delete this machine's copies and thumbnails of files that are no longer in the bucket; return how many copies.
    Needs a bucket."""
    copies = [(kind, path) for kind in UploadKind for path in (local.media_root() / kind).glob("??/*")]
    # The bucket is listed last: every upload is stored there first.
    stored = {key for kind in {kind for kind, _ in copies} for key in bucket.names(f"{kind}/")}
    stale = [path for kind, path in copies if f"{kind}/{path.parent.name}/{path.name}" not in stored]
    for path in stale:
        path.unlink(missing_ok=True)
        if path.parent.parent.name == UploadKind.PORTRAIT:
            thumbnails.delete(path.name)
    return len(stale)


def _unknown() -> InvalidInput:
    return InvalidInput("This file is not available.", code="unknown_file", hint="Upload it again.")
