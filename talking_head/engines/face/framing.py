"""Output sizes and crops shared by all face engines, so that their clips join.

The modes are those of ``talking_head.profiles.Preprocess``. The video's size depends only on the picture's own size and
the framing, never on where a face was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from talking_head.engines.base import Framing
from talking_head.media_io.arrays import Frame
from talking_head.profiles import Preprocess

MAX_FULL_SIDE_PX = 1_280
SQUARE_MODES: frozenset[Preprocess] = frozenset({"crop", "extcrop"})
UPPER_SHARE = 0.25  # share of the spare height above the square: people appear in the upper part of pictures


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A rectangle of whole pixels inside the picture; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def even(value: float) -> int:
    """Return the largest even number not above ``value``, but at least 2: video needs even sides."""
    return max(2, int(value) // 2 * 2)


def output_size(width_px: int, height_px: int, framing: Framing) -> tuple[int, int]:
    """Return the even width and height of the video for a picture of that size; only the square modes enlarge."""
    if framing.preprocess in SQUARE_MODES:
        return even(framing.size_px), even(framing.size_px)
    limit = framing.size_px if framing.preprocess == "resize" else MAX_FULL_SIDE_PX
    scale = min(1.0, limit / max(width_px, height_px))
    return even(width_px * scale), even(height_px * scale)


def faceless_crop(width_px: int, height_px: int, preprocess: Preprocess) -> PixelBox:
    """Return the visible part of a picture without a face.

    It is the largest square in the upper middle for the square modes, otherwise the whole picture.
    """
    if preprocess not in SQUARE_MODES:
        return PixelBox(0, 0, width_px, height_px)
    side = min(width_px, height_px)
    left, top = (width_px - side) // 2, round((height_px - side) * UPPER_SHARE)
    return PixelBox(left, top, left + side, top + side)


def cut_and_scale(rgb: Frame, box: PixelBox, size: tuple[int, int]) -> Frame:
    """Return ``rgb`` (height, width, 3) cropped to ``box`` and resized smoothly to ``size`` (width, height)."""
    part = rgb[box.top : box.bottom, box.left : box.right]
    shrinks = size[0] < box.width or size[1] < box.height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(part, size, interpolation=interpolation)  # type: ignore[return-value]
