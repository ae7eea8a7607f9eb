"""The content of the cache's entries: the names of their files, and a clip's metadata on disk.

It loads no codec, because processes that only move entries around read it too; takes are in :mod:`.takes`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from talking_head.digests import sha256_of_file
from talking_head.errors import RendererError, from_os_error
from talking_head.media_io.atomic_files import write_atomically

TAKE_SOUND = "take.flac"
TAKE_TIMES = "take.json"
CLIP_VIDEO = "clip.mp4"
CLIP_METADATA = "clip.json"
CLIP_POSTER = "poster.jpg"


class DamagedEntryError(RendererError):
    """An entry's files contradict each other: something outside has changed or truncated them.

    A caller that can make the entry again removes it and does so; elsewhere this is the error that the user sees.
    """

    default_code = "entry_damaged"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The cache entry {folder.name[:12]} is damaged.", hint="Try again: the entry will be made again."
        )


@dataclass(frozen=True, slots=True)
class ClipMetadata:
    """The content of ``clip.json``: what is known of a finished clip without opening its video."""

    take_key: str
    frame_count: int
    width_px: int
    height_px: int
    video_bytes: int
    engines: dict[str, str]
    video_sha256: str = ""  # "" in entries of releases that did not record it, until they are verified
    notices: tuple[str, ...] = ()


def store_clip_metadata(folder: Path, metadata: ClipMetadata) -> None:
    (folder / CLIP_METADATA).write_text(json.dumps(asdict(metadata), ensure_ascii=False), encoding="utf-8")


def load_clip_metadata(folder: Path) -> ClipMetadata:
    """Return what :func:`store_clip_metadata` wrote, once the video's size agrees with it.

    Raises:
        DamagedEntryError: a file is missing, truncated or foreign.
    """
    try:
        values: dict[str, Any] = json.loads((folder / CLIP_METADATA).read_text(encoding="utf-8"))
        metadata = ClipMetadata(**{**values, "notices": tuple(values["notices"])})
        video_bytes = (folder / CLIP_VIDEO).stat().st_size
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedEntryError(folder) from error
    if video_bytes != metadata.video_bytes:
        raise DamagedEntryError(folder)
    return metadata


def verified_clip_metadata(folder: Path, *, expected_sha256: str = "") -> ClipMetadata:
    """Return what :func:`store_clip_metadata` wrote, once the video's digest agrees with it and with the expected one.

    An entry without a digest, of an earlier release, is accepted by its size, and gets the digest of what it has now.

    Raises:
        DamagedEntryError: a file is missing, or was changed, truncated or exchanged. ResourceError: it cannot be read.
    """
    metadata = load_clip_metadata(folder)
    try:
        sha256 = sha256_of_file(folder / CLIP_VIDEO)
    except FileNotFoundError as error:
        raise DamagedEntryError(folder) from error
    except OSError as error:
        raise from_os_error(error) from error
    if sha256 != (metadata.video_sha256 or sha256) or sha256 != (expected_sha256 or sha256):
        raise DamagedEntryError(folder)
    if not metadata.video_sha256:
        metadata = replace(metadata, video_sha256=sha256)
        write_atomically(folder / CLIP_METADATA, json.dumps(asdict(metadata), ensure_ascii=False).encode())
    return metadata
