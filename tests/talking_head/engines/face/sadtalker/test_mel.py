"""What the audio networks hear."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.engines.face.sadtalker import mel


def test_a_tone_shows_in_the_band_of_its_pitch() -> None:
    pitch_hz = 1_000.0
    tone = np.sin(2 * np.pi * pitch_hz * np.arange(mel.SAMPLE_RATE_HZ) / mel.SAMPLE_RATE_HZ)

    loudest = int(mel.mel_spectrogram(tone)[40].argmax())

    bins_hz = np.linspace(0, mel.SAMPLE_RATE_HZ / 2, mel.FFT_SAMPLES // 2 + 1)
    filters = mel.mel_filters()
    centre_hz = float((filters[loudest] * bins_hz).sum() / filters[loudest].sum())
    assert abs(centre_hz - pitch_hz) < 60


def test_every_filter_has_the_same_area() -> None:
    bin_hz = mel.SAMPLE_RATE_HZ / mel.FFT_SAMPLES
    assert np.allclose(mel.mel_filters().sum(axis=1)[30:] * bin_hz, 1, atol=0.05)  # narrow ones see few bins


def test_silence_is_the_lowest_value_everywhere() -> None:
    assert (mel.mel_spectrogram(np.zeros(6_400, np.float32)) == -mel.SYMMETRIC_RANGE).all()


def test_what_does_not_fill_a_frame_is_not_heard() -> None:
    rng = np.random.default_rng(1)
    noise = rng.uniform(-1, 1, 6_400 + 600)
    assert np.array_equal(mel.mel_spectrogram(noise), mel.mel_spectrogram(noise[:6_400]))
    assert mel.frames_in(len(noise)) == 10


def test_windows_start_two_frames_early_and_truncate_toward_zero() -> None:
    assert mel.window_starts(8).tolist() == [-6, -3, 0, 3, 6, 9, 12, 16]


def test_windows_repeat_the_ends() -> None:
    rows = np.repeat(np.arange(33, dtype=np.float32)[:, None], mel.MEL_BANDS, axis=1)  # (rows, 80), each its number

    windows = mel.mel_windows(rows, 10)

    assert windows.shape == (10, 80, 16)
    assert windows[0, 0].tolist() == [0] * 7 + [float(row) for row in range(1, 10)]
    assert windows[9, 5].tolist() == [float(min(row, 32)) for row in range(22, 38)]


@pytest.mark.parametrize("samples", [0, 100, 640, 641])
def test_short_sounds_still_have_rows(samples: int) -> None:
    spectrogram = mel.mel_spectrogram(np.zeros(samples, np.float32))
    assert spectrogram.shape == (1 + 3.2 * (samples // 640) // 1, 80)
