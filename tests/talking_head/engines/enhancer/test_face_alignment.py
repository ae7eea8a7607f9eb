"""Faces out of frames, upright, and back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from talking_head.engines.enhancer.gfpgan.face_alignment import (
    FACE_PX,
    TARGET_POINTS,
    FaceTracker,
    cut_out,
    face_mask,
    five_points,
    paste,
    similarity,
)
from talking_head.engines.face.face_search import largest_face
from talking_head.media_io.arrays import Frame
from talking_head.media_io.images import decode_image
from tests.pictures import ASTRONAUT


@pytest.fixture(scope="module")
def astronaut() -> Frame:
    return decode_image(ASTRONAUT.read_bytes()).rgb


def as_frame(picture: Any) -> Frame:
    return np.asarray(picture, np.uint8)


def test_similarity_recovers_a_turn_scale_and_shift() -> None:
    wanted = np.array([[0.8, -0.6, 30.0], [0.6, 0.8, -12.0]])
    moved = TARGET_POINTS @ wanted[:, :2].T + wanted[:, 2]
    np.testing.assert_allclose(similarity(TARGET_POINTS, moved), wanted, atol=1e-9)


def test_the_cut_out_face_has_its_points_where_the_network_expects_them(astronaut: Frame) -> None:
    place = FaceTracker().face_to_frame(astronaut)
    assert place is not None
    upright = largest_face(cut_out(astronaut, place))
    assert upright is not None
    distances = np.linalg.norm(five_points(upright) - TARGET_POINTS, axis=1)
    assert distances.max() < 30  # of 512: the five points of this face do not fit the average face exactly


def test_a_turned_face_is_cut_out_upright(astronaut: Frame) -> None:
    height, width = astronaut.shape[:2]
    turn = cv2.getRotationMatrix2D((220, 120), 20, 1.0)
    turned = as_frame(cv2.warpAffine(astronaut, turn, (width, height), borderMode=cv2.BORDER_REPLICATE))
    place = FaceTracker().face_to_frame(turned)
    assert place is not None
    upright = largest_face(cut_out(turned, place))
    assert upright is not None
    eyes = five_points(upright)[:2]
    assert abs(np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1]))) < 4


def test_pasting_an_unchanged_face_back_changes_next_to_nothing(astronaut: Frame) -> None:
    frame = as_frame(cv2.resize(astronaut, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    place = FaceTracker().face_to_frame(frame)
    assert place is not None
    after = frame.copy()
    paste(after, cut_out(frame, place), place, face_mask())
    assert np.abs(after.astype(int) - frame).mean() < 0.5


def test_a_pasted_face_replaces_the_middle_and_leaves_the_rest_alone(astronaut: Frame) -> None:
    frame = astronaut.copy()
    place = FaceTracker().face_to_frame(frame)
    assert place is not None
    paste(frame, np.full((FACE_PX, FACE_PX, 3), 7, np.uint8), place, face_mask())
    middle = (place @ [FACE_PX / 2, FACE_PX / 2, 1]).astype(int)
    assert (frame[middle[1], middle[0]] == 7).all()
    np.testing.assert_array_equal(frame[-40:], astronaut[-40:])


def test_a_face_beyond_the_frame_is_pasted_as_far_as_it_shows() -> None:
    frame = np.zeros((100, 100, 3), np.uint8)
    beyond = np.array([[1.0, 0.0, 60.0], [0.0, 1.0, -300.0]])
    paste(frame, np.full((FACE_PX, FACE_PX, 3), 200, np.uint8), beyond, face_mask())
    assert frame[50, 99].max() > 0
    assert not frame[:, :60].any()
    outside = np.array([[1.0, 0.0, 500.0], [0.0, 1.0, 0.0]])
    paste(frame[:, :50], np.full((FACE_PX, FACE_PX, 3), 200, np.uint8), outside, face_mask())
    assert not frame[:, :50].any()


def test_the_face_is_followed_smoothly_and_kept_when_it_is_lost(astronaut: Frame) -> None:
    tracker = FaceTracker()
    first = tracker.face_to_frame(astronaut)
    shifted = np.roll(astronaut, 6, axis=1)
    second = tracker.face_to_frame(shifted)
    lost = tracker.face_to_frame(np.zeros_like(astronaut))
    assert first is not None
    assert second is not None
    moved = second[0, 2] - first[0, 2]
    assert 0 < moved < 6  # on its way, no jump
    np.testing.assert_array_equal(lost, second)


def test_without_a_face_there_is_no_place() -> None:
    assert FaceTracker().face_to_frame(np.zeros((128, 128, 3), np.uint8)) is None
