"""The puppet as its callers see it: frames that rest, speak, blink, repeat, and leave the rest of the picture alone."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from talking_head.engines.base import EngineSettings, FaceEngine, Framing, PortraitImage, Take, TimedToken
from talking_head.engines.face.eye_contours import EyeContours
from talking_head.engines.face.mesh import face_mesh, find_faces
from talking_head.engines.face.puppet.engine import PuppetFace
from talking_head.engines.face.puppet.motion import CHANNELS, PuppetMotion
from talking_head.engines.face.puppet.source import PuppetSource
from talking_head.errors import PortraitError
from talking_head.media_io.arrays import Frame
from talking_head.timebase import CLIP_QUANTUM_SAMPLES

UPPER_LIP, LOWER_LIP = 13, 14
CROP = Framing("crop", 256)


@pytest.fixture(scope="module")
def engine() -> PuppetFace:
    return PuppetFace(EngineSettings(checkpoints_dir=Path("unused")))


@pytest.fixture(scope="module")
def source(engine: PuppetFace, portrait_rgb: Frame) -> PuppetSource:
    return engine.prepare(PortraitImage(portrait_rgb, "digest"), CROP)


def take_saying(letters: str, quanta: int = 6, seconds_each: float = 0.12) -> Take:
    """A take whose sound is a hum and whose phonemes are ``letters``, from 0.2 s on."""
    samples = quanta * CLIP_QUANTUM_SAMPLES
    hum = 0.3 * np.sin(np.arange(samples) * 0.02).astype(np.float32)
    tokens = [
        TimedToken(letter, 0.2 + i * seconds_each, 0.2 + (i + 1) * seconds_each) for i, letter in enumerate(letters)
    ]
    return Take(hum, tuple(tokens), (), "misaki")


def pose(**channels: float) -> PuppetMotion:
    """One frame with these channels driven."""
    return PuppetMotion(np.array([[channels.get(name, 0.0) for name in CHANNELS]], np.float32))


def drawn(engine: PuppetFace, source: PuppetSource, **channels: float) -> Frame:
    return next(engine.frames(source, pose(**channels))).copy()


def lip_gap(frame: Frame) -> float:
    """Gap between the inner lips in eye distances, by the mesh."""
    points = face_mesh(frame, find_faces(frame)[0]).points[:, :2]
    return float(np.linalg.norm(points[UPPER_LIP] - points[LOWER_LIP]) / np.linalg.norm(points[33] - points[263]))


def eye_opening(frame: Frame) -> float:
    """Mean height of the eyes over their width, by the iris network."""
    points = face_mesh(frame, find_faces(frame)[0]).points
    heights = []
    for eye in EyeContours().find(frame, points):
        width = np.linalg.norm(eye.lower[0] - eye.lower[-1])
        heights.append(np.linalg.norm(eye.upper[4] - eye.lower[4]) / width)
    return float(np.mean(heights))


def test_satisfies_the_protocol(engine: PuppetFace) -> None:
    checked: FaceEngine[PuppetSource, PuppetMotion] = engine
    assert checked.name == "puppet"
    assert checked.version


def test_draws_exactly_the_takes_frames_in_the_promised_size(engine: PuppetFace, source: PuppetSource) -> None:
    take = take_saying("hɛlˈO")
    motion = engine.motion(source, take, text="hello", seed=1, expression_scale=1.0)
    frames = [frame.copy() for frame in engine.frames(source, motion)]
    assert len(frames) == take.frame_count
    assert {frame.shape for frame in frames} == {(source.height_px, source.width_px, 3)} == {(256, 256, 3)}
    assert all(frame.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize("letters", ["", "ɑ", "pɑpɑpɑpɑpɑpɑpɑpɑ"])
def test_first_and_last_frame_are_the_photo_itself(engine: PuppetFace, source: PuppetSource, letters: str) -> None:
    motion = engine.motion(source, take_saying(letters), text="", seed=2, expression_scale=1.0)
    frames = [frame.copy() for frame in engine.frames(source, motion)]
    assert np.array_equal(frames[0], source.photo)
    assert np.array_equal(frames[-1], source.photo)
    assert not np.array_equal(frames[len(frames) // 2], source.photo)


def test_the_step_out_of_rest_is_small(engine: PuppetFace, source: PuppetSource) -> None:
    motion = engine.motion(source, take_saying("mɑmɑ"), text="", seed=2, expression_scale=1.0)
    frames = [frame.astype(int) for frame in engine.frames(source, motion)]
    steps = [np.abs(b - a).mean() for a, b in pairwise(frames)]
    assert steps[0] < 1.5 * max(steps[1:-1])
    assert steps[-1] < 1.5 * max(steps[1:-1])


def test_full_framing_films_the_whole_picture(engine: PuppetFace, portrait_rgb: Frame) -> None:
    whole = engine.prepare(PortraitImage(portrait_rgb, "digest"), Framing("full", 512))
    assert np.array_equal(drawn(engine, whole), portrait_rgb)


def test_the_same_seed_gives_the_same_bytes(engine: PuppetFace, source: PuppetSource) -> None:
    take = take_saying("bɑt")

    def render(seed: int) -> bytes:
        motion = engine.motion(source, take, text="", seed=seed, expression_scale=1.0)
        return b"".join(frame.tobytes() for frame in engine.frames(source, motion))

    assert render(5) == render(5)
    assert render(5) != render(6)


def test_two_clips_of_one_source_can_be_drawn_side_by_side(engine: PuppetFace, source: PuppetSource) -> None:
    motion = engine.motion(source, take_saying("bɑt"), text="", seed=5, expression_scale=1.0)
    alone = [frame.copy() for frame in engine.frames(source, motion)]
    pairs = zip(engine.frames(source, motion), engine.frames(source, motion), strict=True)
    for expected, (first, second) in zip(alone, pairs, strict=True):
        assert np.array_equal(first, expected)
        assert np.array_equal(second, expected)


@pytest.mark.parametrize("size_px", [256, 512])
def test_bilabials_close_the_lips_that_open_vowels_open(engine: PuppetFace, portrait_rgb: Frame, size_px: int) -> None:
    source = engine.prepare(PortraitImage(portrait_rgb, "digest"), Framing("crop", size_px))
    take = take_saying("ɑbɑmɑpɑ", quanta=5)
    motion = engine.motion(source, take, text="", seed=1, expression_scale=1.0)
    frames = [frame.copy() for frame in engine.frames(source, motion)]
    gaps: dict[str, list[float]] = {letter: [] for letter in "ɑb"}
    for i, letter in enumerate("ɑbɑmɑpɑ"):
        middle = round((0.2 + (i + 0.5) * 0.12 - 0.02) * 25 - 0.5)
        gaps["ɑ" if letter == "ɑ" else "b"].append(lip_gap(frames[middle]))
    assert max(gaps["b"]) < 0.06
    assert min(gaps["ɑ"]) > 0.09


def test_expression_scale_scales_vowels_but_not_closures(engine: PuppetFace, source: PuppetSource) -> None:
    take = take_saying("ɑbɑ")
    calm, vivid = (engine.motion(source, take, text="", seed=1, expression_scale=scale).weights for scale in (0.5, 1.0))
    jaw, press = CHANNELS.index("jaw"), CHANNELS.index("press")
    assert calm[:, jaw].max() < 0.7 * vivid[:, jaw].max()
    assert calm[:, press].max() == pytest.approx(vivid[:, press].max())


def test_the_jaw_is_never_thrown_open_or_shut_within_one_frame(engine: PuppetFace, source: PuppetSource) -> None:
    jaw = engine.motion(source, take_saying("fɑpɑ", seconds_each=0.06), text="", seed=1, expression_scale=1.3).weights[
        :, CHANNELS.index("jaw")
    ]
    assert np.abs(np.diff(jaw)).max() < 0.4
    assert jaw.max() > 0.3


def mouth_colors(source: PuppetSource, frame: Frame) -> np.ndarray:
    """(n, 3) what is seen of teeth in the middle of the mouth: a strip right below the photo's upper lip."""
    x, y = source.face.flat[UPPER_LIP]
    unit_px = source.face.unit_px
    rows = slice(round(y + 0.02 * unit_px), round(y + 0.10 * unit_px))
    return frame[rows, round(x - 0.12 * unit_px) : round(x + 0.12 * unit_px)].reshape(-1, 3).astype(float)


