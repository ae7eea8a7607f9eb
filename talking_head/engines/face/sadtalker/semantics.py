"""The mapping net's input, from coefficients per frame: windows of 27 frames around each frame.

Section 3.4 of the paper; the handling of ends, scale and stillness follows the original program.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.sadtalker.coefficients import EXPRESSION, POSE, CoefficientLayout, split_crop, with_crop
from talking_head.engines.face.sadtalker.networks.sizes import MAPPING_WINDOW_FRAMES

RADIUS_FRAMES = MAPPING_WINDOW_FRAMES // 2  # 13


def target_sequence(
    driven: NDArray[np.float32],
    source: NDArray[np.float32],
    layout: CoefficientLayout,
    *,
    expression_scale: float = 1.0,
    still: bool = False,
) -> NDArray[np.float32]:
    """Return the coefficients that drive the face.

    Args:
        driven: (t, 70) from the audio.
        source: (73,) of the portrait.
        layout: the mapping net's input layout.
        expression_scale: multiplies the expression of the driven frames, never of the source.
        still: the head (and the crop) stay as in the portrait; only the expression moves.

    Returns:
        (t, 70) or (t, 73).
    """
    sequence = np.array(driven, np.float32)  # (t, 70), a copy
    sequence[:, EXPRESSION] *= np.float32(expression_scale)
    if still:
        sequence[:, POSE] = source[POSE]
    if layout is CoefficientLayout.WITH_CROP:
        crop = split_crop(source)[1]
        assert crop is not None, "the source has 73 coefficients"
        sequence = with_crop(sequence, crop)
    return sequence


def windows(sequence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 27 frames around every frame, ends repeated; (t, c) -> (t, c, 27)."""
    frames = np.arange(len(sequence))
    rows = np.clip(frames[:, None] + np.arange(-RADIUS_FRAMES, RADIUS_FRAMES + 1), 0, len(sequence) - 1)  # (t, 27)
    return np.ascontiguousarray(sequence[rows].transpose(0, 2, 1))


def source_window(source: NDArray[np.float32], layout: CoefficientLayout) -> NDArray[np.float32]:
    """Return the portrait held still for 27 frames; (73,) -> (1, c, 27)."""
    return np.repeat(source[None, : int(layout), None], MAPPING_WINDOW_FRAMES, axis=2)


def angle_schedule(stations_degrees: Sequence[float], frames: int) -> NDArray[np.float32]:
    """Return the angle of every frame along the path through the stations, at the same speed on every leg; (frames,).

    As in the original, the steps restart at each station, so the stations are not always hit exactly; the last value
    is held. A station equal to its neighbour adds no leg (the original fails there).
    """
    if len(stations_degrees) == 0:
        raise ValueError("a schedule needs at least one angle")
    legs = [(a, b) for a, b in pairwise(stations_degrees) if a != b]
    if not legs or frames < 2:
        return np.full(frames, stations_degrees[0], np.float32)
    step = sum(abs(end - start) for start, end in legs) / (frames - 1)
    path = np.concatenate([np.arange(start, end, step if end > start else -step) for start, end in legs])[:frames]
    return np.pad(path, (0, frames - len(path)), mode="edge").astype(np.float32)
