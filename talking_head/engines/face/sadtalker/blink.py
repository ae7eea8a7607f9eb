"""Blinks: five frames long, every ten to seventy frames, drawn at random as in the original."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

BLINK = np.array([0.5, 0.9, 1.0, 0.9, 0.5], np.float32)  # how far the lids are closed
SHORTEST_PAUSE_FRAMES, LONGEST_PAUSE_FRAMES = 10, 70
FEWEST_FRAMES = 21  # shorter clips do not blink


def blink_ratio(frames: int, rng: random.Random) -> NDArray[np.float32]:
    """Return how far the lids are closed in every frame, 0..1; (frames,)."""
    ratio = np.zeros(frames, np.float32)
    pauses = range(SHORTEST_PAUSE_FRAMES, min(frames // 2, LONGEST_PAUSE_FRAMES))
    if frames < FEWEST_FRAMES or not pauses:
        return ratio
    position = 0
    while True:
        position += rng.choice(pauses)
        if position + len(BLINK) > frames - 1:
            return ratio
        ratio[position : position + len(BLINK)] = BLINK
        position += len(BLINK)
