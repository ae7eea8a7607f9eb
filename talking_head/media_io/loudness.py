"""Measuring the loudness of speech and normalising it without clipping. Everything here works at 48 kHz, mono.

Sources: ITU-R BS.1770-4 (K-weighting, gating, true peak) and EBU R 128 (units and names).
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d
from scipy.signal import butter, oaconvolve, sosfilt, sosfiltfilt

from talking_head.media_io.arrays import Waveform
from talking_head.timebase import AUDIO_HZ

# BS.1770-4, tables 1 and 2: the filters for 48 kHz as (b0, b1, b2, a0, a1, a2).
_K_WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
_LOUDNESS_OFFSET_DB = -0.691  # makes a 997 Hz sine at 0 dBFS read -3.01 LUFS
_BLOCK_SAMPLES = round(0.4 * AUDIO_HZ)
_HOP_SAMPLES = _BLOCK_SAMPLES // 4  # 75 % overlap
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0

_OVERSAMPLING = 4
_RUMBLE_HZ = 45.0  # below any voice: the lowest pitch of a speaking bass is about 75 Hz
_RUMBLE_FILTER = butter(2, _RUMBLE_HZ, "highpass", fs=AUDIO_HZ, output="sos")
_LOOK_AHEAD_SAMPLES = round(0.006 * AUDIO_HZ)
_LIMITER_MARGIN_DB = 0.15  # a changing gain shifts the peaks between the samples a little


def integrated_loudness_lufs(waveform: Waveform) -> float:
    """Return the gated loudness by BS.1770-4; ``-inf`` for silence.

    Sound shorter than one 400 ms block, which the standard does not cover, is measured as one block of its own
    length, so that a single short word is as loud as a sentence.
    """
    if not len(waveform):
        return float("-inf")
    powers = _block_powers(sosfilt(_K_WEIGHTING, waveform.astype(np.float64)))
    gated = powers[_to_lufs(powers) > _ABSOLUTE_GATE_LUFS]
    if not len(gated):
        return float("-inf")
    threshold_lufs = _to_lufs(gated.mean()) + _RELATIVE_GATE_LU
    return float(_to_lufs(gated[_to_lufs(gated) > threshold_lufs].mean()))


def without_rumble(waveform: Waveform) -> Waveform:
    """Remove a constant offset and rumble below every voice, without delay (filtered forwards and backwards)."""
    padding = min(len(waveform) - 1, AUDIO_HZ // 4)
    if padding < 1:
        return np.zeros_like(waveform)
    return sosfiltfilt(_RUMBLE_FILTER, waveform.astype(np.float64), padlen=padding).astype(np.float32)


def normalised(waveform: Waveform, target_lufs: float, ceiling_dbtp: float) -> Waveform:
    """Return the waveform at the target loudness, its peaks limited to the ceiling.

    Limiting costs a little loudness, for which a second pass compensates. Silence is returned unchanged.
    """
    gain_db = target_lufs - integrated_loudness_lufs(waveform)
    if not np.isfinite(gain_db):
        return waveform
    louder = waveform * np.float32(10 ** (gain_db / 20))
    result = limited(louder, ceiling_dbtp)
    if result is louder:
        return louder
    gain_db += target_lufs - integrated_loudness_lufs(result)
    return limited(waveform * np.float32(10 ** (gain_db / 20)), ceiling_dbtp)


def limited(waveform: Waveform, ceiling_dbtp: float) -> Waveform:
    """Apply a look-ahead limiter: the gain glides down before a peak and up after it, so nothing is clipped.

    The gain that each sample needs is spread over its surroundings by a running minimum and then smoothed with a window
    of the same width, which can never exceed what the sample in the middle needs.
    """
    ceiling = 10 ** ((ceiling_dbtp - _LIMITER_MARGIN_DB) / 20)
    peaks = true_peaks(waveform)
    if peaks.max(initial=0.0) <= ceiling:
        return waveform
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, ceiling))  # (samples,)
    width = 2 * _LOOK_AHEAD_SAMPLES + 1
    window = np.hanning(width + 2)[1:-1]
    held = np.pad(minimum_filter1d(needed, width, mode="nearest"), _LOOK_AHEAD_SAMPLES, mode="edge")
    gain = np.minimum(1.0, oaconvolve(held, window / window.sum(), mode="valid"))  # (samples,)
    return (waveform * gain).astype(np.float32)


def true_peaks(waveform: Waveform) -> Waveform:
    """Return (samples,), the highest absolute value at and between each sample and its neighbours."""
    fine = np.zeros((len(waveform), _OVERSAMPLING), np.float32)
    upsampled = soxr.resample(waveform, 1, _OVERSAMPLING, quality="HQ")[: fine.size]
    fine.reshape(-1)[: len(upsampled)] = upsampled
    np.abs(fine, out=fine)
    peaks: Waveform = np.maximum(fine.max(axis=1), np.abs(waveform))
    peaks[1:] = np.maximum(peaks[1:], fine[:-1, 1:].max(axis=1))
    return peaks


def _block_powers(weighted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (blocks,), the mean square of each 400 ms block, one every 100 ms."""
    if len(weighted) < _BLOCK_SAMPLES:
        return np.array([np.mean(weighted**2)])
    summed = np.concatenate([[0.0], np.cumsum(weighted**2)])
    starts = np.arange(0, len(weighted) - _BLOCK_SAMPLES + 1, _HOP_SAMPLES)
    powers: NDArray[np.float64] = (summed[starts + _BLOCK_SAMPLES] - summed[starts]) / _BLOCK_SAMPLES
    return powers


def _to_lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    lufs: NDArray[np.float64] = _LOUDNESS_OFFSET_DB + 10 * np.log10(np.maximum(power, 1e-12))
    return lufs
