"""Which recordings a voice can be cloned from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import read_flac
from talking_head.media_io.recordings import plain_recording
from talking_head.pipeline.checks.recording_report import NarrationReport
from talking_head.pipeline.checks.voice_sample_report import report_on_sample, speech_share
from tests.voice_samples import as_flac, recording, spoken_voice

RATE_HZ = 24_000


def report(data: bytes, tmp_path: Path) -> NarrationReport:
    plain = tmp_path / "plain.flac"
    figures = plain_recording(io.BytesIO(data), plain, max_seconds=600)
    return report_on_sample(figures, *read_flac(plain))


def codes(report: NarrationReport) -> list[tuple[str, str]]:
    return [(problem.code, problem.severity) for problem in report.problems]


def noise(seconds: float) -> Waveform:
    return np.random.default_rng(2).normal(0, 0.05, round(seconds * RATE_HZ)).astype(np.float32)


def test_a_clear_voice_is_good(tmp_path: Path) -> None:
    found = report(recording(), tmp_path)
    assert codes(found) == [] and 10 < found.duration_seconds < 30


@pytest.mark.parametrize(("seconds", "code"), [(7.0, "sample_too_short"), (45.0, "sample_too_long")])
def test_a_sample_has_a_length(tmp_path: Path, seconds: float, code: str) -> None:
    assert codes(report(recording(seconds), tmp_path)) == [(code, "stop")]


def test_noise_nearly_as_loud_as_the_voice_stops_it(tmp_path: Path) -> None:
    found = report(recording(noise=0.05), tmp_path)
    assert ("audio_very_noisy", "stop") in codes(found) and not found.is_usable


def test_a_hum_is_no_voice(tmp_path: Path) -> None:
    times = np.arange(12 * RATE_HZ) / RATE_HZ
    hum = 0.2 * np.sin(2 * np.pi * 50 * times) * (1 + np.sin(2 * np.pi * 0.2 * times))
    assert ("sample_without_speech", "stop") in codes(report(as_flac(hum.astype(np.float32), RATE_HZ), tmp_path))


def test_bursts_of_noise_are_no_voice(tmp_path: Path) -> None:
    bursts = noise(12.0) * (np.arange(12 * RATE_HZ) % RATE_HZ < RATE_HZ // 8)
    assert ("sample_without_speech", "stop") in codes(report(as_flac(bursts.astype(np.float32), RATE_HZ), tmp_path))


def test_silence_is_told_apart(tmp_path: Path) -> None:
    assert codes(report(as_flac(np.zeros(12 * RATE_HZ, np.float32), RATE_HZ), tmp_path)) == [("audio_silent", "stop")]


def test_the_share_of_speech_is_that_of_the_voice() -> None:
    waveform, rate_hz = spoken_voice()
    alone = speech_share(waveform, rate_hz)
    half = speech_share(np.concatenate([waveform, np.zeros_like(waveform)]), rate_hz)
    assert alone > 0.7 and half == pytest.approx(alone / 2, abs=0.05)
    assert speech_share(waveform * 0.01, rate_hz) == pytest.approx(alone, abs=0.05), "loudness does not matter"
    assert speech_share(np.zeros(0, np.float32), rate_hz) == 0