def test_rounded_lips_leave_teeth_in_a_warm_shadow(engine: PuppetFace, source: PuppetSource) -> None:
    """The upper row stays, darker and never bluish: teeth that are faded over black turn grey."""
    lit = mouth_colors(source, drawn(engine, source, jaw=0.5)).mean(0)
    half, deep = (mouth_colors(source, drawn(engine, source, jaw=0.5, pucker=much)).mean(0) for much in (0.4, 0.75))
    assert 0.3 * lit.sum() < deep.sum() < half.sum() < 0.85 * lit.sum()
    for shaded in (half, deep):
        assert shaded[0] / shaded[2] > 1.15 * lit[0] / lit[2]


def test_a_grey_photo_stays_grey(engine: PuppetFace, portrait_rgb: Frame) -> None:
    grey = np.repeat(portrait_rgb[..., 1:2], 3, axis=2)
    frame = drawn(engine, engine.prepare(PortraitImage(grey, "grey"), CROP), jaw=0.5, pucker=0.5, blink=1.0)
    assert np.ptp(frame.astype(int), axis=2).max() <= 3


def test_a_closed_lid_has_the_colour_of_the_skin_around_it(engine: PuppetFace, portrait_rgb: Frame) -> None:
    """However dark the crease is from which its skin is drawn."""
    points = face_mesh(portrait_rgb, find_faces(portrait_rgb)[0]).points[:, :2]
    shadow = np.zeros(portrait_rgb.shape[:2], np.float32)
    for upper_lid in ((246, 161, 160, 159, 158, 157, 173), (466, 388, 387, 386, 385, 384, 398)):
        strip = points[list(upper_lid)]
        raised = strip[::-1] - [0, 0.3 * np.ptp(strip[:, 0])]
        cv2.fillPoly(shadow, [np.concatenate([strip, raised]).round().astype(np.int32)], 0.6)
    painted = (portrait_rgb * (1 - cv2.GaussianBlur(shadow, (0, 0), 1)[..., None])).astype(np.uint8)
    source = engine.prepare(PortraitImage(painted, "painted"), CROP)
    frame = drawn(engine, source, blink=1.0).astype(float)
    framed = source.face.flat
    for upper, lower, cheek in ((159, 145, 50), (386, 374, 280)):
        x, y = ((framed[upper] + framed[lower]) / 2).round().astype(int)
        cheek_x, cheek_y = framed[cheek].round().astype(int)
        lid = frame[y - 1 : y + 2, x - 3 : x + 4].mean((0, 1))
        skin = frame[cheek_y - 3 : cheek_y + 4, cheek_x - 3 : cheek_x + 4].mean((0, 1))
        assert 0.8 < lid.sum() / skin.sum() < 1.2
        assert np.abs(lid / lid.sum() - skin / skin.sum()).max() < 0.03


