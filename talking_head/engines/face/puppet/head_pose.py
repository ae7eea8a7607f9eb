"""Small head movements and breathing, as fields: parallax from the mesh's depth plus a softly bounded rigid motion.

Yaw and pitch move points in proportion to their relief over the face's outline, so the background beside the head does
not bend. Roll and shift are rigid inside the head and fade out around it.
"""

from __future__ import annotations

import numpy as np

from talking_head.engines.face.puppet.fields import ScatteredField
from talking_head.engines.face.puppet.geometry import (
    CHIN,
    FACE_OVAL,
    Array,
    FaceGeometry,
    FloatField,
    smoothstep,
)

# yaw, pitch and roll in degrees; shifts in tenths of a mouth width; breath 0..1
POSE_CHANNELS = ("yaw", "pitch", "roll", "shift_x", "shift_y", "breath")

_RIGID_UNTIL, _RIGID_GONE = 1.05, 2.15  # in face radii
_TURN_SHIFT_UNITS = 0.010  # the whole head's shift per degree of yaw: the neck bends too
_NOD_SHIFT_UNITS = 0.006
_BREATH_UNITS = 0.035
_DEPTH_SMOOTHING_UNITS = 0.3


class HeadPose:
    """Pose fields of one face, at any positions of the picture."""

    def __init__(self, face: FaceGeometry) -> None:
        self._face = face
        self._width, self._height = face.oval_size_px()
        self._center = face.flat[list(FACE_OVAL)].mean(0)
        self._depth, self._depth_weights = self._solve_depth()

    def _solve_depth(self) -> tuple[ScatteredField, Array]:
        """Return the solved relief: how far the face stands out from its own outline, 0 from there on outwards."""
        face = self._face
        outline_depth = np.percentile(face.points[list(FACE_OVAL), 2], 70)
        relief = np.maximum(outline_depth - face.points[::2, 2], -0.1 * face.unit_px)
        rings = np.vstack([self.ring(1.5, -0.05), self.ring(2.2)])
        scattered = ScatteredField(np.vstack([face.flat[::2], rings]), _DEPTH_SMOOTHING_UNITS * face.unit_px)
        return scattered, scattered.solve(np.append(relief, np.zeros(len(rings)))[:, None])

    def ring(self, radii: float, shift_in_heights: float = 0.0, count: int = 40) -> Array:
        """Return (count, 2) points on an ellipse of that many face radii around the face."""
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
        radius = np.stack([np.cos(angle) * self._width, np.sin(angle) * self._height], 1) * 0.5 * radii
        return np.asarray(self._center + radius + [0.0, shift_in_heights * self._height])

    def fields(self, positions: Array) -> FloatField:
        """Return displacements (channels, n, 2) of :data:`POSE_CHANNELS` at ``positions`` (n, 2), per channel unit."""
        face = self._face
        right, down, unit_px = face.right_2d, face.down_2d, face.unit_px
        relief = self._depth.evaluate(positions, self._depth_weights)[:, 0] * np.pi / 180
        rigid = self._rigid_share(positions)
        pivot = face.flat[CHIN] + down * 0.55 * self._height  # the base of the neck
        from_pivot = positions - pivot
        turning = np.stack([-from_pivot[:, 1], from_pivot[:, 0]], 1) * np.pi / 180
        channels = {
            "yaw": (relief + rigid * _TURN_SHIFT_UNITS * unit_px)[:, None] * right,
            "pitch": (relief + rigid * _NOD_SHIFT_UNITS * unit_px)[:, None] * down,
            "roll": rigid[:, None] * turning,
            "shift_x": rigid[:, None] * right * 0.1 * unit_px,
            "shift_y": rigid[:, None] * down * 0.1 * unit_px,
            "breath": -self._body_share(positions)[:, None] * down * _BREATH_UNITS * unit_px,
        }
        return np.stack([channels[name] for name in POSE_CHANNELS]).astype(np.float32)

    def _rigid_share(self, positions: Array) -> Array:
        """Return (n,) 1 in the head, fading to 0 around it; the head's middle is above the face's."""
        face = self._face
        offset = positions - (self._center - face.down_2d * 0.12 * self._height)
        radius = np.hypot(offset @ face.right_2d / (self._width * 0.5), offset @ face.down_2d / (self._height * 0.5))
        return 1 - smoothstep(_RIGID_UNTIL, _RIGID_GONE, radius)

    def _body_share(self, positions: Array) -> Array:
        """Return (n,) 0 in the face, 1 in the shoulders, 0 far to the sides."""
        offset = positions - self._face.flat[CHIN]
        below = smoothstep(0.0, 1.0, offset @ self._face.down_2d / (0.8 * self._height))
        return below * (1 - smoothstep(1.0, 2.2, np.abs(offset @ self._face.right_2d) / self._width))
