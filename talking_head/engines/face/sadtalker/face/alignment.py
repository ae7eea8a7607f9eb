"""Alignment of the face to the position that the reconstruction net expects, 224 px wide.

This is Deep3DFaceReconstruction's preprocessing (Deng et al. 2019, arXiv:1903.08527): five points of the face are
matched to five points of a standard face by least squares; only scale and position are used, the picture is not
rotated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from talking_head.media_io.arrays import Frame

ALIGNED_PX = 224
STANDARD_SCALE_PX = 102.0  # pixels per unit of the standard face
# Left eye, right eye (as seen in the picture), nose tip, left and right mouth corner of the standard face; y up.
STANDARD_FIVE = np.array(
    [
        [-0.31148657, 0.29036078, 0.13377953],
        [0.30979887, 0.28972036, 0.13179526],
        [0.0032535, -0.04617932, 0.55244243],
        [-0.25216928, -0.38133916, 0.22405732],
        [0.2484662, -0.38128236, 0.22235769],
    ],
    np.float32,
)  # (5, 3)

Points = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Alignment:
    """An aligned face; ``parameters`` are the crop's width and height, scale, and the face's x and y in it (y up)."""

    picture: Frame  # (224, 224, 3)
    parameters: NDArray[np.float32]  # (5,)


def five_points(landmarks: Points) -> NDArray[np.float64]:
    """Return five points (5, n) of ``landmarks`` (68, n) in the order of iBUG 300-W."""
    eyes = [landmarks[[36, 39]].mean(axis=0), landmarks[[42, 45]].mean(axis=0)]
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]]).astype(np.float64)


def five_points_in_crop(landmarks: Points, size_px: int) -> NDArray[np.float64]:
    """Return five points, y up, of a crop's 68 landmarks, y down."""
    upward = np.array(landmarks, np.float64)
    upward[:, 1] = size_px - 1 - upward[:, 1]
    return five_points(upward)


def five_points_without_face(size_px: int) -> NDArray[np.float64]:
    """Return the five points of a face that fills the crop.

    Single precision is deliberate: the scale then falls just below 204 px, which decides a truncation in :func:`align`
    exactly as in the original.
    """
    flat = STANDARD_FIVE[:, :2]
    return ((flat + np.float32(1)) / np.float32(2) * np.float32(size_px)).astype(np.float64)


def _scale_and_position(points: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return scale and shift (2,) of the least-squares projection of the standard face onto ``points``."""
    homogeneous = np.column_stack([STANDARD_FIVE.astype(np.float64), np.ones(5)])  # (5, 4)
    solution, *_ = np.linalg.lstsq(homogeneous, points, rcond=None)  # (4, 2)
    return float(np.linalg.norm(solution[:3], axis=0).mean()), solution[3]


def align(crop: Frame, points: NDArray[np.float64]) -> Alignment:
    """Scale and crop ``crop`` (s, s, 3) so that the face matches the standard face; outside is black.

    ``points`` (5, 2), y up, from :func:`five_points_in_crop`.
    """
    height, width = crop.shape[:2]
    scale, (x, y) = _scale_and_position(points)
    zoom = STANDARD_SCALE_PX / scale
    new_width, new_height = int(width * zoom), int(height * zoom)
    left = int(new_width / 2 - ALIGNED_PX / 2 + (x - width / 2) * zoom)
    top = int(new_height / 2 - ALIGNED_PX / 2 + (height / 2 - y) * zoom)
    # Pillow's bicubic averages when it shrinks, OpenCV's does not: the networks were trained with Pillow's.
    resized = Image.fromarray(crop).resize((new_width, new_height), Image.Resampling.BICUBIC)
    aligned = resized.crop((left, top, left + ALIGNED_PX, top + ALIGNED_PX))
    return Alignment(np.asarray(aligned), np.array([width, height, zoom, x, y], np.float32))
