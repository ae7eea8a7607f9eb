"""Smooth displacement fields: scattered points -> field on a coarse grid -> its inverse -> a map for ``cv2.remap``.

A *field* gives the displacement of each point of the photo; ``cv2.remap`` needs the opposite, for each pixel of the
frame its position in the photo. Fields are linear in the channels' weights, so they are solved once per portrait; only
the inversion happens per frame, on grids small enough to be cheap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.puppet.geometry import Array, FloatField


def remap(picture: NDArray[Any], positions: FloatField, border: int = cv2.BORDER_REPLICATE) -> Any:
    """Return ``picture`` sampled bilinearly at ``positions`` (h, w, 2), with the type and channels of ``picture``."""
    # The stubs require a second map, which must be absent for a map of pairs.
    return cv2.remap(picture, positions, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[call-overload]


def matrix_product(weights: FloatField, basis: FloatField) -> FloatField:
    """Return the matrix product (n, k) x (k, m), computed by OpenCV in the calling thread.

    A multithreaded BLAS spends more time on waking its threads than on products this small, and several times as much
    on a busy machine.
    """
    return np.asarray(cv2.gemm(weights, basis, 1.0, None, 0.0), np.float32)  # type: ignore[call-overload]


def _distances(positions: Array, points: Array) -> Array:
    """Return Euclidean distances (positions, points)."""
    across, along = (np.subtract.outer(positions[:, axis], points[:, axis]) for axis in (0, 1))
    return np.asarray(cv2.magnitude(across, along), np.float64)


class ScatteredField:
    """Interpolation of values known at scattered points with the kernel -r and a constant.

    The kernel is the most conservative one (Duchon 1977): no overshoot between the points and no growth beyond them.
    ``smoothing`` (pixels) on the diagonal lets the field deviate at points that contradict their neighbours; its sign
    must be that of the kernel's definiteness (plus), otherwise neighbouring points repel each other.
    """

    def __init__(self, points: Array, smoothing: float) -> None:
        count = len(points)
        self._points = points
        system = np.zeros((count + 1, count + 1))
        system[:count, :count] = -_distances(points, points)
        system[np.arange(count), np.arange(count)] += smoothing
        system[:count, count] = system[count, :count] = 1.0
        self._system = system

    def solve(self, values: Array) -> Array:
        """Return weights (points + 1, k) that reproduce ``values`` (points, k)."""
        balanced = np.vstack([values, np.zeros((1, values.shape[1]))])
        _, weights = cv2.solve(self._system, balanced, flags=cv2.DECOMP_LU)
        return np.asarray(weights, np.float64)

    def evaluate(self, positions: Array, weights: Array) -> FloatField:
        """Return values (n, k) of the solved field at ``positions`` (n, 2)."""
        distances = _distances(positions, self._points).astype(np.float32)
        return np.asarray(weights[-1].astype(np.float32) - matrix_product(distances, weights[:-1].astype(np.float32)))


@dataclass(frozen=True, slots=True)
class Grid:
    """A box of the picture with a coarse lattice: one sample per ``cell`` x ``cell`` pixels, and a ring around it."""

    left: int
    top: int
    width: int
    height: int
    cell: int
    columns: int = field(init=False)
    rows: int = field(init=False)
    samples: Array = field(init=False)  # (rows, columns, 2) pixel positions of the lattice
    _lattice: FloatField = field(init=False)  # (rows, columns, 2) the lattice's own indices
    _positions: FloatField = field(init=False)  # samples in float32

    def __post_init__(self) -> None:
        columns, rows = -(-self.width // self.cell) + 2, -(-self.height // self.cell) + 2
        x = self.left + (np.arange(columns) - 0.5) * self.cell - 0.5
        y = self.top + (np.arange(rows) - 0.5) * self.cell - 0.5
        samples = np.stack(np.meshgrid(x, y), -1)
        lattice = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1)
        for name, value in (
            ("columns", columns),
            ("rows", rows),
            ("samples", samples),
            ("_lattice", lattice.astype(np.float32)),
            ("_positions", samples.astype(np.float32)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def over(cls, low: Array, high: Array, picture_size: tuple[int, int], cells: int) -> Grid:
        """Return the box ``low``..``high`` (x, y), clipped to the picture (width, height), in about ``cells`` cells."""
        left, top = (int(np.floor(max(0.0, value))) for value in low)
        right, bottom = (int(np.ceil(min(size, value))) for size, value in zip(picture_size, high, strict=True))
        width, height = max(1, right - left), max(1, bottom - top)
        return cls(left, top, width, height, max(1, round(max(width, height) / cells)))

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return the index of the box in a picture array."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def pixels(self) -> Array:
        """Return positions (height, width, 2) of the box's pixels."""
        x, y = np.meshgrid(np.arange(self.width) + self.left, np.arange(self.height) + self.top)
        return np.stack([x, y], -1).astype(np.float64)

    def field(self, basis: FloatField, weights: FloatField) -> FloatField:
        """Return displacements (rows, columns, 2): ``basis`` (channels, rows * columns * 2) weighted (channels,)."""
        return matrix_product(weights[None], basis).reshape(self.rows, self.columns, 2)

    def invert(self, forward: FloatField, start: FloatField | None, iterations: int) -> FloatField:
        """Return the displacement d with ``d(q) = -forward(q + d(q))``, (rows, columns, 2).

        It is a damped fixed-point iteration from ``start``. The damping keeps it from oscillating where the field is
        steep (the lower lip of a wide-open mouth).
        """
        back = -forward if start is None else start
        per_cell = np.float32(1 / self.cell)
        for _ in range(iterations):
            sources = np.asarray(cv2.addWeighted(self._lattice, 1.0, back, float(per_cell), 0.0), np.float32)
            moved = remap(forward, sources)
            back = np.asarray(cv2.addWeighted(back, 1 - _DAMPING, moved, -_DAMPING, 0.0), np.float32)
        return back

    def to_map(self, back: FloatField) -> FloatField:
        """Return the source position of each pixel of the box, (height, width, 2), for ``cv2.remap``."""
        return self.upsample(self._positions + back)

    def upsample(self, values: FloatField) -> FloatField:
        """Return lattice values (rows, columns[, k]) interpolated linearly at the box's pixels.

        The ring of samples around the box makes this exact for linear functions everywhere.
        """
        size = (self.columns * self.cell, self.rows * self.cell)
        large = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
        return large[self.cell : self.cell + self.height, self.cell : self.cell + self.width]  # type: ignore[return-value]


_DAMPING = 0.75
