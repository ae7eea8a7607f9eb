"""Frames that are made to fit: whole, undistorted, with borders."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.pipeline.fitted_frames import fitted_frames


@pytest.mark.parametrize(("width", "height"), [(64, 64), (32, 32), (64, 32), (32, 96), (6, 200)])
def test_a_picture_is_shown_whole_in_any_shape(width: int, height: int) -> None:
    frame = np.full((48, 48, 3), 200, np.uint8)
    (fitted,) = fitted_frames(iter([frame]), width, height)
    assert fitted.shape == (height, width, 3)
    shown = np.argwhere(fitted[:, :, 0] > 100)
    assert np.ptp(shown[:, 0]) == np.ptp(shown[:, 1]) == min(width, height) - 1


def test_frames_of_the_right_size_are_left_alone() -> None:
    frame = np.zeros((48, 32, 3), np.uint8)
    assert next(fitted_frames(iter([frame]), 32, 48)) is frame
