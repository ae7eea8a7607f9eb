"""How much of the portrait is shown, at which size: the profile's ``preprocess`` modes.

``crop`` and ``extcrop`` are squares around head and shoulders, limited to the picture (nothing is made up beyond its
edges); ``resize`` is the whole picture inside a square of ``size_px``; ``full`` and ``extfull`` are the whole picture
at up to :data:`FULL_LONG_SIDE_PX`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.base import Frame, Framing
from talking_head.engines.face.framing import MAX_FULL_SIDE_PX, output_size
from talking_head.engines.face.puppet.geometry import CHIN, FACE_OVAL, FOREHEAD

FULL_LONG_SIDE_PX = MAX_FULL_SIDE_PX
# Side of the square in face heights (forehead to chin); the face sits a little above its middle.
_SQUARE_PER_FACE = {"crop": 2.25, "extcrop": 3.2}
_FACE_ABOVE_MIDDLE = 0.04  # of the square's side


@dataclass(frozen=True, slots=True)
class FramedPortrait:
    """The picture as it will be filmed."""

    rgb: Frame  # (height, width, 3), even sides
    landmarks: NDArray[np.float32]  # (468, 3) in its pixels


def frame_portrait(rgb: Frame, landmarks: NDArray[np.float32], framing: Framing) -> FramedPortrait:
    """Cuts and scales ``rgb`` (height, width, 3) and moves ``landmarks`` (468, 3) along."""
    left, top, width, height = _cut(rgb, landmarks, framing)
    out_width, out_height = output_size(width, height, framing)
    cut = rgb[top : top + height, left : left + width]
    shrinks = out_width < width
    resized = cut
    if (out_width, out_height) != (width, height):
        method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        resized = np.asarray(cv2.resize(cut, (out_width, out_height), interpolation=method), np.uint8)
    scale = np.array([out_width / width, out_height / height])
    moved = landmarks.astype(np.float64)
    # Pixel centres, not corners, are what cv2.resize keeps in place.
    moved[:, :2] = (moved[:, :2] - [left, top] + 0.5) * scale - 0.5
    moved[:, 2] *= scale.mean()
    return FramedPortrait(np.ascontiguousarray(resized), moved.astype(np.float32))


def _cut(rgb: Frame, landmarks: NDArray[np.float32], framing: Framing) -> tuple[int, int, int, int]:
    """Left, top, width and height of the part of the picture that is shown."""
    height, width = rgb.shape[:2]
    if framing.preprocess not in _SQUARE_PER_FACE:
        return 0, 0, width, height
    oval = landmarks[list(FACE_OVAL), :2]
    face_height = max(float(np.linalg.norm(landmarks[FOREHEAD, :2] - landmarks[CHIN, :2])), float(np.ptp(oval[:, 0])))
    side = min(round(face_height * _SQUARE_PER_FACE[framing.preprocess]), width, height)
    center_x, center_y = oval.mean(0) + np.array([0.0, side * _FACE_ABOVE_MIDDLE])
    left = int(np.clip(round(center_x - side / 2), 0, width - side))
    top = int(np.clip(round(center_y - side / 2), 0, height - side))
    return left, top, side, side
