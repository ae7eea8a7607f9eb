"""The geometry that all face engines share, so that their clips have one size."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from talking_head.engines.base import Framing
from talking_head.engines.face.framing import Box, crop_box, frame_picture, output_size
from talking_head.engines.face.mesh import FaceBox
from talking_head.profiles import Preprocess


def face_at(center_x: float, center_y: float, side: float = 100.0) -> FaceBox:
    return FaceBox(center_x, center_y, side, side, (0, 0), (1, 0), 1.0)


@pytest.mark.parametrize("preprocess", get_args(Preprocess))
@pytest.mark.parametrize("picture", [(225, 225), (801, 1203), (64, 2048), (2048, 65), (1999, 1333)])
@pytest.mark.parametrize("size_px", [128, 255, 256, 512])
def test_sides_are_even_and_positive(preprocess: Preprocess, picture: tuple[int, int], size_px: int) -> None:
    width_px, height_px = output_size(*picture, Framing(preprocess, size_px))
    assert width_px % 2 == height_px % 2 == 0 and min(width_px, height_px) >= 2


@pytest.mark.parametrize("preprocess", ["crop", "extcrop"])
def test_cropping_gives_a_square_of_the_profile_size(preprocess: Preprocess) -> None:
    assert output_size(1_999, 1_333, Framing(preprocess, 256)) == (256, 256)


def test_resize_fits_the_whole_picture_into_the_size() -> None:
    assert output_size(800, 1_200, Framing("resize", 256)) == (170, 256)
    assert crop_box(800, 1_200, face_at(100, 100), "resize") == Box(0, 0, 800, 1_200)


def test_full_is_the_whole_picture_never_enlarged_and_bounded() -> None:
    assert output_size(225, 225, Framing("full", 512)) == (224, 224)
    assert output_size(801, 1_203, Framing("full", 512)) == (800, 1_202)
    assert output_size(2_048, 1_024, Framing("extfull", 512)) == (1_280, 640)


@pytest.mark.parametrize("preprocess", ["crop", "extcrop"])
@pytest.mark.parametrize("center", [(0, 0), (400, 300), (799, 1_199), (-50, 1_300)])
def test_the_crop_is_a_square_inside_the_picture(preprocess: Preprocess, center: tuple[float, float]) -> None:
    box = crop_box(800, 1_200, face_at(*center), preprocess)
    assert box.width == box.height
    assert box.left >= 0 and box.top >= 0 and box.right <= 800 and box.bottom <= 1_200


def test_the_crop_holds_the_face_with_shoulders_below_and_hair_above() -> None:
    box = crop_box(2_000, 2_000, face_at(900, 800), "crop")
    assert box.left < 850 and box.right > 950  # the whole face
    assert 800 - 50 - box.top > 40  # hair: almost half a face at least
    assert box.bottom - 850 > 800 - 50 - box.top  # more below the chin than above the brows


def test_the_wider_crop_shows_more() -> None:
    face = face_at(900, 800)
    assert crop_box(2_000, 2_000, face, "extcrop").width > crop_box(2_000, 2_000, face, "crop").width


def test_without_a_face_the_crop_is_the_upper_middle() -> None:
    assert crop_box(1_000, 600, None, "crop") == Box(200, 0, 800, 600)
    box = crop_box(600, 1_000, None, "crop")
    assert box.top < 200 and box.width == box.height == 600


def test_the_framed_picture_shows_the_box() -> None:
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[20:60, 30:70] = (10, 200, 90)
    framed = frame_picture(rgb, Box(30, 20, 70, 60), (256, 256))
    assert framed.shape == (256, 256, 3)
    assert (framed == (10, 200, 90)).all()
