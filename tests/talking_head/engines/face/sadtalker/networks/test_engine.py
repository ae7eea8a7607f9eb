"""The engine from portrait and take to frames, with narrow networks (their pictures mean nothing, their ways do)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.face.framing import output_size
from talking_head.engines.face.sadtalker import engine as engine_module
from talking_head.engines.face.sadtalker.engine import SadTalkerFace
from talking_head.engines.face.sadtalker.fast import drawing
from talking_head.engines.face.sadtalker.fast.generator import SourceFeatures
from talking_head.engines.face.sadtalker.motion import EASE_FRAMES, MotionOptions, rest_weights, waveform_16k
from talking_head.errors import EngineError, PortraitError, ResourceError
from talking_head.profiles import Preprocess, profile_named
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY, write_checkpoints

Hum = Callable[[int], Take]
CROP = Framing("crop", 256)


def test_there_are_as_many_frames_as_the_take_has(engine: SadTalkerFace, portrait: PortraitImage, hum: Hum) -> None:
    source, take = engine.prepare(portrait, CROP), hum(1)
    motion = engine.motion(source, take, text="", seed=1, expression_scale=1.0)
    assert sum(1 for _ in engine.frames(source, motion)) == take.frame_count == 8


@pytest.mark.parametrize("mode", get_args(Preprocess))
def test_every_mode_gives_frames_of_the_size_all_engines_agree_on(
    engine: SadTalkerFace, portrait: PortraitImage, hum: Hum, mode: Preprocess
) -> None:
    framing = Framing(mode, 256)
    source = engine.prepare(portrait, framing)
    motion = engine.motion(source, hum(1), text="", seed=1, expression_scale=1.0)

    frames = [frame.copy() for frame in islice(engine.frames(source, motion), 2)]

    size = output_size(portrait.rgb.shape[1], portrait.rgb.shape[0], framing)
    assert (source.width_px, source.height_px) == size
    assert {frame.shape for frame in frames} == {(size[1], size[0], 3)}
    assert all(frame.dtype == np.uint8 for frame in frames)


def test_clips_start_and_end_in_the_same_rest_pose(engine: SadTalkerFace, portrait: PortraitImage, hum: Hum) -> None:
    source = engine.prepare(portrait, CROP)
    ends = []
    for seed, quanta in ((1, 2), (2, 3)):
        motion = engine.motion(source, hum(quanta), text="", seed=seed, expression_scale=1.3)
        ends += [motion.keypoints[0], motion.keypoints[-1]]
        assert (motion.keypoints - motion.keypoints[0]).abs().max() > 1e-3  # and it does move in between
    assert all(torch.equal(end, ends[0]) for end in ends)
    assert torch.allclose(ends[0], source.features.keypoints[0], atol=1e-5)


def test_same_seed_same_frames_other_seed_other_motion(
    engine: SadTalkerFace, portrait: PortraitImage, hum: Hum
) -> None:
    source, take = engine.prepare(portrait, CROP), hum(2)

    def keypoints(seed: int) -> torch.Tensor:
        return engine.motion(source, take, text="", seed=seed, expression_scale=1.0).keypoints

    assert torch.equal(keypoints(5), keypoints(5))
    assert not torch.equal(keypoints(5), keypoints(6))
    motion = engine.motion(source, take, text="", seed=5, expression_scale=1.0)
    once, again = ([f.copy() for f in islice(engine.frames(source, motion), 2)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))


def test_the_expression_scale_reaches_the_face(engine: SadTalkerFace, portrait: PortraitImage, hum: Hum) -> None:
    source, take = engine.prepare(portrait, CROP), hum(2)
    calm, lively = (
        engine.motion(source, take, text="", seed=1, expression_scale=scale).keypoints for scale in (1.0, 2.0)
    )
    assert not torch.allclose(calm[8], lively[8])


def test_given_angles_are_followed_between_the_rest_poses(
    checkpoints_dir: Path, portrait: PortraitImage, hum: Hum
) -> None:
    def turned(degrees: float) -> torch.Tensor:
        options = MotionOptions(yaw_degrees=(degrees,), pitch_degrees=(0,), roll_degrees=(0,))
        engine = SadTalkerFace(EngineSettings(checkpoints_dir), sizes=TINY, options=options)
        source = engine.prepare(portrait, CROP)
        return engine.motion(source, hum(3), text="", seed=1, expression_scale=1.0).keypoints

    straight, left = turned(0), turned(40)
    assert torch.equal(straight[0], left[0])
    assert (straight[12] - left[12]).abs().max() > 0.05


def test_in_still_mode_the_head_rests_whatever_the_noise(
    checkpoints_dir: Path, portrait: PortraitImage, hum: Hum
) -> None:
    """Eight frames are too few for a blink, so nothing but the head's noise depends on the seed."""
    for still in (True, False):
        options = MotionOptions(still=still)
        engine = SadTalkerFace(EngineSettings(checkpoints_dir), sizes=TINY, options=options)
        source = engine.prepare(portrait, CROP)
        one, other = (
            engine.motion(source, hum(1), text="", seed=seed, expression_scale=1.0).keypoints for seed in (1, 2)
        )
        assert torch.equal(one, other) is still


