"""Portraits as the renderer keeps them: checked before they are let in, stored as plain pixels under their digest.

The stages are imported when they are used: every process imports the services, few of them look at a picture.
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
    """``digest`` is what a job asks for; ``report`` says in words how well the picture will do."""

    digest: str
    width_px: int
    height_px: int
    report: PortraitReport


@dataclass(frozen=True, slots=True)
class InspectedPortrait:
    """What would become of an upload; ``preview_jpeg`` also shows what browsers cannot (HEIC)."""

    width_px: int
    height_px: int
    report: PortraitReport
    preview_jpeg: bytes


def store_portrait(data: bytes) -> StoredPortrait:
    """Checks an uploaded picture and keeps it as a PNG without metadata (no place, no time, no camera), under the
    sha256 of those stored bytes. The same picture twice is one file; a refused one leaves nothing behind.

    Raises:
        PortraitError: the bytes are no picture that can be used, or the report says stop. ResourceError: ``no_space``,
            ``storage_denied``.
    """
    from talking_head.media_io.images import encode_png
    from talking_head.pipeline.checks.portrait_report import refuse_unusable

    decoded, report = _look_at(data)
    refuse_unusable(report)
    stored = encode_png(decoded.rgb)
    digest = uploads.store(UploadKind.PORTRAIT, stored)
    return StoredPortrait(digest, decoded.width_px, decoded.height_px, report)


def inspect_portrait(data: bytes) -> InspectedPortrait:
    """Looks at an uploaded picture and keeps nothing. Problems of any severity are in the report.

    Raises:
        PortraitError: the bytes are no picture at all, or beyond the limits.
    """
    from talking_head.media_io.images import encode_jpeg

    decoded, report = _look_at(data)
    preview = encode_jpeg(decoded.rgb, max_side_px=PREVIEW_SIDE_PX)
    return InspectedPortrait(decoded.width_px, decoded.height_px, report, preview)


def portrait_thumbnail(digest: str, *, max_side_px: int) -> bytes:
    """A small JPEG of a stored picture: the original of a card on a page would be megabytes.

    Raises:
        PortraitError: ``unknown_portrait``. ResourceError: it cannot be read.
    """
    from talking_head.media_io.images import decode_image, encode_jpeg

    if not uploads.exists(UploadKind.PORTRAIT, digest):
        raise unknown_portrait()
    with map_os_errors():
        data = uploads.fetch(UploadKind.PORTRAIT, digest).read_bytes()
    return encode_jpeg(decode_image(data).rgb, max_side_px=max_side_px)


def _look_at(data: bytes) -> tuple[DecodedImage, PortraitReport]:
    from talking_head.media_io.images import decode_image
    from talking_head.pipeline.checks.portrait_report import report_on

    decoded = decode_image(data)
    return decoded, report_on(decoded.rgb)
