"""Portraits as the renderer stores them: checked before they are accepted, stored as plain pixels under their digest.

Nothing is decoded here: see :mod:`talking_head.decoding`.
"""

from __future__ import annotations

from dataclasses import dataclass

from talking_head.decoding import operations
from talking_head.decoding.results import PICTURE_JPEG, PORTRAIT_PNG
from talking_head.errors import map_os_errors, unknown_portrait
from talking_head.files import thumbnails, uploads
from talking_head.files.uploads import UploadKind
from talking_head.media_io.image_limits import GOOD_FACE_PX
from talking_head.media_io.image_limits import MAX_FILE_BYTES as MAX_PORTRAIT_BYTES
from talking_head.media_io.image_limits import too_many_bytes as portrait_too_heavy
from talking_head.pipeline.checks.reports import PortraitReport
from talking_head.services.uploaded_files import UploadSource, decoded

__all__ = [
    "GOOD_FACE_PX",
    "MAX_PORTRAIT_BYTES",
    "InspectedPortrait",
    "StoredPortrait",
    "inspect_portrait",
    "portrait_thumbnail",
    "portrait_too_heavy",
    "store_portrait",
]

PREVIEW_SIDE_PX = 640


@dataclass(frozen=True, slots=True)
class StoredPortrait:
    """A portrait in the store: a job refers to its ``digest``; ``report`` says how suitable the picture is."""

    digest: str
    width_px: int
    height_px: int
    report: PortraitReport


@dataclass(frozen=True, slots=True)
class InspectedPortrait:
    """The result of checking an upload; ``preview_jpeg`` also shows formats that browsers cannot (HEIC)."""

    width_px: int
    height_px: int
    report: PortraitReport
    preview_jpeg: bytes


def store_portrait(source: UploadSource) -> StoredPortrait:
    """Check an uploaded picture and store it as a PNG without metadata (no place, no time, no camera), under the sha256
    of the stored bytes. Return its digest, size and report. The same picture twice is one file; a refused one leaves
    nothing behind. A picture with a tilted head is stored turned upright.

    Raises:
        PortraitError: the file is not a usable picture, or the report says stop. ResourceError: ``busy``,
            ``no_space``, ``storage_denied``.
    """
    with decoded(operations.PORTRAIT, source) as picture:
        digest = uploads.store_file(UploadKind.PORTRAIT, picture.folder / PORTRAIT_PNG)
        values = picture.values
    return StoredPortrait(digest, values["width_px"], values["height_px"], PortraitReport.from_json(values["report"]))


def inspect_portrait(source: UploadSource) -> InspectedPortrait:
    """Check an uploaded picture, store nothing, and return the result. Problems of any severity are in the report.

    Raises:
        PortraitError: the file is not a picture, or exceeds the limits. ResourceError: ``busy``, ``no_space``,
            ``storage_denied``.
    """
    with decoded(operations.PORTRAIT_PREVIEW, source, max_side_px=PREVIEW_SIDE_PX) as picture:
        preview = (picture.folder / PICTURE_JPEG).read_bytes()
        values = picture.values
    return InspectedPortrait(
        values["width_px"], values["height_px"], PortraitReport.from_json(values["report"]), preview
    )


def portrait_thumbnail(digest: str, *, max_side_px: int) -> bytes:
    """Return a small JPEG of a stored picture, for a card on a page: the original can be megabytes.

    Raises:
        PortraitError: ``unknown_portrait``. ResourceError: it cannot be read, or ``busy``.
    """
    if not uploads.exists(UploadKind.PORTRAIT, digest):
        raise unknown_portrait()
    jpeg = thumbnails.find(digest, max_side_px)
    if jpeg is None:
        with (
            map_os_errors(),
            uploads.fetch(UploadKind.PORTRAIT, digest).open("rb") as stored,
            decoded(operations.THUMBNAIL, stored, max_side_px=max_side_px) as picture,
        ):
            jpeg = (picture.folder / PICTURE_JPEG).read_bytes()
        thumbnails.store(digest, max_side_px, jpeg)
    return jpeg
