"""Framing of the portrait around its face: the profile's ``preprocess`` modes.

``crop`` and ``extcrop`` are squares around head and shoulders, limited to the picture (nothing is invented beyond its
edges); the other modes show everything. Sizes are those of all face engines (:mod:`talking_head.engines.face.framing`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talking_head.engines.base import Framing
from talking_head.engines.face.framing import PixelBox, cut_and_scale, output_size
from talking_head.engines.face.puppet.geometry import CHIN, FACE_OVAL, FOREHEAD
from talking_head.media_io.arrays import Frame

# Side of the square in face heights (forehead to chin); the face sits a little above its middle.
_SQUARE_PER_FACE = {"crop": 2.25, "extcrop": 3.2}
_FACE_ABOVE_MIDDLE = 0.04  # of the square's side


@dataclass(frozen=True, slots=True)
class FramedPortrait:
    """The picture as the video shows it."""

    rgb: Frame  # (height, width, 3), even sides
    landmarks: NDArray[np.float32]  # (468, 3) in its pixels


def frame_portrait(rgb: Frame, landmarks: NDArray[np.float32], framing: Framing) -> FramedPortrait:
    """Return ``rgb`` (height, width, 3) cropped and scaled, with ``landmarks`` (468, 3) moved along."""
    box = _box_around(rgb, landmarks, framing)
    size = output_size(box.width, box.height, framing)
    framed = rgb if size == (box.width, box.height) == rgb.shape[1::-1] else cut_and_scale(rgb, box, size)
    scale = np.array([size[0] / box.width, size[1] / box.height])
    moved = landmarks.astype(np.float64)
    # Scaling keeps pixel centres, not corners, in place.
    moved[:, :2] = (moved[:, :2] - [box.left, box.top] + 0.5) * scale - 0.5
    moved[:, 2] *= scale.mean()
    return FramedPortrait(np.ascontiguousarray(framed), moved.astype(np.float32))


def _box_around(rgb: Frame, landmarks: NDArray[np.float32], framing: Framing) -> PixelBox:
    """Return the visible part of the picture."""
    height, width = rgb.shape[:2]
    if framing.preprocess not in _SQUARE_PER_FACE:
        return PixelBox(0, 0, width, height)
    oval = landmarks[list(FACE_OVAL), :2]
    face_height = max(float(np.linalg.norm(landmarks[FOREHEAD, :2] - landmarks[CHIN, :2])), float(np.ptp(oval[:, 0])))
    side = min(round(face_height * _SQUARE_PER_FACE[framing.preprocess]), width, height)
    center_x, center_y = oval.mean(0) + np.array([0.0, side * _FACE_ABOVE_MIDDLE])
    left = int(np.clip(round(center_x - side / 2), 0, width - side))
    top = int(np.clip(round(center_y - side / 2), 0, height - side))
    return PixelBox(left, top, left + side, top + side)
