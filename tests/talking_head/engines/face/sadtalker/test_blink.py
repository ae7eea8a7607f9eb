from __future__ import annotations

import random

import numpy as np
import pytest

from talking_head.engines.face.sadtalker.blink import BLINK, blink_ratio


def test_same_seed_same_blinks() -> None:
    first, again = (blink_ratio(300, random.Random(7)) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, blink_ratio(300, random.Random(8)))


@pytest.mark.parametrize("frames", [0, 1, 20, 21])
def test_short_clips_do_not_blink(frames: int) -> None:
    assert not blink_ratio(frames, random.Random(0)).any()


def test_blinks_are_whole_apart_and_never_in_the_last_frame() -> None:
    for seed in range(20):
        ratio = blink_ratio(400, random.Random(seed))
        starts = np.flatnonzero((ratio[1:] > 0) & (ratio[:-1] == 0)) + 1
        assert len(starts) > 2
        assert all(np.array_equal(ratio[start : start + len(BLINK)], BLINK) for start in starts)
        gaps = np.diff(starts) - len(BLINK)
        assert gaps.min() >= 10
        assert gaps.max() < 70
        assert ratio[-1] == 0
