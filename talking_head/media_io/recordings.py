"""Conversion of uploaded recordings to one plain form, measured in the same pass, chunk by chunk and of any length.

The plain form is mono 16-bit FLAC, at most 48 kHz and without metadata (no place, no date, no device).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import FlacWriter, channel_parts, opened_recording, rate_of, unreadable_recordings

MAX_RATE_HZ = 48_000
BLOCK_SECONDS = 0.1
CLIPPED = 0.999  # of full scale
LOWEST_VOICE_HZ, HIGHEST_VOICE_HZ = 150.0, 4_000.0  # between them is most of a voice, below them mains hum
# Of more than two channels those are mixed that carry sound: within 20 dB of the loudest.
LIVE_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class RecordingStats:
    """Recording measurements. A *block* lasts ``BLOCK_SECONDS``; powers are mean squares: full scale is about 1."""

    duration_seconds: float
    sample_rate_hz: int  # of the plain form
    channels: int
    low_powers: NDArray[np.float32]  # (blocks,) below LOWEST_VOICE_HZ
    voice_powers: NDArray[np.float32]  # (blocks,)
    high_powers: NDArray[np.float32]  # (blocks,) above HIGHEST_VOICE_HZ
    clipped_blocks: int  # blocks in which the microphone was driven to its limit
    separate_power: float  # what the mix would have if its channels had nothing in common
    mix_power: float  # far less than ``separate_power`` when the channels cancel each other out

    @property
    def powers(self) -> NDArray[np.float32]:
        """Return the power of each block, (blocks,)."""
        return self.low_powers + self.voice_powers + self.high_powers


def plain_recording(source: BinaryIO, target: Path, *, max_seconds: float) -> RecordingStats:
    """Write the plain form of ``source`` to ``target`` and return its stats, without loading all sound at once.

    Raises:
        InvalidInput: see :func:`talking_head.media_io.audio.opened_recording`.
    """
    with unreadable_recordings():
        live = _live_channels(source, max_seconds)
        with opened_recording(source, max_seconds=max_seconds) as container:
            rate_hz = min(MAX_RATE_HZ, rate_of(container))
            meter = _Meter(rate_hz)
            with FlacWriter(target, rate_hz) as flac:
                for channels in channel_parts(container, rate_hz, max_seconds=max_seconds):
                    mixed = channels if live is None else channels[live]
                    # The library's own mix sums the channels, and a centred voice may exceed full scale.
                    mix = mixed.mean(axis=0)
                    meter.add(mix, mixed, len(channels))
                    flac.write(mix)
    return meter.stats()


def _live_channels(source: BinaryIO, max_seconds: float) -> NDArray[np.intp] | None:
    """Return the numbers of the channels to mix, None for mono and stereo, where it is all of them.

    A recorder with many inputs, or a film's centre channel, has the voice in one of many: the mean of all would be
    quiet, and look as if the channels cancelled each other out. Their powers are only known at the end of the file,
    which is therefore read twice.
    """
    with opened_recording(source, max_seconds=max_seconds) as container:
        rate_hz = min(MAX_RATE_HZ, rate_of(container))
        squares: NDArray[np.float64] | float = 0.0
        for channels in channel_parts(container, rate_hz, max_seconds=max_seconds):
            if len(channels) <= 2:
                return None
            squares = squares + np.sum(channels.astype(np.float64) ** 2, axis=1)
    return np.flatnonzero(squares >= LIVE_SHARE * np.max(squares))


class _Meter:
    """Measures a recording block by block."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._block = round(BLOCK_SECONDS * rate_hz)
        hertz = np.fft.rfftfreq(self._block, 1 / rate_hz)
        self._edges = [0, *np.searchsorted(hertz, [LOWEST_VOICE_HZ, HIGHEST_VOICE_HZ]), len(hertz)]
        self._window = np.hanning(self._block).astype(np.float32)
        # Parseval: the mean square of a block from its one-sided spectrum, compensated for the window.
        self._scale = 2 / (self._block * float(np.sum(self._window**2)))
        self._pending = np.zeros(0, np.float32)
        self._bands: list[NDArray[np.float32]] = []  # (blocks, 3) each
        self._clipped_blocks = 0
        self._samples = 0
        self._channels = 0
        self._channel_squares = np.zeros(1)
        self._mix_squares = 0.0

    def add(self, mix: Waveform, mixed: NDArray[np.float32], channels: int) -> None:
        """Measure the next part: the mix, (samples,), and the channels that are in it, of so many in the file."""
        self._samples += len(mix)
        self._channels = channels
        self._mix_squares += float(np.sum(mix.astype(np.float64) ** 2))
        self._channel_squares = self._channel_squares + np.sum(mixed.astype(np.float64) ** 2, axis=1)
        joined = np.concatenate([self._pending, mix])
        whole = len(joined) // self._block * self._block
        self._pending = joined[whole:]
        if whole:
            self._measure(joined[:whole].reshape(-1, self._block))

    def _measure(self, blocks: NDArray[np.float32]) -> None:
        self._clipped_blocks += int(np.count_nonzero(np.count_nonzero(np.abs(blocks) >= CLIPPED, axis=1) >= 3))
        spectrum = np.abs(np.fft.rfft(blocks * self._window, axis=1)) ** 2 * self._scale  # (blocks, bins)
        bands = [spectrum[:, low:high].sum(axis=1) for low, high in pairwise(self._edges)]
        self._bands.append(np.stack(bands, axis=1).astype(np.float32))

    def stats(self) -> RecordingStats:
        if len(self._pending):  # the last block may be shorter
            self._measure(np.pad(self._pending, (0, self._block - len(self._pending)))[None])
        bands = np.concatenate(self._bands)
        return RecordingStats(
            duration_seconds=round(self._samples / self._rate_hz, 3),
            sample_rate_hz=self._rate_hz,
            channels=self._channels,
            low_powers=bands[:, 0],
            voice_powers=bands[:, 1],
            high_powers=bands[:, 2],
            clipped_blocks=self._clipped_blocks,
            separate_power=float(self._channel_squares.sum() / len(self._channel_squares) ** 2 / self._samples),
            mix_power=self._mix_squares / self._samples,
        )
