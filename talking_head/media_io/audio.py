"""Reading and writing sound files with PyAV: uploaded recordings, and the FLAC files in which takes are stored."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from talking_head.errors import InvalidInput, from_os_error
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio_limits import (
    ACCEPTED_FORMATS,
    MAX_FILE_BYTES,
    MAX_RECORDING_SECONDS,
    unreadable_recording,
)

PCM16_STEPS = 32_768  # of full scale

_HEADER_BYTES = 12
_FLAC_CHUNK_SAMPLES = 4_096
_LOUDEST = 32.0  # times full scale; beyond it is no sound, and its squares would exceed all bounds
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def opened_recording(file: BinaryIO, *, max_seconds: float = MAX_RECORDING_SECONDS) -> Iterator[Any]:
    """Yield a recording, ready to be decoded. The file type is detected from its content, never from its name.

    Only plain containers are opened, each with an explicit demuxer and through an open file, so a playlist that refers
    to other files or URLs (HLS, DASH, concat) is refused instead of followed.

    Raises:
        InvalidInput: ``audio_format``, ``audio_unreadable``, ``audio_empty``, ``audio_too_large``, ``audio_too_long``.
    """
    with unreadable_recordings():
        if file.seek(0, os.SEEK_END) > MAX_FILE_BYTES:
            raise InvalidInput(
                f"The recording is larger than {MAX_FILE_BYTES // 2**20} MB.",
                code="audio_too_large",
                hint="Save it as MP3, M4A or FLAC, or cut it into several lessons.",
            )
        file.seek(0)
        demuxer = _demuxer_of(file.read(_HEADER_BYTES))
        file.seek(0)
        with av.open(file, "r", format=demuxer) as container:
            if (container.duration or 0) / av.time_base > max_seconds:  # by its header; the samples are counted below
                raise _too_long(max_seconds)
            yield container


def rate_of(container: Any) -> int:
    """Return the sample rate of the recording.

    Raises:
        InvalidInput: ``audio_empty``.
    """
    if not container.streams.audio:
        raise InvalidInput(
            "The file contains no sound.", code="audio_empty", hint="Choose the file with the recording."
        )
    return int(container.streams.audio[0].rate)


def channel_parts(container: Any, rate_hz: int, *, max_seconds: float) -> Iterator[NDArray[np.float32]]:
    """Yield the sound chunk by chunk, each (channels, samples), finite, mostly -1..1, at ``rate_hz``.

    The samples of all channels come in one plane: FFmpeg keeps the planes beyond the eighth elsewhere, and PyAV, which
    does not look there, ends the process.

    Raises:
        InvalidInput: ``audio_too_long``, ``audio_empty``.
    """
    to_float = av.AudioResampler(format="flt", rate=rate_hz)
    samples = 0
    for frame in _frames_and_end(container):
        if frame is not None:
            frame.pts = None  # gaps between packets are closed: only the order of the samples counts
        for part in to_float.resample(frame):
            samples += part.samples
            if samples > max_seconds * rate_hz:
                raise _too_long(max_seconds)
            yield _finite(part.to_ndarray().reshape(part.samples, -1).T)
    if not samples:
        raise InvalidInput("The recording contains no sound.", code="audio_empty", hint="Record it again.")


def _finite(channels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the samples with silence in the place of what is no number: float formats can hold everything."""
    plain = np.nan_to_num(channels.astype(np.float32, copy=False), nan=0.0, posinf=_LOUDEST, neginf=-_LOUDEST)
    return np.clip(plain, -_LOUDEST, _LOUDEST)


def _frames_and_end(container: Any) -> Iterator[Any]:
    yield from container.decode(container.streams.audio[0])
    yield None  # flushes the resampler


