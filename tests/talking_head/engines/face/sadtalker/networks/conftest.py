"""Narrow networks with made-up weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from talking_head.engines.base import EngineSettings, PortraitImage, Take
from talking_head.engines.face.sadtalker.engine import SadTalkerFace
from talking_head.engines.face.sadtalker.networks.generator import Generator
from talking_head.timebase import AUDIO_HZ, CLIP_QUANTUM_SAMPLES
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY, fill, write_checkpoints


@pytest.fixture(autouse=True)
def _the_same_numbers_every_time() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def checkpoints_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never written to by a test: copy a file before damaging it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write_checkpoints(folder)
    return folder


@pytest.fixture(scope="session")
def engine(checkpoints_dir: Path) -> SadTalkerFace:
    return SadTalkerFace(EngineSettings(checkpoints_dir), sizes=TINY)


@pytest.fixture
def generator() -> Generator:
    network = Generator(TINY)
    fill(network, "generator.")
    return network


@pytest.fixture
def portrait(portrait_png: Path) -> PortraitImage:
    return PortraitImage(np.asarray(Image.open(portrait_png).convert("RGB")), "a" * 64)


@pytest.fixture
def hum() -> Callable[[int], Take]:
    """A take of that many quanta (8 frames each) in which something sounds, silent at both ends."""

    def make(quanta: int) -> Take:
        samples = quanta * CLIP_QUANTUM_SAMPLES
        seconds = np.arange(samples) / AUDIO_HZ
        loudness = np.sin(np.pi * np.arange(samples) / samples) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * seconds))
        voice = sum(np.sin(2 * np.pi * 140 * k * seconds) / k for k in range(1, 12))
        return Take((0.2 * loudness * voice).astype(np.float32), (), (), "")

    return make
