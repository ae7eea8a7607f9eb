"""How much of a portrait is shown, and at which size: the same for every face engine, so that their clips join.

The size of the video depends on the picture's own size and the framing alone, never on where a face was found; the face
only decides where a cropping mode looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from talking_head.engines.base import Frame, Framing
from talking_head.engines.face.mesh import FaceBox
from talking_head.profiles import Preprocess

MAX_FULL_SIDE_PX = 1_280
# Sides of the square, in sides of the face box (brows to chin). The box's centre sits a little above the square's, so
# that there is room for hair above and shoulders below.
CROP_SIDES = {"crop": 2.6, "extcrop": 3.6}
FACE_ABOVE_CENTER = 0.12  # in sides of the face box
NO_FACE_TOP_SHARE = 0.25  # where the spare height goes without a face: people stand in the upper part of pictures


@dataclass(frozen=True, slots=True)
class Box:
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
    """The largest even number that is not above ``value``, and at least 2: video needs even sides."""
    return max(2, int(value) // 2 * 2)


def output_size(width_px: int, height_px: int, framing: Framing) -> tuple[int, int]:
    """Width and height of the video for a picture of that size; both even."""
    match framing.preprocess:
        case "crop" | "extcrop":
            return even(framing.size_px), even(framing.size_px)
        case "resize":
            scale = framing.size_px / max(width_px, height_px)
        case _:  # full, extfull
            scale = min(1.0, MAX_FULL_SIDE_PX / max(width_px, height_px))
    return even(width_px * scale + 0.5), even(height_px * scale + 0.5)


def crop_box(width_px: int, height_px: int, face: FaceBox | None, preprocess: Preprocess) -> Box:
    """The part of the picture that is shown: a square around head and shoulders for the cropping modes (as large as the
    picture allows), otherwise everything."""
    if preprocess not in CROP_SIDES:
        return Box(0, 0, width_px, height_px)
    largest = min(width_px, height_px)
    if face is None:
        left, top = (width_px - largest) // 2, round((height_px - largest) * NO_FACE_TOP_SHARE)
        return Box(left, top, left + largest, top + largest)
    face_side = max(face.width, face.height)
    side = max(2, min(largest, round(face_side * CROP_SIDES[preprocess])))
    left = _keep_inside(face.center_x - side / 2, side, width_px)
    top = _keep_inside(face.center_y + FACE_ABOVE_CENTER * face_side - side / 2, side, height_px)
    return Box(left, top, left + side, top + side)


def frame_picture(rgb: Frame, box: Box, size: tuple[int, int]) -> Frame:
    """The part of ``rgb`` (height, width, 3) inside ``box`` at ``size`` (width, height); sharp in both directions."""
    part = rgb[box.top : box.bottom, box.left : box.right]
    shrinks = size[0] < box.width or size[1] < box.height
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(part, size, interpolation=interpolation)  # type: ignore[return-value]


def _keep_inside(start: float, length: int, available: int) -> int:
    return round(min(max(start, 0.0), float(available - length)))
