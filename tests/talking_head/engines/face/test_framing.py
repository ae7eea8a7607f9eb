"""The geometry that all face engines share, so that their clips have one size."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from talking_head.engines.base import Framing
from talking_head.engines.face.framing import PixelBox, cut_and_scale, faceless_crop, output_size
from talking_head.profiles import Preprocess


@pytest.mark.parametrize("preprocess", get_args(Preprocess))
@pytest.mark.parametrize("picture", [(225, 225), (801, 1203), (64, 2048), (2048, 65), (1999, 1333)])
@pytest.mark.parametrize("size_px", [128, 255, 256, 512])
def test_sides_are_even_and_positive(preprocess: Preprocess, picture: tuple[int, int], size_px: int) -> None:
    width_px, height_px = output_size(*picture, Framing(preprocess, size_px))
    assert width_px % 2 == height_px % 2 == 0 and min(width_px, height_px) >= 2


@pytest.mark.parametrize("preprocess", ["crop", "extcrop"])
def test_cropping_gives_a_square_of_the_profile_size(preprocess: Preprocess) -> None:
    assert output_size(1_999, 1_333, Framing(preprocess, 256)) == (256, 256)
    assert output_size(100, 120, Framing(preprocess, 256)) == (256, 256)


def test_resize_fits_the_whole_picture_into_the_size() -> None:
    assert output_size(800, 1_200, Framing("resize", 256)) == (170, 256)
    assert output_size(100, 120, Framing("resize", 256)) == (100, 120)


def test_full_is_the_whole_picture_never_enlarged_and_bounded() -> None:
    assert output_size(225, 225, Framing("full", 512)) == (224, 224)
    assert output_size(801, 1_203, Framing("full", 512)) == (800, 1_202)
    assert output_size(2_048, 1_024, Framing("extfull", 512)) == (1_280, 640)


def test_without_a_face_the_crop_is_the_upper_middle() -> None:
    assert faceless_crop(1_000, 600, "crop") == PixelBox(200, 0, 800, 600)
    box = faceless_crop(600, 1_000, "crop")
    assert box.top < 200 and box.width == box.height == 600
    assert faceless_crop(600, 1_000, "full") == PixelBox(0, 0, 600, 1_000)


def test_the_framed_picture_shows_the_box() -> None:
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[20:60, 30:70] = (10, 200, 90)
    framed = cut_and_scale(rgb, PixelBox(30, 20, 70, 60), (256, 256))
    assert framed.shape == (256, 256, 3)
    assert (framed == (10, 200, 90)).all()
