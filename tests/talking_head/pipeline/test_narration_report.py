"""What is said of a recording, and that it is kept as it was."""

from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from talking_head.errors import InvalidInput
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import read_flac, read_flac_span, to_pcm16
from talking_head.media_io.recordings import plain_recording
from talking_head.pipeline.checks.recording_report import (
    NarrationReport,
    refuse_unusable_recording,
    report_on_recording,
)
from tests.hostile_files import MANY_CHANNELS, float_wav, sound_with_channels
from tests.talking_head.recordings import RATE_HZ, hiss, hum, spoken, wav


@pytest.fixture(scope="module")
def voice() -> Waveform:
    clean = spoken()
    return (clean + hiss(len(clean), 1e-4)).astype(np.float32)


def reported(waveform: Waveform, folder: Path, rate_hz: int = RATE_HZ) -> NarrationReport:
    return report_on_recording(plain_recording(io.BytesIO(wav(waveform, rate_hz)), folder / "plain", max_seconds=600))


def codes(report: NarrationReport) -> list[str]:
    return [problem.code for problem in report.problems]


def test_nothing_is_found_wrong_with_a_clean_recording(voice: Waveform, tmp_path: Path) -> None:
    report = reported(voice, tmp_path)
    assert (report.problems, report.verdict) == ((), "good")
    assert report.duration_seconds == pytest.approx(len(voice) / RATE_HZ, abs=0.001)
    assert report.voice_db - report.noise_db > 40


def test_a_hum_is_called_a_hum_and_noise_noise(voice: Waveform, tmp_path: Path) -> None:
    for noise, word in ((hum(len(voice), 0.015), "hum"), (hiss(len(voice), 0.01), "hiss")):
        (problem,) = reported(voice + noise, tmp_path).problems
        assert problem.code == "audio_noisy"
        assert word in problem.message
        assert "again" in problem.hint
    chatter = np.roll(voice, RATE_HZ) * 0.15 + np.roll(voice, 2 * RATE_HZ) * 0.15 + np.roll(voice, 3 * RATE_HZ) * 0.15
    assert codes(reported(voice + chatter, tmp_path)) == ["audio_noisy"]


def test_noise_as_loud_as_the_voice_is_said_to_be_that(voice: Waveform, tmp_path: Path) -> None:
    report = reported(voice + hiss(len(voice), 0.05), tmp_path)
    assert codes(report) == ["audio_very_noisy"]
    assert report.verdict == "warn"  # the words may still be found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda voice: np.clip(voice * 8, -1, 1), "audio_clipped"),
        (lambda voice: voice * 0.05, "audio_quiet"),
        (lambda voice: np.concatenate([np.zeros(5 * RATE_HZ, np.float32), voice]), "audio_long_silence"),
    ],
)
def test_what_could_be_better_is_a_warning_with_advice(
    voice: Waveform, tmp_path: Path, change: object, code: str
) -> None:
    report = reported(change(voice), tmp_path)  # type: ignore[operator]
    assert codes(report) == [code]
    assert report.is_usable
    assert report.problems[0].hint.endswith(".")


