"""Every framing shows the face, at the promised size, with the landmarks still on it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from talking_head.engines.base import Framing
from talking_head.engines.face.framing import MAX_FULL_SIDE_PX
from talking_head.engines.face.mesh import Points, face_mesh, find_faces
from talking_head.engines.face.puppet.framing import frame_portrait
from talking_head.media_io.arrays import Frame
from talking_head.profiles import Preprocess


@pytest.fixture(scope="module")
def landmarks(portrait_rgb: Frame) -> Points:
    return face_mesh(portrait_rgb, find_faces(portrait_rgb)[0]).points


@pytest.mark.parametrize("mode", ["crop", "extcrop", "resize", "full", "extfull"])
@pytest.mark.parametrize("size_px", [128, 255, 512])
def test_sides_are_even_and_the_face_stays_under_its_mesh(
    portrait_rgb: Frame, landmarks: Points, mode: Preprocess, size_px: int
) -> None:
    framed = frame_portrait(portrait_rgb, landmarks, Framing(mode, size_px))
    height, width = framed.rgb.shape[:2]
    assert height % 2 == width % 2 == 0
    assert framed.landmarks[:, :2].min() > 0
    assert (framed.landmarks[:, :2].max(0) < [width, height]).all()
    seen = face_mesh(framed.rgb, find_faces(framed.rgb)[0]).points
    eyes = np.linalg.norm(seen[33, :2] - seen[263, :2])
    assert np.abs(seen[:, :2] - framed.landmarks[:, :2]).mean() < 0.08 * eyes + 0.5


def test_crops_are_squares_of_the_wanted_size_and_ext_shows_more(portrait_rgb: Frame, landmarks: Points) -> None:
    near = frame_portrait(portrait_rgb, landmarks, Framing("crop", 256))
    wide = frame_portrait(portrait_rgb, landmarks, Framing("extcrop", 256))
    assert near.rgb.shape == wide.rgb.shape == (256, 256, 3)
    assert np.ptp(wide.landmarks[:, 0]) < 0.85 * np.ptp(near.landmarks[:, 0])


def test_a_crop_at_the_edge_moves_inside_instead_of_making_pixels_up(portrait_rgb: Frame, landmarks: Points) -> None:
    x0 = int(landmarks[:, 0].min()) - 5
    y0 = int(landmarks[:, 1].min()) - 5
    cut = np.ascontiguousarray(portrait_rgb[y0:, x0:])
    shifted = landmarks - np.array([x0, y0, 0], np.float32)
    framed = frame_portrait(cut, shifted, Framing("crop", 256))
    side = 256 / np.ptp(framed.landmarks[:, 0]) * np.ptp(shifted[:, 0])
    expected = cv2.resize(cut[: round(side), : round(side)], (256, 256), interpolation=cv2.INTER_CUBIC)
    assert np.abs(framed.rgb.astype(int) - expected).mean() < 6


def test_full_pictures_keep_their_shape_are_limited_and_never_enlarged(landmarks: Points) -> None:
    for shape, expected in (((901, 601, 3), (900, 600)), ((1000, 2000, 3), (640, MAX_FULL_SIDE_PX))):
        framed = frame_portrait(np.zeros(shape, np.uint8), landmarks, Framing("full", 512))
        assert framed.rgb.shape[:2] == expected
    squeezed = frame_portrait(np.zeros((1000, 2000, 3), np.uint8), landmarks, Framing("resize", 512))
    assert squeezed.rgb.shape[:2] == (256, 512)
