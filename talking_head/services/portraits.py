"""Portraits as the renderer keeps them: bytes under their digest, checked before they are let in.

The stages are imported when they are used: every process imports the services, few of them look at a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from talking_head import storage
from talking_head.errors import PortraitError

if TYPE_CHECKING:
    from talking_head.pipeline.portrait_report import PortraitReport

MAX_UPLOAD_BYTES = 25_000_000


@dataclass(frozen=True, slots=True)
class StoredPortrait:
    """``digest`` is what a job asks for; ``report`` says in words how well the picture will do."""

    digest: str
    width_px: int
    height_px: int
    report: PortraitReport


def store_portrait(data: bytes) -> StoredPortrait:
    """Checks an uploaded picture and keeps its bytes. The same picture twice is one file.

    Raises:
        PortraitError: the bytes are no picture that can be used. ResourceError: ``no_space``, ``storage_denied``.
    """
    from talking_head.pipeline.portrait_report import report_on
    from talking_head.pipeline.portrait_to_source import load_portrait

    if len(data) > MAX_UPLOAD_BYTES:
        raise PortraitError(
            f"The picture file is larger than {MAX_UPLOAD_BYTES // 1_000_000} MB.",
            code="image_too_large",
            hint="Save it smaller, for example as a JPEG.",
        )
    with storage.temporary_file(data) as temporary:
        portrait = load_portrait(temporary)
        report = report_on(portrait)
        digest = storage.store_portrait_bytes(data, temporary)
    height_px, width_px = portrait.rgb.shape[:2]
    return StoredPortrait(digest, width_px, height_px, report)