def test_a_telephone_is_recognised(voice: Waveform, tmp_path: Path) -> None:
    assert codes(reported(np.ascontiguousarray(voice[::3]), tmp_path, RATE_HZ // 3)) == ["audio_muffled"]


@pytest.mark.parametrize(
    ("waveform", "code"),
    [
        (np.zeros(2 * RATE_HZ, np.float32), "audio_silent"),
        (hiss(2 * RATE_HZ, 5e-5), "audio_silent"),
        (np.full(RATE_HZ // 2, 0.1, np.float32), "audio_too_short"),
        (np.stack([spoken(), -spoken()], axis=1), "audio_cancelled"),
    ],
    ids=["digital silence", "microphone off", "too short", "sides that cancel"],
)
def test_what_no_lesson_can_be_made_of_is_refused(waveform: Waveform, code: str, tmp_path: Path) -> None:
    report = reported(waveform, tmp_path)
    assert (codes(report), report.verdict) == ([code], "bad")
    with pytest.raises(InvalidInput) as caught:
        refuse_unusable_recording(report)
    assert caught.value.code == code


def test_stereo_becomes_the_mean_of_both_sides(voice: Waveform, tmp_path: Path) -> None:
    report = reported(np.stack([voice, np.zeros_like(voice)], axis=1), tmp_path)
    assert report.channels == 2
    assert report.problems == ()
    kept, _ = read_flac(tmp_path / "plain")
    assert np.abs(kept - voice / 2).max() < 1e-4


@pytest.mark.parametrize(("kind", "channels"), MANY_CHANNELS)
def test_55_many_channels_are_decoded(kind: str, channels: int, tmp_path: Path) -> None:
    sound = sound_with_channels(kind, channels)
    report = report_on_recording(plain_recording(io.BytesIO(sound), tmp_path / "plain", max_seconds=600))
    assert report.is_usable and report.channels == channels
    kept, _ = read_flac(tmp_path / "plain")
    assert np.abs(kept).max() == pytest.approx(0.3, abs=0.03)  # not the sum of all


@pytest.mark.parametrize(("kind", "channels"), MANY_CHANNELS)
def test_55_the_only_live_channel_of_many_is_the_voice(kind: str, channels: int, tmp_path: Path) -> None:
    sound = sound_with_channels(kind, channels, live=(2,))
    report = report_on_recording(plain_recording(io.BytesIO(sound), tmp_path / "plain", max_seconds=600))
    assert "audio_cancelled" not in codes(report) and report.is_usable
    kept, _ = read_flac(tmp_path / "plain")
    assert np.abs(kept).max() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("channels", [2, 4, 12])
def test_channels_that_have_nothing_in_common_do_not_cancel(channels: int, tmp_path: Path) -> None:
    noises = np.random.default_rng(5).normal(0, 0.1, (2 * RATE_HZ, channels)).astype(np.float32)
    assert "audio_cancelled" not in codes(reported(noises, tmp_path))


def test_four_channels_can_cancel_each_other_out(voice: Waveform, tmp_path: Path) -> None:
    assert codes(reported(np.stack([voice, -voice, voice, -voice], axis=1), tmp_path)) == ["audio_cancelled"]


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_is_silence(voice: Waveform, tmp_path: Path) -> None:
    broken = voice.copy()
    broken[100:200], broken[300], broken[400], broken[500] = np.nan, np.inf, -np.inf, 3e38
    report = report_on_recording(plain_recording(io.BytesIO(float_wav(broken)), tmp_path / "plain", max_seconds=600))
    assert report.is_usable and np.isfinite([report.voice_db, report.noise_db]).all()
    kept, _ = read_flac(tmp_path / "plain")
    assert not kept[110:190].any()


def test_what_is_kept_are_the_samples_that_came(voice: Waveform, tmp_path: Path) -> None:
    reported(voice, tmp_path)
    kept, rate_hz = read_flac(tmp_path / "plain")
    assert rate_hz == RATE_HZ
    assert np.array_equal(to_pcm16(kept), to_pcm16(voice))


def test_a_span_is_read_to_the_sample(voice: Waveform, tmp_path: Path) -> None:
    reported(voice, tmp_path)
    whole, rate_hz = read_flac(tmp_path / "plain")
    for start, end in ((0.0, 0.5), (3.21, 4.5), (6.0, 1e6)):
        part, part_rate_hz = read_flac_span(tmp_path / "plain", start, end)
        assert part_rate_hz == rate_hz
        assert np.array_equal(part, whole[round(start * rate_hz) : round(end * rate_hz)])


def test_three_hours_are_refused_by_the_header_alone(tmp_path: Path) -> None:
    seconds = 3 * 3_600
    data_bytes = seconds * 16_000
    sound_format = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)  # PCM, mono, 8 kHz, 16 bit
    path = tmp_path / "lecture.wav"
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVEfmt " + sound_format)
        file.write(b"data" + struct.pack("<I", data_bytes))
        file.truncate(44 + data_bytes)  # a sparse file: silence without bytes on the disk
    with path.open("rb") as file, pytest.raises(InvalidInput) as caught:
        plain_recording(file, tmp_path / "plain", max_seconds=3_600)
    assert caught.value.code == "audio_too_long"
    assert not (tmp_path / "plain").exists()


def test_a_recording_that_does_not_say_its_length_is_stopped_on_the_way(voice: Waveform, tmp_path: Path) -> None:
    data = bytearray(wav(voice))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"  # as programs write it that cannot go back to the header
    with pytest.raises(InvalidInput) as caught:
        plain_recording(io.BytesIO(data), tmp_path / "plain", max_seconds=2.0)
    assert caught.value.code == "audio_too_long"


def test_memory_hardly_grows_with_the_length(voice: Waveform, tmp_path: Path) -> None:
    peaks = []
    for times in (2, 8):
        data = io.BytesIO(wav(np.tile(voice, times)))
        tracemalloc.start()
        plain_recording(data, tmp_path / "plain", max_seconds=600)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 0.05 * 6 * voice.nbytes  # of what was added


def test_a_recording_that_was_cut_off_is_kept_as_far_as_it_goes(voice: Waveform, tmp_path: Path) -> None:
    data = wav(voice)
    report = report_on_recording(
        plain_recording(io.BytesIO(data[: len(data) // 2]), tmp_path / "plain", max_seconds=600)
    )
    assert report.duration_seconds == pytest.approx(len(voice) / RATE_HZ / 2, abs=0.1)
