"""Private bytes that people uploaded, kept under the sha256 of their bytes: portraits, narrations, voice samples.

``MEDIA_ROOT/<kind>/<aa>/<digest>``, and under the same name in the bucket, where there is one: then what lies on this
machine's disk is only a copy. The same bytes twice are one file; a file never changes. Who may see it is not decided
here: a view asks :mod:`talking_head.permissions` first.

Besides the errors that are named, everything here raises ``ResourceError`` (``no_space``, ``storage_denied``,
``storage_unavailable``).
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from pathlib import Path

from talking_head.errors import InvalidInput, map_os_errors
from talking_head.files import bucket, local

DIGEST = re.compile(r"[0-9a-f]{64}")


class UploadKind(StrEnum):
    """What is kept; the value is the folder's name."""

    PORTRAIT = "portraits"
    NARRATION = "narrations"
    VOICE_SAMPLE = "voice_samples"


def store(kind: UploadKind, data: bytes) -> str:
    """Keeps checked bytes, whole or not at all, and returns their digest."""
    digest = hashlib.sha256(data).hexdigest()
    if bucket.is_enabled():
        bucket.upload_bytes(storage_key(kind, digest), data)
    local.write_atomically(local_path(kind, digest), data)
    return digest


def storage_key(kind: UploadKind, digest: str) -> str:
    """The name below ``MEDIA_ROOT`` and in the bucket.

    Raises:
        InvalidInput: ``unknown_file`` when ``digest`` is no digest at all, so that no path ever comes from outside.
    """
    if not DIGEST.fullmatch(digest):
        raise _unknown()
    return f"{kind}/{digest[:2]}/{digest}"


def local_path(kind: UploadKind, digest: str) -> Path:
    """Where the bytes lie on this machine once :func:`fetch` has answered.

    Raises:
        InvalidInput: ``unknown_file``, as for :func:`name_of`.
    """
    return local.media_root() / storage_key(kind, digest)


def fetch(kind: UploadKind, digest: str) -> Path:
    """The file with these bytes, on this machine and ready to be opened.

    Raises:
        InvalidInput: ``unknown_file``.
    """
    path = local_path(kind, digest)
    if not exists(kind, digest):
        path.unlink(missing_ok=True)  # a copy of what was deleted elsewhere
        raise _unknown()
    if not path.is_file():
        try:
            bucket.download(storage_key(kind, digest), path)
        except FileNotFoundError as error:  # deleted since we looked
            raise _unknown() from error
    return path


def exists(kind: UploadKind, digest: str) -> bool:
    if not DIGEST.fullmatch(digest):
        return False
    return bucket.exists(storage_key(kind, digest)) if bucket.is_enabled() else local_path(kind, digest).is_file()


def delete(kind: UploadKind, digest: str) -> None:
    """Removes the bytes for good; absent is fine. Only who knows that nothing refers to them may call this. Copies on
    other machines go when somebody asks for them there, or with the next round of their sweeper."""
    if bucket.is_enabled():
        bucket.delete(storage_key(kind, digest))
    with map_os_errors():
        local_path(kind, digest).unlink(missing_ok=True)


def drop_stale_copies() -> int:
    """Removes this machine's copies of what was deleted elsewhere; returns how many. Only where there is a bucket."""
    here = [(kind, path) for kind in UploadKind for path in (local.media_root() / kind).glob("??/*")]
    # The bucket is asked last: whoever stores something stores it there first.
    there = {name for kind in {kind for kind, _ in here} for name in bucket.names(f"{kind}/")}
    stale = [path for kind, path in here if f"{kind}/{path.parent.name}/{path.name}" not in there]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _unknown() -> InvalidInput:
    return InvalidInput("This file is not here (any more).", code="unknown_file", hint="Upload it again.")
