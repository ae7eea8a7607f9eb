"""What the report says about a good portrait, and about the same portrait after something was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from talking_head.engines.face.face_search import largest_face
from talking_head.engines.face.mesh import FaceBox, Landmarks, face_mesh, find_faces
from talking_head.errors import PortraitError
from talking_head.media_io.arrays import Frame
from talking_head.media_io.image_limits import GOOD_FACE_PX, too_few_pixels
from talking_head.media_io.images import decode_image
from talking_head.pipeline.checks.portrait_measurements import pose_of
from talking_head.pipeline.checks.portrait_report import PortraitReport, check_portrait, refuse_unusable, report_on
from tests.pictures import ASTRONAUT


@pytest.fixture(scope="module")
def portrait() -> Frame:
    return decode_image(ASTRONAUT.read_bytes()).rgb


@pytest.fixture(scope="module")
def face(portrait: Frame) -> FaceBox:
    return find_faces(portrait)[0]


@pytest.fixture(scope="module")
def mesh(portrait: Frame, face: FaceBox) -> Landmarks:
    return face_mesh(portrait, face)


def severities(rgb: np.ndarray) -> dict[str, str]:
    return {problem.code: problem.severity for problem in report_on(np.ascontiguousarray(rgb)).problems}


def covered(portrait: Frame, mesh: Landmarks, rgb: tuple[int, int, int]) -> Frame:
    """A mask from the middle of the nose to below the chin, with a little grain."""
    points = mesh.points[:, :2]
    nose = points[6] * 0.4 + points[4] * 0.6
    chin = points[152] + (points[152] - points[17]) * 0.2
    outline = [nose, points[123], points[58], points[172], chin, points[397], points[288], points[352]]
    mask = np.zeros(portrait.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], (1,))
    cloth = np.clip(np.array(rgb) + np.random.default_rng(3).normal(0, 4, portrait.shape), 0, 255)
    return np.where(mask[..., None] > 0, cloth, portrait).astype(np.uint8)


def turned_by(portrait: Frame, degrees: float) -> Frame:
    height, width = portrait.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(portrait, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def turned_about(portrait: Frame, face: FaceBox, degrees: float) -> Frame:
    """The portrait on a larger wall, turned about its face, so that the whole head stays in the picture."""
    matrix = cv2.getRotationMatrix2D((face.center_x, face.center_y), degrees, 1)
    matrix[:, 2] += np.array([450 - face.center_x, 450 - face.center_y])
    return cv2.warpAffine(portrait, matrix, (900, 900), borderValue=(150, 160, 150)).astype(np.uint8)


def scaled(portrait: Frame, factor: float) -> Frame:
    return cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.uint8)


def test_a_good_portrait_has_nothing_but_its_smile_remarked_on(portrait: Frame) -> None:
    report = report_on(portrait)
    assert report.is_usable and report.face_count == 1
    assert [problem.code for problem in report.problems] == ["open_mouth"]


def test_the_box_is_where_the_face_is(portrait: Frame) -> None:
    box = report_on(portrait).face_box
    assert box is not None
    assert 160 < box.left < 225 < box.left + box.width < 290  # Collins' nose is at about (225, 130)
    assert 60 < box.top < 130 < box.top + box.height < 200


@pytest.mark.parametrize(
    ("code", "severity", "change"),
    [
        ("blurred", "warn", lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 2.0)),
        ("too_dark", "warn", lambda rgb: (rgb * 0.25).astype(np.uint8)),
        ("too_bright", "warn", lambda rgb: np.clip(rgb.astype(int) + 120, 0, 255).astype(np.uint8)),
        ("low_contrast", "warn", lambda rgb: (rgb * 0.25 + 100).astype(np.uint8)),
        ("face_small", "warn", lambda rgb: scaled(rgb, 0.6)),
        ("face_too_small", "stop", lambda rgb: scaled(rgb, 0.25)),
        ("tilted", "warn", lambda rgb: turned_by(rgb, 35)),
        ("not_upright", "stop", lambda rgb: np.rot90(rgb)),
        ("not_upright", "stop", lambda rgb: rgb[::-1, ::-1]),
        ("several_faces", "stop", lambda rgb: np.hstack([rgb, rgb])),
        ("no_face", "stop", lambda rgb: rgb[300:, :]),
        ("no_face", "stop", lambda rgb: np.full_like(rgb, 128)),
    ],
)
def test_a_spoilt_portrait_is_told_why(portrait: Frame, code: str, severity: str, change: object) -> None:
    assert callable(change)
    assert severities(portrait).get(code) is None
    assert severities(change(portrait)).get(code) == severity


def test_somebody_small_in_the_background_is_only_remarked_on(portrait: Frame, face: FaceBox) -> None:
    near = portrait[: int(face.center_y + 1.5 * face.height), 100:350]
    far = scaled(near, 0.45)
    picture = np.full((near.shape[0], near.shape[1] + far.shape[1], 3), 160, np.uint8)
    picture[:, : near.shape[1]] = near
    picture[: far.shape[0], near.shape[1] :] = far
    assert severities(picture).get("several_faces") == "warn"


def test_a_face_at_the_edge_is_cut_off(portrait: Frame, face: FaceBox) -> None:
    chinless = portrait[: int(face.center_y + 0.45 * face.height)]
    mouthless = portrait[: int(face.center_y + 0.2 * face.height)]
    assert severities(chinless).get("head_cut_off") == "warn"
    assert severities(mouthless).get("mouth_cut_off") == "stop"


@pytest.mark.parametrize(
    "colour",
    [(120, 170, 205), (235, 235, 235), (25, 25, 28), (225, 160, 170), (200, 160, 140)],
    ids=["blue", "white", "black", "pink", "skin"],
)
def test_a_covered_mouth_is_noticed(portrait: Frame, mesh: Landmarks, colour: tuple[int, int, int]) -> None:
    assert severities(covered(portrait, mesh, colour)).get("mouth_covered") == "warn"


def test_a_black_and_white_photo_is_not_taken_for_a_covered_mouth(portrait: Frame) -> None:
    grey = np.repeat(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert "mouth_covered" not in severities(grey)


def test_a_beard_is_not_taken_for_a_covered_mouth(portrait: Frame, mesh: Landmarks) -> None:
    bearded = covered(portrait, mesh, (60, 42, 30))
    lips = np.zeros(portrait.shape[:2], np.uint8)
    outer = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]
    nose_and_cheeks = np.zeros_like(lips)
    nose_and_cheeks[: int(mesh.points[164, 1])] = 1  # hair begins below the nose
    cv2.fillPoly(lips, [np.round(mesh.points[outer, :2]).astype(np.int32)], (1,))
    shown = (lips | nose_and_cheeks)[..., None] > 0
    assert "mouth_covered" not in severities(np.where(shown, portrait, bearded))


@pytest.mark.parametrize("degrees", [-60, -30, 30, 60])
def test_turning_and_nodding_are_measured_in_degrees(mesh: Landmarks, degrees: float) -> None:
    yaw, pitch, _ = pose_of(mesh.points)
    assert abs(yaw) < 8 and abs(pitch) < 10
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    around_y = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float32)
    around_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)
    assert abs(pose_of(mesh.points @ around_y.T)[0] - yaw - degrees) < 6
    assert abs(pose_of(mesh.points @ around_x.T)[1] - pitch - degrees) < 6


@pytest.mark.parametrize("degrees", [-55, -45, -30, 30, 45, 55])
def test_a_tilted_head_is_turned_upright(portrait: Frame, face: FaceBox, degrees: float) -> None:
    tilted = turned_about(portrait, face, degrees)
    checked = check_portrait(tilted)
    codes = [problem.code for problem in checked.report.problems]
    assert codes[0] == "turned_upright" and checked.report.is_usable and checked.report.face_count == 1
    assert "tilted" not in codes and "head_cut_off" not in codes
    landmarks = largest_face(checked.rgb)
    assert landmarks is not None
    assert abs(pose_of(landmarks.points)[2]) < 8
    assert 80 < np.ptp(landmarks.points[:, 1]) < 130  # nothing was enlarged


@pytest.mark.parametrize("change", [lambda rgb: rgb, np.rot90, lambda rgb: rgb[::-1, ::-1]])
def test_a_head_that_is_upright_or_lies_is_left_as_it_is(portrait: Frame, change: Callable[[Frame], Frame]) -> None:
    rgb = np.ascontiguousarray(change(portrait))
    checked = check_portrait(rgb)
    assert checked.rgb is rgb
    assert "turned_upright" not in [problem.code for problem in checked.report.problems]


def test_a_turned_picture_reaches_no_further_than_the_original(portrait: Frame, face: FaceBox) -> None:
    """Its corners would otherwise be smeared: the head is in the middle of the picture, so there is room."""
    grey = np.full((900, 900, 3), 150, np.uint8)
    grey[200:712, 250:762] = portrait
    tilted = turned_about(grey, replace(face, center_x=face.center_x + 250, center_y=face.center_y + 200), 40)
    marked = tilted.copy()
    for edge in (marked[0], marked[-1], marked[:, 0], marked[:, -1]):
        edge[:] = 255, 0, 255  # smearing would repeat it
    turned = check_portrait(marked).rgb
    assert turned.shape != marked.shape
    edges = np.concatenate([turned[2], turned[-3], turned[:, 2], turned[:, -3]])
    assert not (edges[:, [0, 2]].min(1) > edges[:, 1] + 100.0).any()


def test_a_small_face_in_a_large_photo_is_found(portrait: Frame) -> None:
    photo = np.full((1_536, 2_048, 3), (150, 160, 150), np.uint8)
    photo[256:712, 796:1_252] = scaled(portrait, 0.89)[:456, :456]
    report = report_on(photo)
    assert report.is_usable and report.face_count == 1
    assert report.face_box is not None and 940 < report.face_box.left < 1_000
    assert "face_small" not in [problem.code for problem in report.problems]


def test_one_number_says_how_large_a_face_should_be(portrait: Frame) -> None:
    (problem,) = [problem for problem in report_on(scaled(portrait, 0.6)).problems if problem.code == "face_small"]
    assert f"{GOOD_FACE_PX} pixels" in problem.hint
    assert f"{GOOD_FACE_PX} pixels" in too_few_pixels(10, 10).hint


def test_every_problem_says_what_to_do(portrait: Frame) -> None:
    for spoilt in (np.full_like(portrait, 128), np.hstack([portrait, portrait]), (portrait * 0.2).astype(np.uint8)):
        for problem in report_on(np.ascontiguousarray(spoilt)).problems:
            assert problem.message.endswith(".") and problem.hint.endswith(".")


def test_the_most_serious_problem_comes_first(portrait: Frame) -> None:
    report = report_on(scaled(np.hstack([portrait, portrait]), 0.6))
    assert report.problems[0].severity == "stop"
    assert not report.is_usable


def test_the_report_survives_json(portrait: Frame) -> None:
    report = report_on(portrait)
    assert PortraitReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_only_stop_problems_refuse_a_picture(portrait: Frame) -> None:
    refuse_unusable(report_on(portrait))
    with pytest.raises(PortraitError) as caught:
        refuse_unusable(report_on(np.full_like(portrait, 128)))
    assert caught.value.code == "no_face" and caught.value.hint
