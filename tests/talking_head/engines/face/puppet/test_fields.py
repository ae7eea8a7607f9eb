"""Fields reproduce what they were given, and their inverses undo them."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.engines.face.puppet.fields import Grid, ScatteredField, remap


def test_field_passes_through_its_points_and_stays_between_them() -> None:
    rng = np.random.default_rng(0)
    points, values = rng.uniform(0, 100, (30, 2)), rng.uniform(-5, 5, (30, 2))
    field = ScatteredField(points, smoothing=0.0)
    weights = field.solve(values)
    assert np.allclose(field.evaluate(points, weights), values, atol=0.02)
    everywhere = field.evaluate(rng.uniform(-300, 400, (500, 2)), weights)
    assert np.abs(everywhere).max() < 1.5 * np.abs(values).max()


def test_smoothing_averages_points_that_contradict_each_other() -> None:
    points = np.array([[0.0, 0.0], [0.1, 0.0], [50.0, 0.0]])
    field = ScatteredField(points, smoothing=5.0)
    values = field.evaluate(points, field.solve(np.array([[1.0], [-1.0], [0.0]])))
    assert np.abs(values).max() < 0.2


@pytest.mark.parametrize("cell", [1, 3, 8])
def test_upsampling_is_exact_for_straight_slopes_up_to_the_rim(cell: int) -> None:
    grid = Grid(left=7, top=11, width=50, height=31, cell=cell)
    slope = (grid.samples @ np.array([0.7, -0.3])).astype(np.float32)
    assert np.allclose(grid.upsample(slope), grid.pixels() @ np.array([0.7, -0.3]), atol=1e-3)


def test_inverse_brings_every_pixel_back() -> None:
    grid = Grid(left=20, top=30, width=160, height=120, cell=4)
    x, y = grid.samples[..., 0], grid.samples[..., 1]
    bump = 9.0 * np.exp(-(((x - 100) / 30) ** 2) - ((y - 90) / 30) ** 2)
    forward = np.stack([0.3 * bump, bump], -1).astype(np.float32)
    back = grid.invert(forward, None, 12)
    sources = grid.to_map(back)  # where each pixel comes from
    lattice = (sources - grid.samples[0, 0].astype(np.float32)) / np.float32(grid.cell)
    arrived = sources + remap(forward, np.ascontiguousarray(lattice, np.float32))
    assert np.abs(arrived - grid.pixels()).max() < 0.25


def test_box_is_cut_to_the_picture() -> None:
    grid = Grid.over(np.array([-40.0, 10.0]), np.array([90.0, 500.0]), (80, 120), cells=32)
    assert (grid.left, grid.top, grid.width, grid.height) == (0, 10, 80, 110)
