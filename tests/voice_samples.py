"""Recordings of a voice, and a machine on which voices can be cloned as far as pages can tell."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from talking_head.engines.base import EngineSettings
from talking_head.engines.speech.coqui import catalogue
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import write_flac

TEXT = (
    "Water covers most of our planet. It falls as rain, gathers in rivers and lakes, and returns to the sea.",
    "When the sun warms it, some of it rises into the air as vapour.",
    "High above the ground the vapour cools, and small drops form the clouds that we see.",
)


@lru_cache(maxsize=1)
def spoken_voice() -> tuple[Waveform, int]:
    """About fifteen seconds of the embedded voice: (samples,) and their rate."""
    engine = HibariSpeech(EngineSettings(Path()))
    speeches = [engine.speak(text, text, voice="", speed=1.0) for text in TEXT]
    return np.concatenate([speech.waveform for speech in speeches]), speeches[0].sample_rate_hz


def recording(seconds: float | None = None, *, noise: float = 0.0) -> bytes:
    """A FLAC file with the voice: all of it, or repeated or cut to ``seconds``."""
    waveform, rate_hz = spoken_voice()
    if seconds is not None:
        waveform = np.resize(waveform, round(seconds * rate_hz))
    noisy = waveform + np.random.default_rng(1).normal(0, noise, len(waveform))
    return as_flac(noisy.astype(np.float32), rate_hz)


def as_flac(waveform: Waveform, rate_hz: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.flac"
        write_flac(path, waveform, rate_hz)
        return path.read_bytes()


def make_cloning_possible(settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Files and an accepted licence are all that pages look at; nothing here can speak."""
    monkeypatch.setattr(catalogue, "PACKAGES", ())
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    settings.CHECKPOINTS_DIR = folder
    for one in catalogue.xtts_files():
        path = one.path_in(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
