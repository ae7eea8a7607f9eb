"""The input of the audio networks: a mel spectrogram, and one window of it per video frame.

The recipe is Wav2Lip's (arXiv:2008.10010) in NumPy. The mel scale and its area normalisation are Slaney's (Auditory
Toolbox, 1998), the defaults of librosa.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talking_head.timebase import VIDEO_FPS

SAMPLE_RATE_HZ = 16_000
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // VIDEO_FPS  # 640
FFT_SAMPLES = 800
HOP_SAMPLES = 200
MEL_ROWS_PER_SECOND = SAMPLE_RATE_HZ // HOP_SAMPLES  # 80
MEL_BANDS = 80
LOWEST_HZ, HIGHEST_HZ = 55.0, 7_600.0
WINDOW_ROWS = 16
PRE_EMPHASIS = 0.97
REFERENCE_DB, FLOOR_DB, SYMMETRIC_RANGE = 20.0, -100.0, 4.0
QUIETEST = 10 ** (FLOOR_DB / 20)  # 1e-5

_SLANEY_HZ_PER_MEL = 200.0 / 3  # linear below 1 kHz
_SLANEY_KNEE_HZ = 1_000.0
_SLANEY_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _SLANEY_KNEE_HZ:
        return hz / _SLANEY_HZ_PER_MEL
    return float(_SLANEY_KNEE_HZ / _SLANEY_HZ_PER_MEL + np.log(hz / _SLANEY_KNEE_HZ) / _SLANEY_LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _SLANEY_KNEE_HZ / _SLANEY_HZ_PER_MEL
    return np.where(
        mel < knee,
        mel * _SLANEY_HZ_PER_MEL,
        _SLANEY_KNEE_HZ * np.exp(_SLANEY_LOG_STEP * (np.maximum(mel, knee) - knee)),
    )


@cache
def mel_filters() -> NDArray[np.float64]:
    """Return triangles of equal area over the spectrum; (80, 401)."""
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, FFT_SAMPLES // 2 + 1)  # (401,)
    corners_hz = _mel_to_hz(np.linspace(_hz_to_mel(LOWEST_HZ), _hz_to_mel(HIGHEST_HZ), MEL_BANDS + 2))  # (82,)
    widths = np.diff(corners_hz)
    distance = corners_hz[:, None] - bins_hz  # (82, 401)
    rising = -distance[:-2] / widths[:-1, None]
    falling = distance[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))  # (80, 401)
    return triangles * (2 / (corners_hz[2:] - corners_hz[:-2]))[:, None]


def frames_in(samples: int) -> int:
    """Return the number of whole video frames in that many samples at 16 kHz."""
    return samples // SAMPLES_PER_FRAME


def mel_spectrogram(waveform: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the spectrogram (rows, 80) in -4..4, 80 rows a second, of ``waveform`` (samples,) at 16 kHz in -1..1.

    Samples at the end that do not fill a video frame are cut off first, because they would change the last rows.
    """
    samples = np.asarray(waveform[: frames_in(len(waveform)) * SAMPLES_PER_FRAME], np.float64)
    emphasised = np.append(samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1])
    padded = np.pad(emphasised, FFT_SAMPLES // 2)  # zeros, so that the first row is centred on the first sample
    rows = 1 + len(samples) // HOP_SAMPLES
    segments = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES][:rows]  # (rows, 800)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SAMPLES) / FFT_SAMPLES)  # periodic Hann
    magnitude = np.abs(np.fft.rfft(segments * window, axis=1))  # (rows, 401)
    decibel = 20 * np.log10(np.maximum(QUIETEST, magnitude @ mel_filters().T)) - REFERENCE_DB  # (rows, 80)
    scaled = 2 * SYMMETRIC_RANGE * (decibel - FLOOR_DB) / -FLOOR_DB - SYMMETRIC_RANGE
    return np.clip(scaled, -SYMMETRIC_RANGE, SYMMETRIC_RANGE).astype(np.float32)


def window_starts(frames: int) -> NDArray[np.int64]:
    """Return the first row of every frame's window, two frames before it; truncated toward zero as in the original."""
    rows_times_fps = MEL_ROWS_PER_SECOND * (np.arange(frames) - 2)
    return (np.sign(rows_times_fps) * (np.abs(rows_times_fps) // VIDEO_FPS)).astype(np.int64)


def mel_windows(mel: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Return one window of 0.2 s per video frame; (rows, 80) -> (frames, 80, 16).

    Rows before the start and after the end repeat the first and the last row.
    """
    rows = window_starts(frames)[:, None] + np.arange(WINDOW_ROWS)  # (frames, 16)
    return np.ascontiguousarray(mel[np.clip(rows, 0, len(mel) - 1)].transpose(0, 2, 1))
