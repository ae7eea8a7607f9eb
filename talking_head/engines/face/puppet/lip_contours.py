"""Refinement of the mesh's inner lips, which are moved onto the lips of the photo.

The mesh smooths: its seam is often a few pixels beside the real one, so that the lower lip sticks to the upper layer or
teeth stay on a closing lip. The real seam is therefore searched for near the mesh's: the darkest path between closed
lips, the edges of the lips' redness around an open mouth. Paths are found by dynamic programming, as in seam carving
(Avidan & Shamir 2007).
"""

from __future__ import annotations

import cv2
import numpy as np

from talking_head.engines.face.puppet.fields import remap
from talking_head.engines.face.puppet.geometry import (
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LEFT_CORNER,
    LOWER_LIP_RINGS,
    RIGHT_CORNER,
    UPPER_LIP_RINGS,
    Array,
    FaceGeometry,
    FloatField,
)
from talking_head.media_io.arrays import Frame

_COLUMNS = 65
_STEP_UNITS = 0.01
_CLOSED_REACH_STEPS, _PARTED_REACH_STEPS = 13, 7
_RING_SHARES = (0.0, 0.35, 0.7, 1.0)  # outer to inner: the outline of the lips stays in place
_GREY_SPREAD = 2.5  # spread of redness, in Lab, below which a picture counts as grey
_PRIOR = 0.9  # cost of the farthest position, against features of about unit size
_BEND = 0.35  # cost of one step up or down from one column to the next

_NARROW_TEETH_UNITS = 0.07  # approximate height of a row of teeth that the mesh misses
_TEETH_LESS_RED, _TEETH_BRIGHTER = 12.0, 8.0  # in Lab steps, 8 bits

# Per lip: its rings, its inner row in the mesh and its inner row in the photo, both (n, 2).
_Targets = tuple[tuple[tuple[tuple[int, ...], ...], Array, Array], ...]


def fit_inner_lips(photo: Frame, landmarks: FloatField) -> FloatField:
    """Return ``landmarks`` (468, 3) with the inner lips moved onto the lips in ``photo`` (height, width, 3)."""
    face = FaceGeometry.of(landmarks)
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32)
    blurred = cv2.GaussianBlur(lab, (0, 0), max(0.5, 0.012 * face.unit_px))
    lab = np.asarray(blurred, np.float32)
    upper, lower = (face.flat[list(row)] for row in (INNER_UPPER_LIP, INNER_LOWER_LIP))
    if not face.lips_parted:
        seam = _shifted((upper + lower) / 2, _path(_darkness_cost(lab, (upper + lower) / 2, face), face), face)
        if not _teeth_below(lab, seam, face):
            return _moved(landmarks, face, ((UPPER_LIP_RINGS, upper, seam), (LOWER_LIP_RINGS, lower, seam)))
        # The dark path was the upper lip's shadow on a narrow row of teeth.
        start = (seam - 0.02 * face.unit_px * face.down_2d, seam + _NARROW_TEETH_UNITS * face.unit_px * face.down_2d)
    else:
        start = (upper, lower)
    edges = [
        _shifted(row, _path(_edge_cost(lab, row, face, _PARTED_REACH_STEPS, entering_lip=enters), face), face)
        for row, enters in zip(start, (False, True), strict=True)
    ]
    return _moved(landmarks, face, ((UPPER_LIP_RINGS, upper, edges[0]), (LOWER_LIP_RINGS, lower, edges[1])))


