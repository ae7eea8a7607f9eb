"""Head motion and blinks from a video."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from django.core.management import call_command
from PIL import Image

from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.face.sadtalker import reference_motion
from talking_head.engines.face.sadtalker.engine import SadTalkerFace
from talking_head.engines.face.sadtalker.motion import MotionOptions
from talking_head.engines.face.sadtalker.reference_motion import ReferenceMotion
from talking_head.errors import InvalidInput
from tests.talking_head.engines.face.sadtalker.networks import stand_in_weights
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY

FRAMING = Framing("crop", 256)
NARROW_RENDERER = f"""
import sys
from talking_head.engines.face.sadtalker.engine import SadTalkerFace
from talking_head.renderer import child
from {stand_in_weights.__name__} import TINY
SadTalkerFace.__init__.__kwdefaults__ = {{"sizes": TINY, "options": None}}
child.run(child.real_handlers, sys.argv[1:])
"""
MakeVideo = Callable[..., Path]


@pytest.fixture
def make_video(tmp_path: Path, portrait_png: Path) -> MakeVideo:
    """A film of the portrait, 256 px; ``swing_px`` moves the picture to and fro."""
    portrait = np.asarray(Image.open(portrait_png).convert("RGB").resize((256, 256)))

    def make(name: str, frames: int, *, rate: int = 25, swing_px: float = 0.0, faceless_from: int = 1000) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=rate)
            stream.width = stream.height = 256
            stream.pix_fmt = "yuv420p"
            for index in range(frames):
                shift = round(swing_px * np.sin(2 * np.pi * index / 20))
                shown = np.roll(portrait, shift, axis=1) if index < faceless_from else np.zeros_like(portrait)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
            container.mux(stream.encode(None))
        return path

    return make


def engine_with(checkpoints_dir: Path, **options: Any) -> SadTalkerFace:
    return SadTalkerFace(EngineSettings(checkpoints_dir), sizes=TINY, options=MotionOptions(**options))


def keypoints_of(
    engine: SadTalkerFace, portrait: PortraitImage, take: Take, framing: Framing = FRAMING
) -> torch.Tensor:
    source = engine.prepare(portrait, framing)
    return engine.motion(source, take, text="", seed=4, expression_scale=1.0).keypoints


def reference_of(engine: SadTalkerFace) -> ReferenceMotion:
    return engine._reference


def test_a_video_is_read_at_the_clip_s_frame_rate(checkpoints_dir: Path, make_video: MakeVideo) -> None:
    slow = reference_of(engine_with(checkpoints_dir, pose_video=make_video("a.mp4", 25))).pose
    fast = reference_of(engine_with(checkpoints_dir, pose_video=make_video("b.mkv", 50, rate=50))).pose
    assert slow is not None
    assert fast is not None
    assert slow.shape == fast.shape == (25, 70)


def test_the_head_follows_the_video_and_a_motionless_one_changes_nothing(
    checkpoints_dir: Path,
    engine: SadTalkerFace,
    make_video: MakeVideo,
    portrait: PortraitImage,
    hum: Callable[[int], Take],
) -> None:
    take = hum(6)  # longer than the videos: they are repeated
    alone = keypoints_of(engine, portrait, take)

    moving = engine_with(checkpoints_dir, pose_video=make_video("moving.mp4", 20, swing_px=12))
    followed = keypoints_of(moving, portrait, take)

    assert followed.shape == alone.shape
    assert not torch.allclose(followed[8:-8], alone[8:-8], atol=1e-3)
    assert torch.equal(followed[[0, -1]], alone[[0, -1]])  # rest at both ends, with any movement of the video
    assert torch.equal(keypoints_of(moving, portrait, take), followed)
    pose = reference_of(moving).pose
    assert pose is not None
    still = ReferenceMotion(pose=np.repeat(pose[:1], 20, axis=0))
    moving._reference = still
    assert torch.allclose(keypoints_of(moving, portrait, take), alone, atol=1e-5)


def test_a_full_picture_moves_its_head_when_a_video_says_how(
    checkpoints_dir: Path,
    engine: SadTalkerFace,
    make_video: MakeVideo,
    portrait: PortraitImage,
    hum: Callable[[int], Take],
) -> None:
    full = Framing("full", 256)
    moving = engine_with(checkpoints_dir, pose_video=make_video("moving.mp4", 20, swing_px=12))
    still = engine_with(checkpoints_dir, pose_video=make_video("moving.mp4", 20, swing_px=12), still=True)
    alone = keypoints_of(engine, portrait, hum(4), full)
    assert torch.equal(keypoints_of(still, portrait, hum(4), full), alone)
    assert not torch.allclose(keypoints_of(moving, portrait, hum(4), full), alone, atol=1e-4)


def test_blinks_of_a_video_replace_the_engine_s_own(
    checkpoints_dir: Path,
    make_video: MakeVideo,
    portrait: PortraitImage,
    hum: Callable[[int], Take],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blinking = engine_with(checkpoints_dir, blink_video=make_video("blinking.mp4", 20, swing_px=12))
    source = blinking.prepare(portrait, FRAMING)
    network = blinking._resolution(256).networks.expression
    heard: list[tuple[torch.Tensor, torch.Tensor]] = []
    forward = network.forward

    def spy(windows: torch.Tensor, lids: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
        heard.append((lids, ratio))
        return forward(windows, lids, ratio)

    monkeypatch.setattr(network, "forward", spy)
    blinking.motion(source, hum(8), text="", seed=0, expression_scale=1.0)

    (lids, ratio), reference = heard[0], reference_of(blinking).blink
    assert reference is not None
    assert not ratio.any()
    assert lids.shape == (64, 64)
    assert np.array_equal(lids[:20], reference[:, :64])
    assert np.array_equal(lids[40:60], reference[:, :64])  # repeated


def test_the_face_may_be_lost_for_a_moment(checkpoints_dir: Path, make_video: MakeVideo) -> None:
    pose = reference_of(engine_with(checkpoints_dir, pose_video=make_video("v.mp4", 24, faceless_from=18))).pose
    assert pose is not None
    assert len(pose) == 24
    assert (pose[18:] == pose[17]).all()


def test_versions_tell_options_and_videos_apart(
    checkpoints_dir: Path, engine: SadTalkerFace, make_video: MakeVideo
) -> None:
    video = make_video("a.mp4", 20)
    versions = {
        engine.version,
        engine_with(checkpoints_dir, pose_style=3).version,
        engine_with(checkpoints_dir, pose_video=video).version,
        engine_with(checkpoints_dir, blink_video=video).version,
        engine_with(checkpoints_dir, pose_video=make_video("c.mp4", 20, swing_px=9)).version,
    }
    assert len(versions) == 5
    renamed = video.rename(video.with_name("b.mp4"))
    assert engine_with(checkpoints_dir, pose_video=renamed).version in versions


def test_only_the_first_minute_counts(
    checkpoints_dir: Path, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_motion, "LONGEST_SECONDS", 0.6)
    pose = reference_of(engine_with(checkpoints_dir, pose_video=make_video("v.mp4", 40))).pose
    assert pose is not None
    assert len(pose) == 15


def refusal(checkpoints_dir: Path, video: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        engine_with(checkpoints_dir, pose_video=video)
    assert caught.value.hint
    assert str(video.parent) not in str(caught.value)
    return caught.value.code


def test_useless_videos_are_refused_in_words(checkpoints_dir: Path, make_video: MakeVideo, tmp_path: Path) -> None:
    cut, playlist = make_video("cut.mp4", 30), tmp_path / "list.mp4"
    cut.write_bytes(cut.read_bytes()[:900])
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    assert refusal(checkpoints_dir, cut) == "video_unreadable"
    assert refusal(checkpoints_dir, playlist) == "video_format"
    assert refusal(checkpoints_dir, tmp_path / "nothing.mp4") == "video_unreadable"
    assert refusal(checkpoints_dir, make_video("short.mp4", 12)) == "video_too_short"
    assert refusal(checkpoints_dir, make_video("dark.mp4", 20, faceless_from=0)) == "no_face_in_video"
    assert refusal(checkpoints_dir, make_video("gone.mp4", 20, faceless_from=6)) == "no_face_in_video"


def test_render_says_at_once_that_a_video_is_of_no_use(
    checkpoints_dir: Path,
    tmp_path: Path,
    portrait_png: Path,
    settings: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.CHECKPOINTS_DIR = checkpoints_dir
    settings.TALKING_HEAD_RENDERER = [sys.executable, "-c", NARROW_RENDERER]
    script, video = tmp_path / "a.txt", tmp_path / "v.mp4"
    script.write_text("Hello.")
    video.write_text("no video")
    with pytest.raises(SystemExit) as ended:
        call_command(
            "render", script, portrait=portrait_png, out=tmp_path / "o.mp4", face="sadtalker", pose_video=video
        )
    assert ended.value.code == 2
    assert "This video format is not supported." in capsys.readouterr().err