@contextlib.contextmanager
def unreadable_recordings() -> Iterator[None]:
    """Translate every error of codecs and files on a recording to one error.

    Raises:
        InvalidInput: ``audio_unreadable``. ResourceError: ``no_space`` while its plain form was written.
    """
    try:
        yield
    except (OSError, av.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _FULL_DISK:
            raise from_os_error(error) from error
        raise unreadable_recording() from error


def resample(waveform: Waveform, from_hz: int, to_hz: int) -> Waveform:
    """Return the same sound at another rate (soxr, very high quality, linear phase)."""
    if from_hz == to_hz:
        return waveform
    resampled: Waveform = soxr.resample(waveform, from_hz, to_hz, quality="VHQ")
    return resampled.astype(np.float32, copy=False)


def to_pcm16(waveform: Waveform) -> NDArray[np.int16]:
    """Return the nearest 16-bit steps; :func:`from_pcm16` is the exact inverse."""
    return np.clip(np.rint(waveform * PCM16_STEPS), -PCM16_STEPS, PCM16_STEPS - 1).astype(np.int16)


def from_pcm16(steps: NDArray[np.int16]) -> Waveform:
    return steps.astype(np.float32) / np.float32(PCM16_STEPS)


def write_flac(path: Path, waveform: Waveform, sample_rate_hz: int) -> None:
    """Write mono FLAC, lossless beyond 16 bit. The same samples give the same bytes: no date, no encoder name."""
    with FlacWriter(path, sample_rate_hz) as flac:
        flac.write(waveform)


class FlacWriter:
    """Writes the file of :func:`write_flac` chunk by chunk; the bytes do not depend on the chunk boundaries."""

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        self._container = av.open(path, "w", format="flac", options={"fflags": "+bitexact"})
        self._stream: Any = self._container.add_stream("flac", rate=sample_rate_hz, layout="mono", format="s16")
        self._stream.codec_context.flags |= av.codec.context.Flags.bitexact
        self._rate_hz = sample_rate_hz
        self._written = 0
        self._pending = np.zeros(0, np.int16)  # less than a chunk

    def __enter__(self) -> FlacWriter:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._encode(self._pending)
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def write(self, waveform: Waveform) -> None:
        steps = np.concatenate([self._pending, to_pcm16(waveform)])
        whole = len(steps) // _FLAC_CHUNK_SAMPLES * _FLAC_CHUNK_SAMPLES
        for start in range(0, whole, _FLAC_CHUNK_SAMPLES):
            self._encode(steps[start : start + _FLAC_CHUNK_SAMPLES])
        self._pending = steps[whole:]

    def _encode(self, steps: NDArray[np.int16]) -> None:
        if not len(steps):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(steps[None]), format="s16", layout="mono")
        frame.sample_rate, frame.pts = self._rate_hz, self._written
        self._container.mux(self._stream.encode(frame))
        self._written += len(steps)


def read_flac(path: Path) -> tuple[Waveform, int]:
    """Return the waveform and the rate of a file that :func:`write_flac` wrote.

    Raises:
        OSError: no such file. ValueError: not a complete mono 16-bit FLAC file.
    """
    path.stat()
    try:
        with av.open(path, "r", format="flac") as container:
            stream = container.streams.audio[0]
            steps = [_mono_steps(frame) for frame in container.decode(stream)]
            expected, rate_hz = stream.duration, stream.rate
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path.name} is not a FLAC file") from error
    samples = np.concatenate(steps) if steps else np.zeros(0, np.int16)
    if len(samples) != expected:  # the header states the length; a file without a header has none
        raise ValueError(f"{path.name} is truncated: {len(samples)} of {expected} samples")
    return from_pcm16(samples), rate_hz


def read_flac_span(path: Path, start_seconds: float, end_seconds: float) -> tuple[Waveform, int]:
    """Return the waveform and the rate of a part of such a file, without decoding what is before and after it.

    Raises:
        OSError: no such file. ValueError: not a mono 16-bit FLAC file.
    """
    path.stat()
    parts = []
    try:
        with av.open(path, "r", format="flac") as container:
            stream: Any = container.streams.audio[0]
            start, end = round(start_seconds * stream.rate), round(end_seconds * stream.rate)
            container.seek(start, stream=stream)
            for frame in container.decode(stream):
                first = round(frame.pts * frame.time_base * stream.rate)
                if first >= end:
                    break
                parts.append(_mono_steps(frame)[max(0, start - first) : end - first])
            rate_hz = stream.rate
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path.name} is not a FLAC file") from error
    return from_pcm16(np.concatenate(parts) if parts else np.zeros(0, np.int16)), rate_hz


def _mono_steps(frame: av.AudioFrame) -> NDArray[np.int16]:
    if frame.format.name not in ("s16", "s16p") or frame.layout.nb_channels != 1:
        raise ValueError("not a mono 16-bit FLAC file")
    return np.asarray(frame.to_ndarray().reshape(-1), np.int16)


def _demuxer_of(header: bytes) -> str:
    """Return the name of the demuxer that this file needs."""
    if header[:4] in (b"RIFF", b"RF64") and header[8:12] == b"WAVE":
        return "wav"
    if header[:4] == b"FORM" and header[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if header[4:8] == b"ftyp":
        return "mp4"
    for magic, demuxer in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"\x1aE\xdf\xa3", "matroska"), (b"ID3", "mp3")):
        if header.startswith(magic):
            return demuxer
    if len(header) > 1 and header[0] == 0xFF and header[1] & 0xE0 == 0xE0:  # 11 bits of frame synchronisation
        return "aac" if header[1] & 0x06 == 0 else "mp3"  # MPEG audio has no layer 0: that is ADTS
    raise InvalidInput(
        "This sound format is not supported.", code="audio_format", hint=f"Save it as {ACCEPTED_FORMATS}."
    )


def _too_long(max_seconds: float) -> InvalidInput:
    return InvalidInput(
        f"The recording is longer than {max_seconds / 60:g} minutes.",
        code="audio_too_long",
        hint="Cut it into several lessons.",
    )
