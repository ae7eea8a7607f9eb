"""Which part of a portrait is animated, and how it is brought before the reconstruction net."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.engines.face.framing import PixelBox
from talking_head.engines.face.sadtalker.face import alignment
from talking_head.engines.face.sadtalker.face.face_crop import cut, face_crop, square_inside


def upright_face(center: tuple[float, float], eye_distance: float) -> np.ndarray:
    """68 landmarks of which only those that count are in place: eyes on one line, the mouth one eye distance below."""
    x, y = center
    points = np.full((68, 2), center, np.float64)
    points[36:42] = (x - eye_distance / 2, y)
    points[42:48] = (x + eye_distance / 2, y)
    points[30] = (x, y + eye_distance * 0.6)
    points[48], points[54] = (x - eye_distance * 0.4, y + eye_distance), (x + eye_distance * 0.4, y + eye_distance)
    return points


def test_an_upright_face_gets_a_square_of_four_eye_distances() -> None:
    crop = face_crop((1000, 1000), upright_face((500, 400), 50))

    box = crop.box("crop")

    assert abs(box.width - 200) <= 1
    assert abs(box.height - 200) <= 1
    assert abs((box.left + box.right) / 2 - 500) <= 1
    assert abs((box.top + box.bottom) / 2 - 405) <= 1  # a tenth of the way to the mouth
    outer = crop.box("extcrop")
    assert abs(outer.left - (box.left - 20)) <= 1
    assert crop.box("resize") == PixelBox(0, 0, 1000, 1000)


def test_boxes_stay_inside_the_picture() -> None:
    for center in ((10, 10), (590, 10), (300, 395), (300, 200)):
        crop = face_crop((600, 400), upright_face(center, 120))
        for mode in ("crop", "extcrop", "full", "extfull"):
            box = crop.box(mode)
            assert 0 <= box.left < box.right <= 600
            assert 0 <= box.top < box.bottom <= 400


def test_very_large_faces_are_looked_at_in_a_smaller_picture() -> None:
    crop = face_crop((6000, 6000), upright_face((3000, 3000), 900))
    assert crop.working_size == (2000, 2000)  # the square of 3,600 px is seven times 512
    assert abs(crop.box("crop").width - 1200) <= 1


def test_square_holds_the_box_when_it_can() -> None:
    square = square_inside(PixelBox(10, 20, 110, 60), (400, 300))
    assert (square.width, square.height) == (100, 100)
    assert square.left <= 10
    assert square.right >= 110
    assert square.top <= 20
    assert square.bottom >= 60


@pytest.mark.parametrize("box", [PixelBox(0, 0, 300, 90), PixelBox(250, 0, 300, 100), PixelBox(0, 10, 30, 100)])
def test_square_fits_into_the_picture(box: PixelBox) -> None:
    square = square_inside(box, (300, 100))
    assert square.width == square.height <= 100
    assert square.left >= 0
    assert square.right <= 300
    assert square.top >= 0
    assert square.bottom <= 100


def test_cutting_takes_the_box_and_nothing_else() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[20:40, 30:50] = 200
    assert (cut(picture, (100, 100), PixelBox(30, 20, 50, 40), 64) == 200).all()


def test_the_standard_face_needs_no_moving() -> None:
    """Drawn at its own scale in the middle, the standard face comes out where it was."""
    size, scale = 224, alignment.STANDARD_SCALE_PX
    points = alignment.STANDARD_FIVE[:, :2].astype(np.float64) * scale + size / 2
    slope = np.arange(size, dtype=np.uint8)  # every column another grey
    picture = np.broadcast_to(slope[None, :, None], (size, size, 3)).copy()

    aligned = alignment.align(picture, points)

    assert aligned.parameters == pytest.approx([224, 224, 1, 112, 112], rel=1e-5)
    assert np.abs(aligned.picture.astype(int)[4:-4, 4:-4] - picture[4:-4, 4:-4]).max() <= 1  # at most one pixel off


def test_a_shifted_and_smaller_face_is_brought_to_the_middle() -> None:
    points = alignment.STANDARD_FIVE[:, :2].astype(np.float64) * 51 + (90, 170)
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[256 - 170 - 6 : 256 - 170 + 6, 84:96] = 255  # a mark at the face's centre, y up turned to rows

    aligned = alignment.align(picture, points)

    assert aligned.parameters[2:] == pytest.approx([2, 90, 170], rel=1e-5)
    rows, columns = np.nonzero(aligned.picture[..., 0] > 128)
    assert abs(rows.mean() - 112) < 2
    assert abs(columns.mean() - 112) < 2


@pytest.mark.parametrize("size", [256, 512])
def test_without_a_face_the_original_truncation_is_kept(size: int) -> None:
    points = alignment.five_points_without_face(size)
    zoom = float(alignment.align(np.zeros((size, size, 3), np.uint8), points).parameters[2])
    assert zoom == pytest.approx(204 / size, rel=1e-6)


def test_landmarks_are_turned_upward() -> None:
    five = alignment.five_points_in_crop(upright_face((100, 80), 40), 256)
    assert five[0].tolist() == [80, 175]
    assert five[3][1] < five[2][1] < five[0][1]