def test_a_blink_closes_the_eyes_and_nothing_else(engine: PuppetFace, source: PuppetSource) -> None:
    opened, closed = drawn(engine, source, brow=1e-6), drawn(engine, source, blink=1.0)
    assert eye_opening(closed) < 0.6 * eye_opening(opened)
    changed = np.abs(closed.astype(int) - opened).max(-1) > 3
    allowed = np.zeros_like(changed)
    for lid in source.eyelids:
        allowed[lid.slices] = True
    assert changed.any()
    assert not (changed & ~allowed).any()


@pytest.mark.parametrize("channel", ["yaw", "pitch", "roll", "shift_x"])
def test_the_head_moves_and_the_background_does_not(engine: PuppetFace, source: PuppetSource, channel: str) -> None:
    moved = np.abs(drawn(engine, source, **{channel: 2.0}).astype(int) - source.photo).max(-1)
    face = np.zeros(moved.shape, np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(source.face.flat.astype(np.int32)), 1)
    assert moved[face > 0].mean() > 1.0
    rim = np.ones(moved.shape, bool)
    rim[2:-2, 2:-2] = False
    assert moved[rim].max() <= 2
    far = cv2.dilate(face, np.ones((3, 3), np.uint8), iterations=round(0.75 * source.face.oval_size_px()[0])) == 0
    assert far.any()
    assert np.percentile(moved[far], 95) <= 2