def _teeth_below(lab: FloatField, seam: Array, face: FaceGeometry) -> bool:
    """Return whether lips that are closed in the mesh show teeth.

    The picture is then brighter under the seam than in it, yet less red than the lips on both sides.
    """
    reach = 2 * _CLOSED_REACH_STEPS
    middle = _strip(lab, seam, face, reach)[:, _COLUMNS // 3 : -_COLUMNS // 3]
    light, redness = np.median(middle[..., 0], axis=1), np.median(middle[..., 1], axis=1)
    under = slice(reach + 2, reach + 12)
    palest = reach + 2 + int(redness[under].argmin())
    lips = min(float(redness[:reach].max()), float(redness[palest:].max()))
    return bool(redness[palest] < lips - _TEETH_LESS_RED and light[palest] > light[reach] + _TEETH_BRIGHTER)


def _columns(row: Array, face: FaceGeometry) -> Array:
    """Return (columns, 2) evenly spaced points along a row of lip points, a little inside its ends."""
    along = row @ face.right_2d
    order = np.argsort(along)
    stops = np.linspace(along[order[0]], along[order[-1]], _COLUMNS + 4)[2:-2]
    return np.stack([np.interp(stops, along[order], row[order, axis]) for axis in (0, 1)], 1)


def _shifted(row: Array, shift: Array, face: FaceGeometry) -> Array:
    """Return ``row`` (n, 2) moved down the face by ``shift``, which is known at its columns."""
    offset = np.interp(row @ face.right_2d, _columns(row, face) @ face.right_2d, shift)
    return np.asarray(row + offset[:, None] * face.down_2d)


def _strip(lab: FloatField, row: Array, face: FaceGeometry, reach: int) -> FloatField:
    """Return the picture around ``row``, straightened: (2 * reach + 1, columns, 3), one line per step down the face."""
    offsets = np.arange(-reach, reach + 1) * _STEP_UNITS * face.unit_px
    positions = _columns(row, face)[None] + offsets[:, None, None] * face.down_2d
    return remap(lab, positions.astype(np.float32), cv2.BORDER_REPLICATE)


def _darkness_cost(lab: FloatField, seam: Array, face: FaceGeometry) -> Array:
    """Return a cost that is low on the shadow between closed lips."""
    light = _strip(lab, seam, face, _CLOSED_REACH_STEPS)[..., 0].astype(np.float64)
    spread = max(float(light.std()), 4.0)
    return np.asarray((light - light.mean(0)) / spread)


def _edge_cost(lab: FloatField, row: Array, face: FaceGeometry, reach: int, *, entering_lip: bool) -> Array:
    """Return a cost that is low where, going down, a lip's red begins (or ends), or where a grey picture jumps."""
    strip = _strip(lab, row, face, reach + 1).astype(np.float64)
    redness = strip[..., 1]
    if float(redness.std()) > _GREY_SPREAD:
        slope = redness[2:] - redness[:-2]
        slope = slope if entering_lip else -slope
    else:
        slope = np.abs(strip[2:, :, 0] - strip[:-2, :, 0])
    return np.asarray(-slope / max(float(np.abs(slope).max(0).mean()), 1e-3))


def _path(cost: Array, face: FaceGeometry) -> Array:
    """Return the cheapest path from one end of the strip to the other: (columns,) pixels down the face."""
    rows, columns = cost.shape
    reach = rows // 2
    offset = np.arange(-reach, reach + 1)
    cost = cost + _PRIOR * (offset / reach)[:, None] ** 2
    total = cost.copy()
    back = np.zeros((rows, columns), int)
    for column in range(1, columns):
        before = np.pad(total[:, column - 1], 1, constant_values=np.inf)
        options = np.stack([before[:-2] + _BEND, before[1:-1], before[2:] + _BEND])
        back[:, column] = options.argmin(0) - 1
        total[:, column] += options.min(0)
    path = np.zeros(columns, int)
    path[-1] = total[:, -1].argmin()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = path[column] + back[path[column], column]
    pixels = (path - reach) * _STEP_UNITS * face.unit_px
    smooth = np.ones(7) / 7
    return np.convolve(np.pad(pixels, 3, mode="edge"), smooth, mode="valid")


def _moved(landmarks: FloatField, face: FaceGeometry, targets: _Targets) -> FloatField:
    """Return ``landmarks`` (468, 3) with each lip's rings shifted along with its inner row."""
    moved = landmarks.astype(np.float64)
    corner_shifts = []
    for rings, row, target in targets:
        order = np.argsort(row @ face.right_2d)
        positions, shift = row @ face.right_2d, (target - row) @ face.down_2d
        for ring, share in zip(rings, _RING_SHARES, strict=True):
            ring_shift = np.interp(face.flat[list(ring)] @ face.right_2d, positions[order], shift[order])
            moved[list(ring), :2] += (share * ring_shift)[:, None] * face.down_2d
        corner_shifts.append((shift[order[0]], shift[order[-1]]))
    right, left = np.mean(corner_shifts, axis=0)
    moved[list(RIGHT_CORNER), :2] += right * face.down_2d
    moved[list(LEFT_CORNER), :2] += left * face.down_2d
    return moved.astype(np.float32)
