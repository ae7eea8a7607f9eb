"""Eyelid edges from the iris network, which fits painted, narrow or baggy eyes far closer than the face mesh does.

Network: MediaPipe Iris (Ablavatski et al. 2020, arXiv:2006.11341). It was trained on one eye's handedness, so the
person's left eye is passed to it mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.mesh import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, TfliteNet, square_crop_matrix, warp_square
from talking_head.media_io.arrays import Frame

_INPUT_PX = 64
_CROP_PER_EYE = 2.3  # the network expects the eye's width times this
_CORNERS = ((33, 133), (263, 362))  # outer and inner corner in the face mesh: the person's right eye, then the left
_LOWER = list(range(9))  # of the 71 contour points, from one corner to the other
_UPPER = [0, *range(9, 16), 8]


@dataclass(frozen=True, slots=True)
class EyeContour:
    """Lid edges in picture pixels, (9, 2) each, from the outer to the inner corner."""

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]


class EyeContours:
    """Finder of the lid edges of a face whose mesh is known."""

    def __init__(self) -> None:
        self._net = TfliteNet("iris_landmark.tflite")

    def find(self, rgb: Frame, landmarks: NDArray[np.float32]) -> tuple[EyeContour, EyeContour]:
        """Return the person's right and left eye in ``rgb`` (height, width, 3), given the mesh (468, 3)."""
        across = landmarks[LEFT_EYE_OUTER, :2] - landmarks[RIGHT_EYE_OUTER, :2]
        roll = float(np.arctan2(across[1], across[0]))
        right, left = (
            self._find_eye(rgb, landmarks, corners, roll, corners[0] == LEFT_EYE_OUTER) for corners in _CORNERS
        )
        return right, left

    def _find_eye(
        self, rgb: Frame, landmarks: NDArray[np.float32], corners: tuple[int, int], roll: float, mirrored: bool
    ) -> EyeContour:
        outer, inner = landmarks[corners[0], :2], landmarks[corners[1], :2]
        center = (outer + inner) / 2
        side = float(np.linalg.norm(outer - inner)) * _CROP_PER_EYE
        to_picture = square_crop_matrix((float(center[0]), float(center[1])), side, roll, _INPUT_PX)
        crop = warp_square(rgb, to_picture, _INPUT_PX)
        eye = crop[:, ::-1] if mirrored else crop
        contour = self._net(eye.astype(np.float32) / np.float32(255))[0].reshape(71, 3)[:, :2].astype(np.float64)
        if mirrored:
            contour[:, 0] = _INPUT_PX - contour[:, 0]
        points = contour @ to_picture[:, :2].T + to_picture[:, 2]
        return EyeContour(upper=points[_UPPER], lower=points[_LOWER])
