"""The face detector and mesh find real faces where they are, and nothing in noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from talking_head.engines.face import mesh
from talking_head.engines.face.mesh import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, face_mesh, find_faces
from talking_head.errors import EngineError
from talking_head.media_io.arrays import Frame

NOSE_TIP, CHIN = 1, 152


def place_on_canvas(rgb: Frame, side_px: int, shrink: float) -> tuple[Frame, float, int]:
    """The portrait made smaller in the middle of a grey canvas: a person far from the camera."""
    small = cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    canvas = np.full((side_px, side_px, 3), 128, np.uint8)
    start = (side_px - small.shape[0]) // 2
    canvas[start : start + small.shape[0], start : start + small.shape[1]] = small
    return canvas, shrink, start


def test_finds_the_one_face_of_the_portrait(portrait_rgb: Frame) -> None:
    (face,) = find_faces(portrait_rgb)
    assert face.score > 0.7
    assert 60 < face.width < 160
    assert abs(np.degrees(face.roll_radians)) < 15
    assert face.right_eye[0] < face.left_eye[0]


def test_mesh_lies_on_the_face(portrait_rgb: Frame) -> None:
    (face,) = find_faces(portrait_rgb)
    landmarks = face_mesh(portrait_rgb, face)
    assert landmarks.points.shape == (468, 3)
    assert landmarks.points.dtype == np.float32
    assert landmarks.score > 0.9
    right, left = landmarks.points[RIGHT_EYE_OUTER, :2], landmarks.points[LEFT_EYE_OUTER, :2]
    assert np.linalg.norm(right - face.right_eye) < 0.3 * face.width
    assert np.linalg.norm(left - face.left_eye) < 0.3 * face.width
    assert landmarks.points[CHIN, 1] > landmarks.points[NOSE_TIP, 1] > right[1]


@pytest.mark.parametrize("degrees", [-30, 30])
def test_mesh_follows_a_tilted_head(portrait_rgb: Frame, degrees: float) -> None:
    height, width = portrait_rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 4), degrees, 1.0)
    warped = cv2.warpAffine(portrait_rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    turned = np.asarray(warped, np.uint8)
    straight = face_mesh(portrait_rgb, find_faces(portrait_rgb)[0]).points[:, :2]
    tilted = face_mesh(turned, find_faces(turned)[0]).points[:, :2]
    expected = straight @ turn[:, :2].T + turn[:, 2]
    assert np.abs(tilted - expected).mean() < 3.0


def test_falls_back_to_the_networks_for_small_faces(portrait_rgb: Frame) -> None:
    far, shrink, start = place_on_canvas(portrait_rgb, 1000, 0.5)
    near = find_faces(portrait_rgb)[0]
    found = find_faces(far)[0]
    assert abs(found.center_x - (near.center_x * shrink + start)) < 10
    assert abs(found.center_y - (near.center_y * shrink + start)) < 10


def test_finds_every_face_largest_first(portrait_rgb: Frame) -> None:
    head = portrait_rgb[:256, 80:400]
    pair = np.hstack([cv2.resize(head, None, fx=0.8, fy=0.8), np.zeros((205, 40, 3), np.uint8)])
    both = np.hstack(
        [pair, cv2.copyMakeBorder(cv2.resize(head, None, fx=0.6, fy=0.6), 0, 51, 0, 0, cv2.BORDER_CONSTANT)]
    )
    faces = find_faces(both)
    assert len(faces) == 2
    assert faces[0].area > faces[1].area
    assert faces[0].center_x < faces[1].center_x


@pytest.mark.parametrize("shape", [(400, 300), (1, 1), (12, 900)])
def test_sees_no_face_in_noise(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert find_faces(noise) == []


def test_says_so_when_the_models_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "find_spec", lambda _name: None)
    with pytest.raises(EngineError, match="not installed") as caught:
        mesh.FaceMesh()
    assert caught.value.code == "engine_unavailable"
