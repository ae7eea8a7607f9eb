"""The face's own geometry: the mesh points of lips, brows and outline, and the axes and the unit of measurement.

Displacements are described in the *face's* frame (right, down, away from the camera) and then projected. One
description therefore serves frontal, turned and tilted heads: the far half of a turned mouth gets the shorter path that
it needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FloatField = NDArray[np.float32]

# Indices of MediaPipe's 468-point mesh. "Right" is the person's right; lip rows run left to right in the picture.
OUTER_UPPER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
# Rings of the lips from outside to inside, corners left out.
UPPER_LIP_RINGS = (
    (185, 40, 39, 37, 0, 267, 269, 270, 409),
    (184, 74, 73, 72, 11, 302, 303, 304, 408),
    (183, 42, 41, 38, 12, 268, 271, 272, 407),
    (191, 80, 81, 82, 13, 312, 311, 310, 415),
)
LOWER_LIP_RINGS = (
    (146, 91, 181, 84, 17, 314, 405, 321, 375),
    (77, 90, 180, 85, 16, 315, 404, 320, 307),
    (96, 89, 179, 86, 15, 316, 403, 319, 325),
    (95, 88, 178, 87, 14, 317, 402, 318, 324),
)
UPPER_LIP = tuple(index for ring in UPPER_LIP_RINGS for index in ring)
LOWER_LIP = tuple(index for ring in LOWER_LIP_RINGS for index in ring)
RIGHT_CORNER, LEFT_CORNER = (61, 76, 62, 78), (291, 306, 292, 308)
MOUTH_CORNERS = RIGHT_CORNER + LEFT_CORNER
LIPS = UPPER_LIP + LOWER_LIP + MOUTH_CORNERS
UPPER_LIP_MIDDLE, LOWER_LIP_MIDDLE = 13, 14

RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
UPPER_LID_CREASES = (247, 30, 29, 27, 28, 56, 190, 467, 260, 259, 257, 258, 286, 414)
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
CHEEKS = (50, 280, 205, 425, 117, 346)
FOREHEAD, CHIN = 10, 152
# Pairs that mirror each other: person's right, left.
MIRRORED_PAIRS = ((33, 263), (133, 362), (234, 454), (50, 280), (127, 356), (61, 291))

# A relaxed mouth is about 0.56 times as wide as the distance between the outer eye corners. That width is the unit of
# all displacements because, unlike the mouth itself, it does not change with the photo's expression.
RELAXED_MOUTH_PER_EYE_DISTANCE = 0.56
PARTED_LIPS_UNITS = 0.06  # a larger gap is an open mouth, a smaller one is the mesh's own uncertainty


def smoothstep(low: float, high: float, values: Array) -> Array:
    """Return 0 below ``low``, 1 above ``high``, and a smooth S in between."""
    ramp = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(ramp * ramp * (3 - 2 * ramp))


def unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


@dataclass(frozen=True, slots=True)
class FaceGeometry:
    """A face's points and axes. Lengths are in pixels of the framed picture unless the name says otherwise."""

    points: Array  # (468, 3) x right, y down, z away from the camera
    right: Array  # (3,) unit vectors of the face's frame
    down: Array  # (3,)
    away: Array  # (3,)
    mouth_center: Array  # (3,)
    unit_px: float  # the width of a relaxed mouth
    half_mouth_px: float  # from the middle to a corner, as photographed
    chin_px: float  # from the mouth's middle down to the chin
    lip_gap_px: float  # between the inner lips in the photo

    @classmethod
    def of(cls, landmarks: NDArray[np.float32]) -> FaceGeometry:
        """Return the axes and measures of ``landmarks`` (468, 3)."""
        points = landmarks.astype(np.float64)
        right = unit(np.sum([points[left] - points[other] for other, left in MIRRORED_PAIRS], axis=0))
        along = points[CHIN] - points[FOREHEAD]
        down = unit(along - right * (along @ right))
        away = np.cross(right, down)
        middle = (points[UPPER_LIP_MIDDLE] + points[LOWER_LIP_MIDDLE]) / 2
        corners = (points[61] + points[291]) / 2
        # Sideways the corners locate the middle best, up and down the lips themselves do (a smile lifts the corners).
        mouth_center = middle + right * ((corners - middle) @ right) * 0.5
        unit_px = RELAXED_MOUTH_PER_EYE_DISTANCE * float(np.linalg.norm(points[263] - points[33]))
        return cls(
            points=points,
            right=right,
            down=down,
            away=away,
            mouth_center=mouth_center,
            unit_px=unit_px,
            half_mouth_px=float(abs((points[291] - points[61]) @ right)) / 2,
            chin_px=max(float((points[CHIN] - mouth_center) @ down), unit_px * 0.5),
            lip_gap_px=max(0.0, float((points[LOWER_LIP_MIDDLE] - points[UPPER_LIP_MIDDLE])[:2] @ unit(down[:2]))),
        )

    @property
    def flat(self) -> Array:
        """Return the points in the picture, (468, 2)."""
        return self.points[:, :2]

    @property
    def right_2d(self) -> Array:
        """Return the unit vector in the picture along the face's left-right axis."""
        return unit(self.right[:2])

    @property
    def down_2d(self) -> Array:
        return unit(self.down[:2])

    @property
    def lips_parted(self) -> bool:
        return self.lip_gap_px > PARTED_LIPS_UNITS * self.unit_px

    def sideways(self) -> Array:
        """Return (468,) positions across the face in half mouth widths: -1 and 1 are the mouth's corners."""
        return np.asarray((self.points - self.mouth_center) @ self.right / self.half_mouth_px)

    def below_mouth(self) -> Array:
        """Return (468,) positions along the face: 0 = mouth, 1 = chin, negative above the mouth."""
        return np.asarray((self.points - self.mouth_center) @ self.down / self.chin_px)

    def oval_size_px(self) -> tuple[float, float]:
        """Return the width and height of the face's outline in the picture."""
        oval = self.flat[list(FACE_OVAL)]
        width = float(np.ptp(oval @ self.right_2d))
        return width, float(np.linalg.norm(self.flat[FOREHEAD] - self.flat[CHIN]))
