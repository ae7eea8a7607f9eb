"""Moves the mesh's inner lips onto the lips of the photo.

The mesh smooths: its seam is often a few pixels beside the real one, and then lower lip sticks to the upper layer, or
teeth stay on a closing lip. So the seam is searched for near the mesh's: the darkest path between closed lips, the
edges of the lips' redness around an open mouth. Paths are found by dynamic programming, as in seam carving (Avidan &
Shamir 2007).
"""

from __future__ import annotations

import cv2
import numpy as np

from talking_head.engines.base import Frame
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

_COLUMNS = 65
_STEP_UNITS = 0.01
_CLOSED_REACH_STEPS, _PARTED_REACH_STEPS = 13, 7
_RING_SHARES = (0.0, 0.35, 0.7, 1.0)  # outer to inner: the outline of the lips is left where it is
_GREY_SPREAD = 2.5  # spread of redness, in Lab, below which a picture counts as grey
_PRIOR = 0.9  # cost of the farthest place, against features of about unit size
_BEND = 0.35  # cost of one step up or down from a column to the next

# Per lip: its rings, its inner row (n, 2) and the shift (columns,) along that row.
_Targets = tuple[tuple[tuple[tuple[int, ...], ...], Array, Array], ...]


def fit_inner_lips(photo: Frame, landmarks: FloatField) -> FloatField:
    """``landmarks`` (468, 3) with the inner lips moved onto what ``photo`` (height, width, 3) shows."""
    face = FaceGeometry.of(landmarks)
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32)
    blurred = cv2.GaussianBlur(lab, (0, 0), max(0.5, 0.012 * face.unit_px))
    lab = np.asarray(blurred, np.float32)
    upper, lower = (face.flat[list(row)] for row in (INNER_UPPER_LIP, INNER_LOWER_LIP))
    targets: _Targets
    if face.lips_parted:
        upper_shift = _path(_edge_cost(lab, upper, face, _PARTED_REACH_STEPS, entering_lip=False), face)
        lower_shift = _path(_edge_cost(lab, lower, face, _PARTED_REACH_STEPS, entering_lip=True), face)
        targets = ((UPPER_LIP_RINGS, upper, upper_shift), (LOWER_LIP_RINGS, lower, lower_shift))
    else:
        seam = (upper + lower) / 2
        shift = _path(_darkness_cost(lab, seam, face), face)
        targets = tuple(
            (rings, row, shift + _column_values(seam, face, (seam - row) @ face.down_2d))
            for rings, row in ((UPPER_LIP_RINGS, upper), (LOWER_LIP_RINGS, lower))
        )
    return _moved(landmarks, face, targets)


def _columns(row: Array, face: FaceGeometry) -> Array:
    """(columns, 2) evenly spaced points along a row of lip points, a little inside its ends."""
    along = row @ face.right_2d
    order = np.argsort(along)
    wanted = np.linspace(along[order[0]], along[order[-1]], _COLUMNS + 4)[2:-2]
    return np.stack([np.interp(wanted, along[order], row[order, axis]) for axis in (0, 1)], 1)


def _column_values(row: Array, face: FaceGeometry, values: Array) -> Array:
    """Values known at the points of ``row``, at its columns."""
    along = row @ face.right_2d
    order = np.argsort(along)
    return np.interp(_columns(row, face) @ face.right_2d, along[order], values[order])


def _strip(lab: FloatField, row: Array, face: FaceGeometry, reach: int) -> FloatField:
    """(2 * reach + 1, columns, 3) the picture around ``row``, straightened: one line per step down the face."""
    offsets = np.arange(-reach, reach + 1) * _STEP_UNITS * face.unit_px
    places = _columns(row, face)[None] + offsets[:, None, None] * face.down_2d
    return remap(lab, places.astype(np.float32), cv2.BORDER_REPLICATE)


def _darkness_cost(lab: FloatField, seam: Array, face: FaceGeometry) -> Array:
    """Low on the shadow between closed lips."""
    light = _strip(lab, seam, face, _CLOSED_REACH_STEPS)[..., 0].astype(np.float64)
    spread = max(float(light.std()), 4.0)
    return np.asarray((light - light.mean(0)) / spread)


def _edge_cost(lab: FloatField, row: Array, face: FaceGeometry, reach: int, *, entering_lip: bool) -> Array:
    """Low where going down means entering (or leaving) the red of a lip; on grey pictures where brightness jumps."""
    strip = _strip(lab, row, face, reach + 1).astype(np.float64)
    redness = strip[..., 1]
    if float(redness.std()) > _GREY_SPREAD:
        slope = redness[2:] - redness[:-2]
        slope = slope if entering_lip else -slope
    else:
        slope = np.abs(strip[2:, :, 0] - strip[:-2, :, 0])
    return np.asarray(-slope / max(float(np.abs(slope).max(0).mean()), 1e-3))


def _path(cost: Array, face: FaceGeometry) -> Array:
    """(columns,) pixels down the face: the cheapest way from one end of the strip to the other."""
    rows, columns = cost.shape
    reach = rows // 2
    offset = np.arange(-reach, reach + 1)
    cost = cost + _PRIOR * (offset / reach)[:, None] ** 2
    total = cost.copy()
    back = np.zeros((rows, columns), int)
    for column in range(1, columns):
        before = np.pad(total[:, column - 1], 1, constant_values=np.inf)
        ways = np.stack([before[:-2] + _BEND, before[1:-1], before[2:] + _BEND])
        back[:, column] = ways.argmin(0) - 1
        total[:, column] += ways.min(0)
    path = np.zeros(columns, int)
    path[-1] = total[:, -1].argmin()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = path[column] + back[path[column], column]
    pixels = (path - reach) * _STEP_UNITS * face.unit_px
    smooth = np.ones(7) / 7
    return np.convolve(np.pad(pixels, 3, mode="edge"), smooth, mode="valid")


def _moved(landmarks: FloatField, face: FaceGeometry, targets: _Targets) -> FloatField:
    moved = landmarks.astype(np.float64)
    corner_shifts = []
    for rings, row, shift in targets:
        positions = _columns(row, face) @ face.right_2d
        order = np.argsort(positions)
        for ring, share in zip(rings, _RING_SHARES, strict=True):
            at = np.interp(face.flat[list(ring)] @ face.right_2d, positions[order], shift[order])
            moved[list(ring), :2] += (share * at)[:, None] * face.down_2d
        corner_shifts.append((shift[order[0]], shift[order[-1]]))
    right, left = np.mean(corner_shifts, axis=0)
    moved[list(RIGHT_CORNER), :2] += right * face.down_2d
    moved[list(LEFT_CORNER), :2] += left * face.down_2d
    return moved.astype(np.float32)
