"""68 landmarks in the order of iBUG 300-W, derived from the packaged 468-point mesh.

The original finds them with separate networks (RetinaFace and a 98-point FAN). Crop and alignment use only the eyes,
the nose tip and the mouth corners, which the mesh also provides, without another 300 MB of weights.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.face_search import largest_face
from talking_head.engines.face.mesh import FaceDetector, FaceMesh
from talking_head.media_io.arrays import Frame

LEAST_MESH_SCORE = 0.5

_JAW = (127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356)
_RIGHT_BROW, _LEFT_BROW = (70, 63, 105, 66, 107), (336, 296, 334, 293, 300)
_NOSE_BRIDGE, _NOSTRILS = (168, 197, 5, 4), (75, 97, 2, 326, 305)
_RIGHT_EYE, _LEFT_EYE = (33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380)
_OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
_INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)
# Position in the 68 -> point of the mesh. "Right" is the person's right, left in the picture.
MESH_TO_68 = (
    *_JAW,
    *_RIGHT_BROW,
    *_LEFT_BROW,
    *_NOSE_BRIDGE,
    *_NOSTRILS,
    *_RIGHT_EYE,
    *_LEFT_EYE,
    *_OUTER_LIPS,
    *_INNER_LIPS,
)


class LandmarkFinder(Protocol):
    """A finder of the landmarks of the largest face."""

    name: str

    def find(self, rgb: Frame) -> NDArray[np.float64] | None:
        """Return landmarks (68, 2) of ``rgb`` (height, width, 3) in pixels, y down; None without a face."""


class MeshLandmarkFinder:
    name = "mesh"

    def __init__(self) -> None:
        self._detector = FaceDetector()
        self._mesh = FaceMesh()

    def find(self, rgb: Frame) -> NDArray[np.float64] | None:
        """Return 68 landmarks, as described in :class:`LandmarkFinder`."""
        mesh = largest_face(rgb, self._detector, self._mesh)
        if mesh is None:
            return None
        return mesh.points[list(MESH_TO_68), :2].astype(np.float64)
