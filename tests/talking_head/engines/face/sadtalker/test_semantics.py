"""Windows, schedules, scale and stillness against what they mean."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.engines.face.sadtalker import semantics
from talking_head.engines.face.sadtalker.coefficients import CROP, EXPRESSION, POSE, CoefficientLayout

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("frames", [1, 2, 13, 60])
def test_a_window_holds_thirteen_frames_on_either_side_and_repeats_the_ends(frames: int) -> None:
    sequence = np.repeat(np.arange(frames, dtype=np.float32)[:, None], 70, axis=1)

    windows = semantics.windows(sequence)

    assert windows.shape == (frames, 70, 27)
    for frame in range(frames):
        expected = [min(max(frame + offset, 0), frames - 1) for offset in range(-13, 14)]
        assert windows[frame, 33].tolist() == expected


def test_the_scale_touches_the_driven_expression_only() -> None:
    driven, source = RNG.random((4, 70), np.float32), RNG.random(73, np.float32)

    scaled = semantics.target_sequence(driven, source, CoefficientLayout.WITH_CROP, expression_scale=2.0)

    assert np.array_equal(scaled[:, EXPRESSION], driven[:, EXPRESSION] * 2)
    assert np.array_equal(scaled[:, POSE], driven[:, POSE])
    assert (scaled[:, CROP] == source[CROP]).all()
    assert np.array_equal(semantics.source_window(source, CoefficientLayout.WITH_CROP)[0, :, 26], source)


@pytest.mark.parametrize("layout", [CoefficientLayout.DRIVEN, CoefficientLayout.WITH_CROP])
def test_still_keeps_the_head_and_lets_the_face_move(layout: CoefficientLayout) -> None:
    driven, source = RNG.random((4, 70), np.float32), RNG.random(73, np.float32)

    still = semantics.target_sequence(driven, source, layout, still=True)

    assert still.shape == (4, int(layout))
    assert (still[:, 64:] == source[64 : int(layout)]).all()
    assert np.array_equal(still[:, EXPRESSION], driven[:, EXPRESSION])


def test_the_input_is_left_alone() -> None:
    driven, source = np.ones((3, 70), np.float32), np.zeros(73, np.float32)
    semantics.target_sequence(driven, source, CoefficientLayout.DRIVEN, expression_scale=3, still=True)
    assert (driven == 1).all()


def test_one_angle_is_held() -> None:
    assert (semantics.angle_schedule([12.5], 7) == 12.5).all()


def test_a_way_is_walked_at_even_speed() -> None:
    schedule = semantics.angle_schedule([-20, 30, 10], 71)  # 70 degrees in 70 steps
    assert schedule[:50].tolist() == list(range(-20, 30))
    assert schedule[50:70].tolist() == list(range(30, 10, -1))
    assert schedule[70] == schedule[69]


@pytest.mark.parametrize("stations", [[5, 5], [5, 5, 5], [0, 0, 10], [10, 0, 0]])
def test_stations_without_a_way_between_them_do_no_harm(stations: list[float]) -> None:
    schedule = semantics.angle_schedule(stations, 20)
    assert schedule.shape == (20,)
    assert np.isfinite(schedule).all()
    assert schedule[0] == stations[0]


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_schedules_are_as_long_as_the_clip(frames: int) -> None:
    assert semantics.angle_schedule([0, 30, -10, 4], frames).shape == (frames,)


def test_a_schedule_without_angles_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        semantics.angle_schedule([], 5)
