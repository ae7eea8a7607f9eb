"""Pasting of the animated square back into the whole picture.

The original blends every frame with a Poisson clone over the whole picture, after decoding a finished video again; this
takes most of its time, and colours drift because each frame is solved separately. Here the square is composited with a
mask that fades at its border, computed once; the middle is the unmodified generated face. ``docs/sadtalker.md`` has the
times of both.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.framing import PixelBox
from talking_head.media_io.arrays import Frame

FEATHER = 0.1  # of the square's shorter side


def feathered_mask(box: PixelBox, canvas_size: tuple[int, int]) -> NDArray[np.float32]:
    """Return 1 in the middle, falling smoothly to 0 at the border of ``box``; (height, width, 1).

    Where the box touches the canvas's edge there is nothing to blend with, so the mask stays 1 there.
    """
    width, height = canvas_size
    feather = max(1.0, FEATHER * min(box.width, box.height))

    def ramp(length: int, *, at_start: bool, at_end: bool) -> NDArray[np.float64]:
        inside = np.arange(length) + 0.5
        distance = np.minimum(
            inside if at_start else np.full(length, np.inf), inside[::-1] if at_end else np.full(length, np.inf)
        )
        share = np.clip(distance / feather, 0, 1)
        return share * share * (3 - 2 * share)

    across = ramp(box.width, at_start=box.left > 0, at_end=box.right < width)
    down = ramp(box.height, at_start=box.top > 0, at_end=box.bottom < height)
    return (down[:, None] * across)[..., None].astype(np.float32)


class PasteBack:
    """Compositing of squares over one picture."""

    def __init__(self, canvas: Frame, box: PixelBox) -> None:
        """Compute the mask; ``canvas`` (height, width, 3) has the video's size, ``box`` is in its pixels."""
        self._canvas = canvas
        self._rows, self._columns = slice(box.top, box.bottom), slice(box.left, box.right)
        self._size = (box.width, box.height)
        self._mask = feathered_mask(box, (canvas.shape[1], canvas.shape[0]))
        self._background = canvas[self._rows, self._columns] * (1 - self._mask)

    def __call__(self, square: Frame) -> Frame:
        """Return a new frame (height, width, 3) with ``square`` (s, s, 3) pasted in."""
        face = cv2.resize(square, self._size, interpolation=_interpolation(square.shape[0], self._size))
        frame = self._canvas.copy()
        frame[self._rows, self._columns] = np.rint(self._background + face * self._mask)
        return frame


def _interpolation(side_px: int, size: tuple[int, int]) -> int:
    return cv2.INTER_AREA if size[0] < side_px and size[1] < side_px else cv2.INTER_LINEAR
