from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from talking_head.errors import InvalidInput
from talking_head.media_io import audio
from talking_head.media_io.audio import from_pcm16, read_flac, resample, to_pcm16, write_flac
from tests.talking_head.recordings import read_audio

RATE_HZ = 44_100
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
FORMATS = {"wav": "pcm_s16le", "flac": "flac", "mp3": "mp3", "ipod": "aac", "ogg": "libopus", "matroska": "libopus"}


def encode(path: Path, container_format: str, codec: str, channels: str = "mono") -> None:
    with av.open(path, "w", format=container_format) as container:
        rate_hz = 48_000 if codec == "libopus" else RATE_HZ
        stream: Any = container.add_stream(codec, rate=rate_hz, layout=channels)
        layers = np.stack([TONE] * (1 if channels == "mono" else 2))
        frame = av.AudioFrame.from_ndarray(layers, format="fltp", layout=channels)
        frame.sample_rate, frame.pts = RATE_HZ, 0
        resampler = av.AudioResampler(format=stream.format, layout=channels, rate=rate_hz)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("container_format", FORMATS)
@pytest.mark.parametrize("channels", ["mono", "stereo"])
def test_recordings_are_known_by_their_content(tmp_path: Path, container_format: str, channels: str) -> None:
    path = tmp_path / "recording.txt"
    encode(path, container_format, FORMATS[container_format], channels)
    waveform, rate_hz = read_audio(path)
    assert waveform.dtype == np.float32 and waveform.ndim == 1
    assert len(waveform) / rate_hz == pytest.approx(1.0, abs=0.08)  # lossy codecs pad
    middle = waveform[rate_hz // 4 : rate_hz // 2]
    assert np.abs(middle).max() == pytest.approx(0.3, abs=0.03)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * rate_hz / len(middle) == pytest.approx(440, abs=4)


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
        b"[playlist]\nFile1=http://127.0.0.1:1/\n",
        b"just a letter",
        b"",
    ],
)
def test_playlists_and_other_files_are_refused_and_never_followed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recording.wav"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_audio(path)
    assert caught.value.code == "audio_format"


@pytest.mark.parametrize(
    "header", [b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3\x04", b"\0\0\0\x18ftypM4A ", b"\xff\xfb\x90"]
)
def test_a_header_alone_is_unreadable(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "cut"
    path.write_bytes(header + bytes(64))
    with pytest.raises(InvalidInput) as caught:
        read_audio(path)
    assert caught.value.code in {"audio_unreadable", "audio_empty"}


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_audio(tmp_path / "none.wav")
    assert caught.value.code == "audio_unreadable"


def test_a_video_without_sound_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(InvalidInput) as caught:
        read_audio(path)
    assert caught.value.code == "audio_empty"


def test_long_and_large_recordings_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.wav"
    encode(path, "wav", "pcm_s16le")
    with pytest.raises(InvalidInput) as caught:
        read_audio(path, max_seconds=0.5)
    assert caught.value.code == "audio_too_long"
    monkeypatch.setattr(audio, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(InvalidInput) as caught:
        read_audio(path)
    assert caught.value.code == "audio_too_large"


def test_flac_gives_back_every_sixteen_bit_step(tmp_path: Path) -> None:
    steps = np.concatenate([np.arange(-32_768, 32_768, 7), np.zeros(4_000)]).astype(np.int16)
    write_flac(tmp_path / "take.flac", from_pcm16(steps), 48_000)
    waveform, rate_hz = read_flac(tmp_path / "take.flac")
    assert rate_hz == 48_000
    assert np.array_equal(to_pcm16(waveform), steps)


def test_the_same_samples_give_the_same_flac(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_flac(tmp_path / name, TONE, RATE_HZ)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_cut_or_foreign_flac_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "take.flac"
    write_flac(path, TONE, RATE_HZ)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"not flac at all", b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"take\.flac"):
            read_flac(path)
    with pytest.raises(OSError, match="none"):
        read_flac(tmp_path / "none.flac")


def test_values_beyond_full_scale_are_held_at_it() -> None:
    assert to_pcm16(np.array([2.0, -2.0, 1.0], np.float32)).tolist() == [32_767, -32_768, 32_767]


def test_resampling_keeps_pitch_level_and_place() -> None:
    up = resample(TONE, RATE_HZ, 48_000)
    assert len(up) == 48_000
    expected = 0.3 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    assert np.abs(up - expected)[2_000:-2_000].max() < 1e-3
