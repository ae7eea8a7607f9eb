"""Turning, shifting and bending keypoints."""

from __future__ import annotations

import math

import pytest
import torch

from talking_head.engines.face.sadtalker.keypoint_transform import (
    ORIGINAL_PI,
    HeadMotion,
    degrees_of,
    rotation_matrices,
    transform_keypoints,
)
from talking_head.engines.face.sadtalker.networks.keypoints import KeypointExtractor, identity_grid


def motion(yaw: float = 0, pitch: float = 0, roll: float = 0) -> HeadMotion:
    return HeadMotion(torch.tensor([[yaw, pitch, roll]], dtype=torch.float32), torch.zeros(1, 3), torch.zeros(1, 15, 3))


def test_no_motion_changes_nothing() -> None:
    canonical = torch.randn(15, 3)
    assert torch.equal(transform_keypoints(canonical, motion())[0], canonical)


@pytest.mark.parametrize(
    ("angles", "axis", "becomes"),
    [
        ({"yaw": 90}, (0, 0, 1), (1, 0, 0)),
        ({"pitch": 90}, (0, 1, 0), (0, 0, 1)),
        ({"roll": 90}, (1, 0, 0), (0, 1, 0)),
    ],
)
def test_each_angle_turns_about_its_axis(
    angles: dict[str, float], axis: tuple[float, ...], becomes: tuple[float, ...]
) -> None:
    turned = transform_keypoints(torch.tensor([axis] * 15, dtype=torch.float32), motion(**angles))[0, 0]
    assert torch.allclose(turned, torch.tensor(becomes, dtype=torch.float32), atol=2e-3)  # pi is 3.14 here


def test_pi_is_the_one_the_networks_were_trained_with() -> None:
    sine = float(rotation_matrices(torch.tensor([[180.0, 0, 0]]))[0, 0, 2])
    assert sine == pytest.approx(math.sin(ORIGINAL_PI), abs=1e-6)
    assert sine > 1e-3


def test_roll_comes_first_then_yaw_then_pitch() -> None:
    yaw, pitch, roll = (rotation_matrices(torch.tensor([row]))[0] for row in ([30.0, 0, 0], [0, 20.0, 0], [0, 0, 10.0]))
    together = rotation_matrices(torch.tensor([[30.0, 20.0, 10.0]]))[0]
    assert torch.allclose(together, pitch @ yaw @ roll, atol=1e-5)


def test_only_the_vertical_shift_counts_and_the_input_is_left_alone() -> None:
    canonical, shift = torch.randn(15, 3), torch.tensor([[1.0, 2.0, 3.0]])
    moved = transform_keypoints(canonical, HeadMotion(torch.zeros(1, 3), shift, torch.zeros(1, 15, 3)))[0]
    assert torch.allclose(moved - canonical, torch.tensor([0.0, 2.0, 0.0]).expand(15, 3))
    assert shift.tolist() == [[1, 2, 3]]


def test_bins_are_three_degrees_wide_from_minus_99() -> None:
    certain = torch.full((2, 66), -1e4)
    certain[0, 0], certain[1, 40] = 1e4, 1e4
    assert degrees_of(certain).tolist() == [-99, 21]
    assert float(degrees_of(torch.zeros(1, 66))[0]) == pytest.approx(-1.5, abs=1e-4)


def test_the_grid_names_x_first_and_reaches_both_ends() -> None:
    grid = identity_grid(2, 3, 5, like=torch.zeros(1))
    assert grid.shape == (2, 3, 5, 3)
    assert grid[0, 0, 0].tolist() == [-1, -1, -1]
    assert grid[1, 2, 4].tolist() == [1, 1, 1]
    assert grid[0, 0, 1].tolist() == [-0.5, -1, -1]


def test_a_keypoint_is_where_its_heat_map_is_hot() -> None:
    extractor = KeypointExtractor()
    torch.nn.init.zeros_(extractor.kp.weight)
    with torch.inference_mode():
        extractor.kp.load_state_dict({"weight": extractor.kp.weight, "bias": torch.zeros(15)})
        for index in range(15):
            extractor.kp.weight[index, 0, 1, 1, 1] = 1.0
        feature = torch.zeros(1, 32, 16, 9, 9)
        feature[0, 0, 15, 4, 0] = 100.0
        located = extractor.locate(feature)[0]
    assert torch.allclose(located, torch.tensor([-1.0, 0.0, 1.0]).expand(15, 3), atol=1e-5)
