"""Private bytes that people uploaded, kept under the sha256 of their bytes: portraits, narrations, voice samples.

``MEDIA_ROOT/<kind>/<aa>/<digest>``. The same bytes twice are one file; a file never changes. Who may see it is not
decided here: a view asks :mod:`talking_head.access` first.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from pathlib import Path

from talking_head import storage
from talking_head.errors import InvalidInput

DIGEST = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """What is kept; the value is the folder's name."""

    PORTRAIT = "portraits"
    NARRATION = "narrations"
    VOICE_SAMPLE = "voice_samples"


def store(kind: Kind, data: bytes) -> str:
    """Keeps checked bytes, whole or not at all, and returns their digest.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    digest = hashlib.sha256(data).hexdigest()
    storage.write_atomically(place(kind, digest), data)
    return digest


def place(kind: Kind, digest: str) -> Path:
    """Where the bytes lie on this machine once :func:`fetch` has answered.

    Raises:
        InvalidInput: ``unknown_file`` when ``digest`` is no digest at all, so that no path ever comes from outside.
    """
    if not DIGEST.fullmatch(digest):
        raise _unknown()
    return storage.media_root() / kind / digest[:2] / digest


def fetch(kind: Kind, digest: str) -> Path:
    """The file with these bytes, on this machine and ready to be opened.

    Raises:
        InvalidInput: ``unknown_file``.
    """
    path = place(kind, digest)
    if not path.is_file():
        raise _unknown()
    return path


def exists(kind: Kind, digest: str) -> bool:
    return bool(DIGEST.fullmatch(digest)) and place(kind, digest).is_file()


def delete(kind: Kind, digest: str) -> None:
    """Removes the bytes for good; absent is fine. Only who knows that nothing refers to them may call this.

    Raises:
        ResourceError: ``storage_denied``.
    """
    with storage.translated_os_errors():
        place(kind, digest).unlink(missing_ok=True)


def _unknown() -> InvalidInput:
    return InvalidInput("This file is not here (any more).", code="unknown_file", hint="Upload it again.")