def test_speech_without_phonemes_still_moves_the_mouth(engine: PuppetFace, source: PuppetSource) -> None:
    samples = 4 * CLIP_QUANTUM_SAMPLES
    bursts = (np.sin(np.arange(samples) * 0.03) * (np.sin(np.arange(samples) / 4000) > 0)).astype(np.float32)
    motion = engine.motion(source, Take(bursts, (), (), "misaki"), text="", seed=1, expression_scale=1.0)
    assert np.ptp(motion.weights[:, CHANNELS.index("jaw")]) > 0.1


def test_frames_are_not_kept(engine: PuppetFace, source: PuppetSource) -> None:
    take = take_saying("ɑbɑmɑpɑtisu" * 3, quanta=30)
    motion = engine.motion(source, take, text="", seed=1, expression_scale=1.0)
    frames = engine.frames(source, motion)
    next(frames)
    tracemalloc.start()
    count = sum(1 for _ in frames)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == take.frame_count - 1
    assert peak_bytes < 12 * 256 * 256 * 3


def faceless(_portrait: Frame) -> Frame:
    return np.random.default_rng(1).integers(0, 256, (300, 200, 3), dtype=np.uint8)


def suit_only(portrait: Frame) -> Frame:
    return np.ascontiguousarray(portrait[300:])


@pytest.mark.parametrize("picture", [faceless, suit_only])
def test_a_picture_without_a_face_is_refused_in_words(
    engine: PuppetFace, portrait_rgb: Frame, picture: Callable[[Frame], Frame]
) -> None:
    with pytest.raises(PortraitError) as caught:
        engine.prepare(PortraitImage(picture(portrait_rgb), "digest"), CROP)
    assert caught.value.code == "no_face"
    assert caught.value.hint


def test_no_portrait_is_refused_too(engine: PuppetFace) -> None:
    with pytest.raises(PortraitError) as caught:
        engine.prepare(None, CROP)
    assert caught.value.code == "no_face"


@pytest.mark.parametrize("degrees", [-25, 25])
def test_tilted_heads_speak_too(engine: PuppetFace, portrait_rgb: Frame, degrees: float) -> None:
    height, width = portrait_rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 4), degrees, 1.0)
    tilted = np.asarray(cv2.warpAffine(portrait_rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    source = engine.prepare(PortraitImage(tilted, "digest"), CROP)
    assert lip_gap(drawn(engine, source, press=1.0)) < 0.06
    assert lip_gap(drawn(engine, source, jaw=0.4)) > 0.12


@pytest.mark.parametrize("shape", [(160, 160), (1, 1)])
def test_tiny_output_still_works(engine: PuppetFace, portrait_rgb: Frame, shape: tuple[int, int]) -> None:
    source = engine.prepare(PortraitImage(portrait_rgb, "digest"), Framing("crop", 32))
    frame = drawn(engine, source, jaw=0.5, yaw=shape[0] / 100, blink=1.0)
    assert frame.shape == (32, 32, 3)
