"""Drawing at half size: the same video size and length from a quarter of the pixels, with every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.face.half_resolution import HalfResolutionFace
from talking_head.engines.face.still import StillFace
from talking_head.profiles import Preprocess
from tests.talking_head.fakes import FakeFace, FakeSource

TAKE = Take(np.zeros(15_360, np.float32), (), (), "")


@pytest.fixture
def engine_settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(checkpoints_dir=tmp_path)


@pytest.mark.parametrize("preprocess", ["crop", "extcrop", "resize", "full", "extfull"])
def test_the_video_is_as_large_as_its_neighbours(engine_settings: EngineSettings, preprocess: Preprocess) -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (501, 333, 3), np.uint8)
    portrait, framing = PortraitImage(rgb, "a" * 64), Framing(preprocess, 256)
    whole = StillFace(engine_settings)
    half = HalfResolutionFace(StillFace(engine_settings))
    wanted = whole.prepare(portrait, framing)
    source = half.prepare(portrait, framing)
    assert (source.width_px, source.height_px) == (wanted.width_px, wanted.height_px)
    assert source.inner.width_px * source.inner.height_px <= wanted.width_px * wanted.height_px / 3.9
    motion = half.motion(source, TAKE, text="Hm.", seed=1, expression_scale=1.0)
    frames = [frame.copy() for frame in half.frames(source, motion)]
    assert len(frames) == TAKE.frame_count
    assert {frame.shape for frame in frames} == {(wanted.height_px, wanted.width_px, 3)}


def test_other_pixels_have_another_version(engine_settings: EngineSettings) -> None:
    half = HalfResolutionFace(FakeFace(engine_settings))
    assert (half.name, half.version) == ("fakeface", "1 at half size")
    assert HalfResolutionFace.label("fakeface 1") == f"{half.name} {half.version}"


def test_the_engine_draws_half_as_large(engine_settings: EngineSettings) -> None:
    portrait = PortraitImage(np.full((64, 64, 3), 90, np.uint8), "a" * 64)
    source = HalfResolutionFace(FakeFace(engine_settings)).prepare(portrait, Framing("crop", 512))
    assert isinstance(source.inner, FakeSource)
    assert source.inner.width_px == FakeFace(engine_settings).prepare(portrait, Framing("crop", 256)).width_px
