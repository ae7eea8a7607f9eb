"""Face box and crop: the part of the portrait that is animated.

It is the square around eyes and mouth of FFHQ's alignment (Karras et al. 2019, arXiv:1812.04948, appendix C), but
upright: the picture is cropped, never rotated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.framing import PixelBox
from talking_head.media_io.arrays import Frame
from talking_head.profiles import Preprocess

OUTPUT_PX_FOR_SHRINKING = 512


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """Two nested boxes in the picture at ``working_size``; ``inner`` is relative to ``outer``."""

    working_size: tuple[int, int]  # width, height
    outer: tuple[int, int, int, int]  # left, top, right, bottom
    inner: tuple[float, float, float, float]

    def box(self, preprocess: Preprocess) -> PixelBox:
        """Return the animated part, in pixels of the working picture.

        It is the inner box, the outer one for the ``ext`` modes, or the whole picture for ``resize``.
        """
        width, height = self.working_size
        if preprocess == "resize":
            return PixelBox(0, 0, width, height)
        left, top, right, bottom = self.outer
        if preprocess in ("extcrop", "extfull"):
            return PixelBox(left, top, right, bottom)
        inner_left, inner_top, inner_right, inner_bottom = (int(edge) for edge in self.inner)
        return PixelBox(
            left + inner_left, top + inner_top, min(right, left + inner_right), min(bottom, top + inner_bottom)
        )


def _swap(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector[::-1] * (-1, 1)


def face_crop(image_size: tuple[int, int], landmarks: NDArray[np.floating[Any]]) -> FaceCrop:
    """Return the crop for ``image_size`` (width, height) and ``landmarks`` (68, 2) in pixels, y down."""
    points = np.asarray(landmarks, np.float64)
    left_eye, right_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    eyes = (left_eye + right_eye) / 2
    across_eyes = right_eye - left_eye
    eyes_to_mouth = points[[48, 54]].mean(axis=0) - eyes

    x_axis = across_eyes - _swap(eyes_to_mouth)
    x_axis /= np.hypot(*x_axis)
    x_axis *= max(np.hypot(*across_eyes) * 2.0, np.hypot(*eyes_to_mouth) * 1.8)
    y_axis = _swap(x_axis)
    center = eyes + eyes_to_mouth * 0.1
    quad = np.stack(
        [center - x_axis - y_axis, center - x_axis + y_axis, center + x_axis + y_axis, center + x_axis - y_axis]
    )
    return _boxes(image_size, quad, float(np.hypot(*x_axis)) * 2)


def _boxes(image_size: tuple[int, int], quad: NDArray[np.float64], side: float) -> FaceCrop:
    """Return the boxes for ``quad`` (4, 2): left top, left bottom, right bottom, right top of the face's square."""
    shrink = int(np.floor(side / OUTPUT_PX_FOR_SHRINKING * 0.5))
    width, height = image_size
    if shrink > 1:
        width, height = int(np.rint(width / shrink)), int(np.rint(height / shrink))
        quad, side = quad / shrink, side / shrink
    border = max(int(np.rint(side * 0.1)), 3)
    low, high = np.floor(quad.min(axis=0)).astype(int), np.ceil(quad.max(axis=0)).astype(int)
    left, top = max(low[0] - border, 0), max(low[1] - border, 0)
    right, bottom = min(high[0] + border, width), min(high[1] + border, height)
    if right - left < width or bottom - top < height:
        quad = quad - (left, top)
    quad = quad + 0.5
    inner = (
        float(max(min(quad[0, 0], quad[1, 0]), 0)),
        float(max(min(quad[0, 1], quad[3, 1]), 0)),
        float(min(max(quad[2, 0], quad[3, 0]), width)),
        # The original limits the bottom edge by the width as well; kept, so that the same part is visible.
        float(min(max(quad[1, 1], quad[2, 1]), width)),
    )
    return FaceCrop((width, height), (int(left), int(top), int(right), int(bottom)), inner)


def square_inside(box: PixelBox, image_size: tuple[int, int]) -> PixelBox:
    """Return the square around ``box`` with its centre, moved (and if necessary shrunk) to fit into the picture."""
    width, height = image_size
    side = min(max(box.width, box.height), width, height)
    left = min(max((box.left + box.right - side) // 2, 0), width - side)
    top = min(max((box.top + box.bottom - side) // 2, 0), height - side)
    return PixelBox(left, top, left + side, top + side)


def cut(rgb: Frame, working_size: tuple[int, int], box: PixelBox, size_px: int) -> Frame:
    """Return the part of ``rgb`` in ``box`` (in pixels of the working size) as a square, (size_px, size_px, 3)."""
    if working_size != (rgb.shape[1], rgb.shape[0]):
        rgb = cv2.resize(rgb, working_size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    part = rgb[box.top : box.bottom, box.left : box.right]
    return cv2.resize(part, (size_px, size_px), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