def test_the_pose_style_decides_how_the_head_moves(checkpoints_dir: Path, portrait: PortraitImage, hum: Hum) -> None:
    moved = []
    for style in (0, 45):
        engine = SadTalkerFace(EngineSettings(checkpoints_dir), sizes=TINY, options=MotionOptions(pose_style=style))
        motion = engine.motion(engine.prepare(portrait, CROP), hum(2), text="", seed=1, expression_scale=1.0)
        moved.append(motion.keypoints)
    assert not torch.allclose(moved[0], moved[1], atol=1e-4)


def test_the_quality_profile_works_on_a_cpu(engine: SadTalkerFace, portrait: PortraitImage, hum: Hum) -> None:
    """512 px pasted back into the whole picture: slow there, but a picture like any other."""
    quality = profile_named("quality")
    source = engine.prepare(portrait, Framing(quality.preprocess, quality.size_px))
    motion = engine.motion(source, hum(1), text="", seed=1, expression_scale=quality.expression_scale)

    frame = next(iter(engine.frames(source, motion)))

    assert source.side_px == quality.size_px == 512
    assert frame.shape == (source.height_px, source.width_px, 3)
    assert np.array_equal(frame[-4:], portrait.rgb[-4:])  # far from the face the picture is the portrait
    assert not np.array_equal(frame, portrait.rgb)


def test_drawing_is_lazy(
    engine: SadTalkerFace, portrait: PortraitImage, hum: Hum, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = engine.prepare(portrait, CROP)
    motion = engine.motion(source, hum(20), text="", seed=1, expression_scale=1.0)
    batches: list[int] = []
    draw = drawing.FrameDrawer._levels

    def counted(self: drawing.FrameDrawer, features: SourceFeatures, batch: torch.Tensor) -> torch.Tensor:
        batches.append(len(batch))
        return draw(self, features, batch)

    monkeypatch.setattr(drawing.FrameDrawer, "_levels", counted)
    assert len(list(islice(engine.frames(source, motion), 3))) == 3
    assert sum(batches) < 3 + drawing.CPU_BATCH


def test_running_out_of_memory_has_a_name(
    engine: SadTalkerFace, portrait: PortraitImage, hum: Hum, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = engine.prepare(portrait, CROP)
    motion = engine.motion(source, hum(1), text="", seed=1, expression_scale=1.0)

    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")

    monkeypatch.setattr("talking_head.engines.face.sadtalker.fast.generator.FastGenerator.draw", full)
    with pytest.raises(ResourceError) as caught:
        next(engine.frames(source, motion))
    assert caught.value.code == "out_of_memory"


def test_the_sound_is_heard_in_full(hum: Hum) -> None:
    take = hum(3)
    heard = waveform_16k(take)
    assert len(heard) == take.frame_count * 640
    third = take.waveform[::3][: len(heard)]
    assert np.corrcoef(heard, third)[0, 1] > 0.99


@pytest.mark.parametrize("frames", [1, 2, 8, 15, 16, 100])
def test_weights_are_zero_at_both_ends_and_one_in_the_middle(frames: int) -> None:
    weights = rest_weights(frames)
    assert weights[0] == weights[-1] == 0
    assert np.array_equal(weights, weights[::-1])
    assert np.abs(np.diff(weights)).max(initial=0) < 0.25
    if frames > 2 * EASE_FRAMES:
        assert (weights[EASE_FRAMES:-EASE_FRAMES] == 1).all()


def test_a_picture_without_a_face_is_refused(engine: SadTalkerFace) -> None:
    for faceless in (None, PortraitImage(np.full((300, 300, 3), 127, np.uint8), "b")):
        with pytest.raises(PortraitError) as caught:
            engine.prepare(faceless, CROP)
        assert caught.value.code == "no_face"


def test_other_weights_are_another_version(engine: SadTalkerFace, tmp_path: Path) -> None:
    write_checkpoints(tmp_path, seed=1)
    other = SadTalkerFace(EngineSettings(tmp_path), sizes=TINY)
    assert other.version != engine.version
    assert SadTalkerFace(EngineSettings(tmp_path), sizes=TINY).version == other.version


def test_without_weights_the_engine_says_which_file_it_wants(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        SadTalkerFace(EngineSettings(tmp_path))
    assert caught.value.code == "checkpoint_missing"
    assert "download_checkpoints" in caught.value.hint


def test_only_the_resolution_that_is_asked_for_must_be_there(
    checkpoints_dir: Path, portrait: PortraitImage, tmp_path: Path
) -> None:
    for path in checkpoints_dir.iterdir():
        if "512" not in path.name:
            (tmp_path / path.name).symlink_to(path)
    engine = SadTalkerFace(EngineSettings(tmp_path), sizes=TINY)
    engine.prepare(portrait, CROP)
    with pytest.raises(EngineError) as caught:
        engine.prepare(portrait, Framing("full", 512))
    assert caught.value.code == "checkpoint_missing"


def test_without_torch_the_engine_is_unavailable_and_says_how_to_get_it(
    checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(EngineError) as caught:
        SadTalkerFace(EngineSettings(checkpoints_dir))
    assert caught.value.code == "engine_unavailable"
    assert "requirements/sadtalker.txt" in caught.value.hint


def test_looking_at_the_engine_does_not_load_torch() -> None:
    """A web process that only asks whether the engine exists must not start torch's threads and then fork."""
    import subprocess

    code = "import sys, talking_head.engines.face.sadtalker.engine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
