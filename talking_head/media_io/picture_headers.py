"""What is checked of a picture before any decoder sees it: how large it is, and how often a JPEG goes over its pixels.

Only bytes are read here. Sources: ITU-T T.81, annex B (JPEG markers); RFC 9649 (WebP); RFC 6386, section 9.1 (VP8).
"""

from __future__ import annotations

import re
from typing import Final

from talking_head.media_io.image_limits import (
    MAX_SCANNED_PIXELS,
    MAX_SCANS,
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    max_pixels,
    too_complex_picture,
    too_few_pixels,
    too_long_a_side,
    too_many_pixels,
    unreadable_picture,
)

MAX_SEGMENTS: Final = 10_000  # of a JPEG; a photo with every kind of metadata has some hundred

# A marker that is not part of a scan: there 0xFF is followed by 0, or by one of the restart markers 0xD0 to 0xD7.
_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA
_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # tables, reserved, arithmetic coding


def check_header(data: bytes, source_format: str) -> None:
    """Refuse a picture by its header alone.

    Raises:
        PortraitError: ``image_too_large``, ``image_too_small``, ``image_too_complex``, ``image_unreadable``.
    """
    if source_format == "jpeg":
        _check_scans(data)
    elif source_format == "webp":  # its decoder takes the memory for the picture before it says how large it is
        check_size(*_webp_size(data), max_pixels("webp"))


def check_size(width_px: int, height_px: int, limit: int) -> None:
    """Refuse pictures that are too large or too small.

    Raises:
        PortraitError: ``image_too_large``, ``image_too_small``.
    """
    if width_px * height_px > limit:
        raise too_many_pixels(limit)
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise too_long_a_side(width_px, height_px)
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise too_few_pixels(width_px, height_px)


def _check_scans(data: bytes) -> None:
    """Count the scans of the first picture in a JPEG file, as its decoder will find them."""
    position, scans, pixels = 0, 0, 0
    for _ in range(MAX_SEGMENTS):
        marker = _MARKER.search(data, position)
        if marker is None:
            return  # truncated: the decoder says so
        position, code = marker.end(), marker[1][0]
        if code == _END_OF_IMAGE:
            return
        if code == _START_OF_IMAGE:
            continue
        if code in _START_OF_FRAME:
            pixels = int.from_bytes(data[position + 3 : position + 5], "big") * int.from_bytes(
                data[position + 5 : position + 7], "big"
            )
        scans += code == _START_OF_SCAN
        if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
            raise too_complex_picture()
        position += int.from_bytes(data[position : position + 2], "big")
    raise too_complex_picture()


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the size of the canvas, or of the only picture of a simple file."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise unreadable_picture()
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise unreadable_picture()
