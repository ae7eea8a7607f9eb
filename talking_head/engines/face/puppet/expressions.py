"""The expression channels: displacements of the 468 mesh points when a channel is fully driven.

All numbers are in units of a relaxed mouth's width (see :mod:`.geometry`), measured in the face's frame.
"""

from __future__ import annotations

import numpy as np

from talking_head.engines.face.puppet.geometry import (
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LEFT_BROW,
    LEFT_CORNER,
    LIPS,
    LOWER_LIP,
    LOWER_LIP_RINGS,
    MOUTH_CORNERS,
    RIGHT_BROW,
    RIGHT_CORNER,
    UPPER_LID_CREASES,
    UPPER_LIP,
    UPPER_LIP_RINGS,
    Array,
    FaceGeometry,
    smoothstep,
)

EXPRESSION_CHANNELS = ("jaw", "wide", "pucker", "press", "upper", "tuck", "relax", "brow")

JAW_DROP_UNITS = 0.50  # the lower lip's travel at jaw = 1
_RELAXED_HALF_MOUTH = 0.50
_BARED_GAP = 0.15
_PUCKERED_HALF_MOUTH = 0.27
_LIP_OVERLAP = 0.025  # closing lips go this much further: the mesh is not exact and teeth must not show


class ExpressionBasis:
    """Displacements of one face: ``displacements`` is (channels, 468, 2) in pixels of the picture."""

    def __init__(self, face: FaceGeometry) -> None:
        self._face = face
        self._sideways = face.sideways()  # (468,) -1 .. 1 between the corners
        self._below = face.below_mouth()  # (468,) 0 .. 1 between mouth and chin
        self._skin = np.ones(len(face.points), bool)
        self._skin[list(LIPS)] = False
        self._arch = self._lip_arch()
        self._smile_lift = self._measure_smile()
        self._stretched = max(0.0, face.half_mouth_px / face.unit_px - _RELAXED_HALF_MOUTH)
        self._teeth_bared = float(np.clip(face.lip_gap_px / face.unit_px / _BARED_GAP, 0, 1))
        channels = [getattr(self, f"_{name}")() for name in EXPRESSION_CHANNELS]
        axes = np.stack([face.right[:2], face.down[:2], face.away[:2]])  # (3, 2)
        self.displacements = np.stack(channels) @ axes * face.unit_px  # (channels, 468, 2)

    def _lip_arch(self) -> Array:
        """Return (468,) 1 in the middle of the lips, 0 at *each ring's* own corners, where inner lips must meet."""
        arch = np.zeros(len(self._sideways))
        for rings in (UPPER_LIP_RINGS, LOWER_LIP_RINGS):
            for ring, right, left in zip(rings, RIGHT_CORNER, LEFT_CORNER, strict=True):
                low, high = self._sideways[right], self._sideways[left]
                along = (self._sideways[list(ring)] - (low + high) / 2) / max((high - low) / 2, 1e-6)
                arch[list(ring)] = np.maximum(0.0, 1 - along**2)
        return arch

    def _measure_smile(self) -> float:
        """Return how far the photo's mouth corners are above the lips' middle, in units; about 0 when relaxed."""
        face = self._face
        corners = face.points[[RIGHT_CORNER[0], LEFT_CORNER[0]]]
        return float(np.clip(-((corners - face.mouth_center) @ face.down).mean() / face.unit_px - 0.02, 0.0, 0.3))

    def _zeros(self) -> Array:
        return np.zeros((len(self._sideways), 3))

    def _around_corners(self) -> Array:
        """Return (468,) how much the skin follows the corners sideways, signed by side."""
        side, below = self._sideways, self._below
        reach = smoothstep(0.0, 1.0, np.abs(side)) * (1 - smoothstep(1.0, 2.2, np.abs(side)))
        return np.asarray(np.sign(side) * reach * (1 - smoothstep(0.0, 0.9, np.abs(below))))

    def _jaw(self) -> Array:
        side, below = self._sideways, self._below
        shift = self._zeros()
        with_jaw = smoothstep(0.05, 0.6, below) * (1 - 0.8 * smoothstep(0.9, 3.2, np.abs(side)))
        shift[:, 1] = with_jaw * JAW_DROP_UNITS
        lower, upper, corners = list(LOWER_LIP), list(UPPER_LIP), list(MOUTH_CORNERS)
        shift[lower, 1] = JAW_DROP_UNITS * (0.16 + 0.84 * self._arch[lower] ** 0.55)
        shift[upper, 1] = -0.05 * JAW_DROP_UNITS * self._arch[upper] ** 0.6
        shift[corners, 1] = JAW_DROP_UNITS * 0.16
        shift[corners, 0] = -np.sign(side[corners]) * 0.05
        return shift

    def _wide(self) -> Array:
        shift = self._zeros()
        lips = list(LIPS)
        shift[:, 0] = self._around_corners() * 0.11
        shift[lips, 0] = 0.12 * np.clip(self._sideways[lips], -1.1, 1.1)
        shift[lips, 1] = -0.015 * np.abs(self._sideways[lips])
        return shift * max(0.2, 1 - self._stretched / 0.15)  # a smile is wide already

    def _narrowed_to(self, half_mouth_units: float, lowering: float) -> Array:
        """Return shifts of the corners to a half width and, by ``lowering`` 0..1, from a smile to the lips' level."""
        shift = self._zeros()
        lips = list(LIPS)
        side = np.clip(self._sideways, -1.1, 1.1)
        inwards = max(0.0, self._face.half_mouth_px / self._face.unit_px - half_mouth_units)
        fall = self._smile_lift * lowering
        near_corners = self._around_corners()
        shift[:, 0] = -near_corners * inwards * 0.85
        shift[:, 1] = np.abs(near_corners) * fall * 0.7
        shift[lips, 0] = -side[lips] * inwards
        shift[lips, 1] = side[lips] ** 2 * fall
        return shift

    def _pucker(self) -> Array:
        # A grinning mouth never rounds completely.
        shift = self._narrowed_to(_PUCKERED_HALF_MOUTH + 0.4 * self._stretched, 0.85)
        for rings, outwards, full_lip in ((UPPER_LIP_RINGS, -1, 0.15), (LOWER_LIP_RINGS, 1, 0.18)):
            outline, edge = (self._face.points[ring[len(ring) // 2]] for ring in (rings[0], rings[-1]))
            thickness = abs((edge - outline) @ self._face.down) / self._face.unit_px
            thicker = 0.045 + 0.6 * max(0.0, full_lip - thickness)  # a smile has stretched the lips thin
            for ring, share in zip(rings, (1.0, 0.7, 0.35, 0.0), strict=True):
                points = list(ring)
                shift[points, 1] += outwards * thicker * share * self._arch[points]
        lips = list(LIPS)
        shift[lips, 2] = -0.10 * (0.4 + 0.6 * self._arch[lips])  # lips come forward: visible on turned heads
        return shift

    def _relax(self) -> Array:
        """Return shifts that take the photo's smile out of a talking mouth; zero for a relaxed mouth."""
        return self._narrowed_to(_RELAXED_HALF_MOUTH, 0.6)

    def _gap_at(self, points: list[int]) -> Array:
        """Return the photo's own gap between the lips, in units, at the sideways position of ``points``."""
        face = self._face
        lower, upper = face.points[list(INNER_LOWER_LIP)], face.points[list(INNER_UPPER_LIP)]
        gap = np.maximum(0.0, (lower - upper) @ face.down) / face.unit_px
        return np.interp(self._sideways[points], self._sideways[list(INNER_LOWER_LIP)], gap)

    def _press(self) -> Array:
        shift = self._zeros()
        upper, lower = list(UPPER_LIP), list(LOWER_LIP)
        overlap = _LIP_OVERLAP if self._face.lips_parted else 0.0
        gap = self._face.lip_gap_px / self._face.unit_px
        chin_follows = smoothstep(0.1, 0.6, self._below) * (1 - smoothstep(0.6, 2.0, np.abs(self._sideways)))
        shift[:, 1] = -0.35 * gap * chin_follows * self._skin
        thin = (_LIP_THINNING if not self._face.lips_parted else -0.5 * _LIP_THINNING) * self._arch
        shift[upper, 1] = 0.40 * self._gap_at(upper) + (thin[upper] * _ring_share(UPPER_LIP_RINGS)) + overlap / 2
        shift[lower, 1] = -0.60 * self._gap_at(lower) - (thin[lower] * _ring_share(LOWER_LIP_RINGS)) - overlap / 2
        return shift

    def _upper(self) -> Array:
        side, below = self._sideways, self._below
        shift = self._zeros()
        under_nose = smoothstep(-1.2, -0.2, below) * (below < 0) * (1 - smoothstep(0.5, 1.6, np.abs(side)))
        shift[:, 1] = -0.06 * under_nose * self._skin
        upper = list(UPPER_LIP)
        shift[upper, 1] = -0.12 * self._arch[upper] ** 0.6
        return shift * (1 - 0.65 * self._teeth_bared)  # a lip that bares teeth is up already

    def _tuck(self) -> Array:
        """Return shifts that roll the lower lip in at the upper teeth: the inner ring hides, the outer rises most."""
        shift = self._zeros()
        for ring, rise in zip(LOWER_LIP_RINGS, (0.12, 0.09, 0.05, 0.05), strict=True):
            points = list(ring)
            to_the_teeth = np.maximum(0.0, self._gap_at(points) - _TEETH_SEEN_IN_F - rise / 2)
            shift[points, 1] = -(rise + to_the_teeth) * self._arch[points] ** 0.6
        return shift

    def _brow(self) -> Array:
        shift = self._zeros()
        shift[list(RIGHT_BROW + LEFT_BROW), 1] = -0.10
        shift[list(UPPER_LID_CREASES), 1] = -0.035
        return shift


_TEETH_SEEN_IN_F = 0.05
_LIP_THINNING = 0.028  # of pressed lips; lips stretched thin by an open smile get thicker instead


def _ring_share(rings: tuple[tuple[int, ...], ...]) -> Array:
    """Return each lip point's share of the inward roll of pressed lips, in the order of UPPER_LIP / LOWER_LIP.

    The outer rings move most.
    """
    return np.concatenate([np.full(len(ring), share) for ring, share in zip(rings, (1.0, 0.9, 0.4, 0.0), strict=True)])
