"""Tiny models, written once a session, and an engine that keeps them warm."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from talking_head.engines.base import EngineSettings
from talking_head.engines.speech.coqui.engine import CoquiSpeech
from talking_head.engines.speech.coqui.samples import sample_file
from talking_head.media_io.audio import write_flac
from tests.talking_head.engines.speech.coqui.library.tiny_models import write_vits, write_xtts

SAMPLE_HZ = 24_000


@pytest.fixture(scope="session", autouse=True)
def accepted_licence() -> Iterator[None]:
    before = os.environ.get("COQUI_TOS_AGREED")
    os.environ["COQUI_TOS_AGREED"] = "1"
    yield
    if before is None:
        del os.environ["COQUI_TOS_AGREED"]
    else:
        os.environ["COQUI_TOS_AGREED"] = before


@pytest.fixture(scope="session")
def checkpoints_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never written to by a test: copy a folder before damaging it."""
    folder = tmp_path_factory.mktemp("coqui")
    write_vits(folder / "vits" / "tiny")
    write_vits(folder / "vits" / "winzig", language="de")
    write_xtts(folder)
    return folder


@pytest.fixture(scope="session")
def samples_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("voices")


@pytest.fixture(scope="session")
def engine(checkpoints_dir: Path, samples_dir: Path) -> CoquiSpeech:
    return CoquiSpeech(EngineSettings(checkpoints_dir, voice_samples_dir=samples_dir))


def store_sample(folder: Path, seconds: float, seed: int = 1) -> str:
    """A sample of noise in syllables; returns its digest."""
    times = np.arange(round(seconds * SAMPLE_HZ)) / SAMPLE_HZ
    noise = np.random.default_rng(seed).normal(0, 0.1, len(times))
    temporary = folder / "new.flac"
    write_flac(temporary, (noise * np.abs(np.sin(9 * times))).astype(np.float32), SAMPLE_HZ)
    digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    path = sample_file(folder, digest)
    path.parent.mkdir(exist_ok=True)
    temporary.replace(path)
    return digest
