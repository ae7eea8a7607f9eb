"""Blinks, breath and head: alive in between, at rest at both ends, the same for the same seed."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from talking_head.engines.face.idle_motion import IdleMotion, idle_motion
from talking_head.timebase import VIDEO_FPS


def life(seconds: float, seed: int = 3, pauses: list[tuple[float, float]] | None = None) -> IdleMotion:
    count = round(seconds * VIDEO_FPS)
    loudness = (0.5 + 0.4 * np.sin(np.arange(count) / 2.2)).astype(np.float32)
    return idle_motion(loudness, pauses or [(0.0, 0.1), (seconds - 0.3, seconds)], seed)


def blink_count(signs: IdleMotion) -> int:
    return int(np.sum(np.diff((signs.blink > 0.5).astype(int)) == 1))


@pytest.mark.parametrize("seconds", [0.32, 0.64, 2.24, 12.8])
def test_rests_in_the_first_and_last_frame(seconds: float) -> None:
    signs = life(seconds)
    for field in fields(signs):
        curve = getattr(signs, field.name)
        assert len(curve) == round(seconds * VIDEO_FPS)
        assert curve[0] == 0
        assert curve[-1] == 0


def test_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    first, again, other = life(8.0, seed=1), life(8.0, seed=1), life(8.0, seed=2)
    for field in fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(again, field.name))
    assert not np.allclose(first.yaw, other.yaw)


@pytest.mark.parametrize("seed", range(5))
def test_the_head_keeps_moving_without_jerks(seed: int) -> None:
    signs = life(20.0, seed)
    yaw_speed = np.abs(np.diff(signs.yaw))
    assert np.ptp(signs.yaw) > 1.5
    assert yaw_speed.max() < 0.6  # degrees a frame
    per_second = np.ptp(signs.yaw[: 20 * VIDEO_FPS].reshape(20, VIDEO_FPS), axis=1)
    pitch_per_second = np.ptp(signs.pitch.reshape(20, VIDEO_FPS), axis=1)
    assert np.mean((per_second < 0.1) & (pitch_per_second < 0.1)) < 0.2


def test_long_takes_blink_at_a_human_rate() -> None:
    counts = [blink_count(life(60.0, seed)) for seed in range(10)]
    assert 8 < np.mean(counts) < 25
    assert min(counts) > 4


def test_short_takes_together_blink_as_often_as_a_long_one() -> None:
    takes = [life(2.56, seed) for seed in range(200)]
    per_minute = sum(map(blink_count, takes)) / (200 * 2.56) * 60
    assert 8 < per_minute < 25


@pytest.mark.parametrize("seed", range(20))
def test_blinks_close_fully_and_are_over_before_the_end(seed: int) -> None:
    blink = life(6.4, seed).blink
    closed = blink >= 1.0
    starts = np.sum(np.diff(closed.astype(int), prepend=0) == 1)
    assert starts == blink_count(life(6.4, seed))
    assert blink[-1] == 0


def test_blinks_are_drawn_to_pauses() -> None:
    with_pause = [life(6.0, seed, [(0.0, 0.1), (2.9, 3.3), (5.7, 6.0)]).blink for seed in range(60)]
    in_pause = sum(blink[round(2.9 * VIDEO_FPS) : round(3.4 * VIDEO_FPS)].max() for blink in with_pause)
    elsewhere = sum(blink[round(4.1 * VIDEO_FPS) : round(4.6 * VIDEO_FPS)].max() for blink in with_pause)
    assert in_pause > 1.5 * max(elsewhere, 1)
