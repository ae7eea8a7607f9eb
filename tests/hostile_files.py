"""Uploads that are cheap to send and dear, or deadly, to decode."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.talking_head.recordings import wav

SOUND_HZ = 48_000
# What each container can carry at most: FLAC has eight channels, Opus as many as it is told, AAC knows 7.1.
MANY_CHANNELS = [
    ("wav", 8), ("wav", 9), ("wav", 10), ("wav", 12), ("flac", 8), ("opus", 8), ("opus", 9), ("opus", 10),
    ("opus", 12), ("m4a", 8),
]  # fmt: skip


def jpeg_with_scans(scans: int, side_px: int = 5_000) -> bytes:
    """A progressive JPEG whose last scan is repeated: each costs a pass over the whole picture and 40 bytes."""
    output = io.BytesIO()
    Image.new("RGB", (side_px, side_px), (120, 100, 90)).save(output, "JPEG", progressive=True)
    data = output.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (scans - data.count(b"\xff\xda")) + data[-2:]


def wide_webp(width_px: int = 16_383, height_px: int = 1_500) -> bytes:
    """43 kB that become 378 MB while they are decoded."""
    output = io.BytesIO()
    Image.new("RGB", (width_px, height_px), (9, 9, 9)).save(output, "WEBP")
    return output.getvalue()


def sound_with_channels(kind: str, count: int, seconds: float = 2.0, live: tuple[int, ...] | None = None) -> bytes:
    """A tone that swells and fades, as a voice does; in all channels, or in the ``live`` ones only."""
    time = np.arange(round(seconds * SOUND_HZ)) / SOUND_HZ
    tone = (0.3 * np.sin(2 * np.pi * 220 * time) * np.sin(np.pi * 2 * time) ** 2).astype(np.float32)
    channels = np.zeros((count, len(tone)), np.float32)
    channels[list(range(count) if live is None else live)] = tone
    if kind == "wav":
        return wav(channels.T, SOUND_HZ)
    return _encoded(kind, channels)


def float_wav(samples: np.ndarray) -> bytes:
    """A WAV of 32-bit floats, (samples,), which may hold what is no number."""
    data = samples.astype("<f4").tobytes()
    head = b"WAVEfmt \x10\0\0\0\x03\0\x01\0" + SOUND_HZ.to_bytes(4, "little")
    head += (4 * SOUND_HZ).to_bytes(4, "little") + b"\x04\0\x20\0data" + len(data).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(data)).to_bytes(4, "little") + head + data


def _encoded(kind: str, channels: np.ndarray) -> bytes:
    container_format, codec = {"flac": ("flac", "flac"), "opus": ("ogg", "libopus"), "m4a": ("ipod", "aac")}[kind]
    layout = "7.1" if len(channels) == 8 else f"{len(channels)}C"
    options = {"mapping_family": "255"} if kind == "opus" and len(channels) > 8 else {}
    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        stream: Any = container.add_stream(codec, rate=SOUND_HZ, layout=layout, options=options)
        interleaved = np.ascontiguousarray(channels.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate = SOUND_HZ
        frame_size = stream.codec_context.frame_size or 4_096
        resampler = av.AudioResampler(stream.format, layout, SOUND_HZ, frame_size=frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
