"""Recordings for tests: the embedded voice as WAV bytes, and what people's microphones do to it."""

from __future__ import annotations

import io
import wave
from functools import lru_cache
from pathlib import Path

import numpy as np

from talking_head.engines.base import EngineSettings
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.media_io import audio
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import to_pcm16

SENTENCES = (
    "Plants make their own food from light.",
    "Water travels up from the roots to every part of the plant.",
    "Please read the next chapter before our lesson on Monday.",
)
TEXT = " ".join(SENTENCES)
RATE_HZ = 24_000
PAUSE_SECONDS = 0.7


@lru_cache(maxsize=4)
def spoken(sentences: tuple[str, ...] = SENTENCES, level: float = 0.3) -> Waveform:
    """The sentences with a pause after each, (samples,) at ``RATE_HZ``. Do not write into it."""
    engine = HibariSpeech(EngineSettings(Path("checkpoints")))
    pause = np.zeros(round(PAUSE_SECONDS * RATE_HZ), np.float32)
    parts = [pause]
    for sentence in sentences:
        parts += [engine.speak(sentence, sentence, voice="", speed=1.0).waveform, pause]
    joined = np.concatenate(parts)
    return (joined * (level / np.abs(joined).max())).astype(np.float32)


def hiss(samples: int, level: float) -> Waveform:
    return np.random.default_rng(7).normal(0, level, samples).astype(np.float32)


def hum(samples: int, level: float) -> Waveform:
    time = np.arange(samples) / RATE_HZ
    return (level * (np.sin(2 * np.pi * 50 * time) + 0.5 * np.sin(2 * np.pi * 100 * time))).astype(np.float32)


def read_audio(path: Path, *, max_seconds: float = audio.MAX_RECORDING_SECONDS) -> tuple[Waveform, int]:
    """The sound of any recording or video, mixed to mono, (samples,), at its own rate."""
    with (
        audio.unreadable_recordings(),
        path.open("rb") as file,
        audio.opened_recording(file, max_seconds=max_seconds) as container,
    ):
        rate_hz = audio.rate_of(container)
        parts = [channels.mean(axis=0) for channels in audio.channel_parts(container, rate_hz, max_seconds=max_seconds)]
    return np.nan_to_num(np.concatenate(parts)), rate_hz


def wav(waveform: Waveform, rate_hz: int = RATE_HZ) -> bytes:
    """16-bit WAV of (samples,) or (samples, channels)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1 if waveform.ndim == 1 else waveform.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(to_pcm16(waveform).tobytes())
    return file.getvalue()
