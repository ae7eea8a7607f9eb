"""Portraits as the renderer stores them: checked before they are accepted, stored as plain pixels under their digest.

The stages are imported when they are used: every process imports the services, few of them open a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from talking_head.errors import map_os_errors, unknown_portrait
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.media_io.image_limits import MAX_FILE_BYTES as MAX_PORTRAIT_BYTES
from talking_head.media_io.image_limits import too_many_bytes as portrait_too_heavy

if TYPE_CHECKING:
    from talking_head.media_io.images import DecodedImage
    from talking_head.pipeline.checks.portrait_report import PortraitReport

__all__ = [
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


def store_portrait(data: bytes) -> StoredPortrait:
    """Check an uploaded picture and store it as a PNG without metadata (no place, no time, no camera), under the sha256
    of the stored bytes. Return its digest, size and report. The same picture twice is one file; a refused one leaves
    nothing behind.

    Raises:
        PortraitError: the bytes are not a usable picture, or the report says stop. ResourceError: ``no_space``,
            ``storage_denied``.
    """
    from talking_head.media_io.images import encode_png
    from talking_head.pipeline.checks.portrait_report import refuse_unusable

    decoded, report = _decode_and_check(data)
    refuse_unusable(report)
    stored = encode_png(decoded.rgb)
    digest = uploads.store(UploadKind.PORTRAIT, stored)
    return StoredPortrait(digest, decoded.width_px, decoded.height_px, report)


def inspect_portrait(data: bytes) -> InspectedPortrait:
    """Check an uploaded picture, store nothing, and return the result. Problems of any severity are in the report.

    Raises:
        PortraitError: the bytes are not a picture, or exceed the limits.
    """
    from talking_head.media_io.images import encode_jpeg

    decoded, report = _decode_and_check(data)
    preview = encode_jpeg(decoded.rgb, max_side_px=PREVIEW_SIDE_PX)
    return InspectedPortrait(decoded.width_px, decoded.height_px, report, preview)


def portrait_thumbnail(digest: str, *, max_side_px: int) -> bytes:
    """Return a small JPEG of a stored picture, for a card on a page: the original can be megabytes.

    Raises:
        PortraitError: ``unknown_portrait``. ResourceError: it cannot be read.
    """
    from talking_head.media_io.images import decode_image, encode_jpeg

    if not uploads.exists(UploadKind.PORTRAIT, digest):
        raise unknown_portrait()
    with map_os_errors():
        data = uploads.fetch(UploadKind.PORTRAIT, digest).read_bytes()
    return encode_jpeg(decode_image(data).rgb, max_side_px=max_side_px)


def _decode_and_check(data: bytes) -> tuple[DecodedImage, PortraitReport]:
    from talking_head.media_io.images import decode_image
    from talking_head.pipeline.checks.portrait_report import report_on

    decoded = decode_image(data)
    return decoded, report_on(decoded.rgb)
