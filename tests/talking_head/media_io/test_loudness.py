from __future__ import annotations

import numpy as np
import pytest

from talking_head.media_io.loudness import integrated_loudness_lufs, limited, normalised, without_rumble
from talking_head.timebase import AUDIO_HZ
from tests.media import true_peak_dbtp


def sine(frequency_hz: float, seconds: float, amplitude: float = 1.0, phase: float = 0.0) -> np.ndarray:
    time_seconds = np.arange(round(seconds * AUDIO_HZ)) / AUDIO_HZ
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time_seconds + phase)).astype(np.float32)


def bursts(seed: int, level: float) -> np.ndarray:
    """Noise with the crest of speech."""
    generator = np.random.default_rng(seed)
    envelope = np.repeat(generator.random(30) ** 2, AUDIO_HZ // 10)
    return (level * envelope * generator.standard_normal(len(envelope))).astype(np.float32)


def test_a_full_scale_tone_reads_what_the_standard_says() -> None:
    assert integrated_loudness_lufs(sine(997, 5)) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize(("frequency_hz", "weight_db"), [(40, -4.9), (3_000, 3.3), (10_000, 4.0)])
def test_low_tones_count_less_and_high_ones_more(frequency_hz: float, weight_db: float) -> None:
    assert integrated_loudness_lufs(sine(frequency_hz, 3)) == pytest.approx(-3.01 - 0.69 + weight_db, abs=0.7)


def test_pauses_do_not_make_speech_softer() -> None:
    """EBU Tech 3341, case 5 in spirit: what is gated away does not count."""
    tone, quiet = sine(1_000, 2, 0.1), sine(1_000, 20, 0.001)
    alone = integrated_loudness_lufs(tone)
    assert integrated_loudness_lufs(np.concatenate([quiet, tone, quiet])) == pytest.approx(alone, abs=0.7)
    assert integrated_loudness_lufs(np.concatenate([tone, np.zeros(AUDIO_HZ * 20, np.float32)])) == pytest.approx(
        alone, abs=0.7
    )


def test_silence_has_no_loudness_and_stays_silent() -> None:
    silence = np.zeros(AUDIO_HZ, np.float32)
    assert integrated_loudness_lufs(silence) == float("-inf")
    assert integrated_loudness_lufs(silence[:0]) == float("-inf")
    assert true_peak_dbtp(silence) == float("-inf")
    assert np.array_equal(normalised(silence, -16, -1.5), silence)


def test_a_sound_shorter_than_a_block_can_be_measured() -> None:
    assert integrated_loudness_lufs(sine(1_000, 0.2, 0.1)) == pytest.approx(-23, abs=0.5)


def test_a_peak_between_two_samples_is_seen() -> None:
    between = sine(12_000, 0.5, 0.5, np.pi / 4)  # sampled at 0.707 of its height only
    assert np.abs(between).max() == pytest.approx(0.354, abs=0.001)
    assert true_peak_dbtp(between[2_000:]) == pytest.approx(-6.0, abs=0.4)


@pytest.mark.parametrize("level", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_speech_arrives_at_the_target_below_the_ceiling(level: float, seed: int) -> None:
    result = normalised(bursts(seed, level), -16.0, -1.5)
    assert integrated_loudness_lufs(result) == pytest.approx(-16.0, abs=0.5)
    assert true_peak_dbtp(result) <= -1.5


def test_the_limiter_turns_down_instead_of_clipping() -> None:
    """A clipped sine has overtones; one that was turned down has none."""
    loud = sine(1_000, 1, 1.6)
    result = limited(loud, -1.5)
    assert true_peak_dbtp(result) <= -1.5
    middle = result[AUDIO_HZ // 4 : 3 * AUDIO_HZ // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum[1_400:].max() < spectrum.max() * 1e-4


def test_what_is_below_the_ceiling_is_not_touched() -> None:
    soft = sine(300, 1, 0.5)
    assert limited(soft, -1.5) is soft


def test_rumble_and_offset_go_and_the_voice_stays_in_place() -> None:
    voice = sine(150, 2, 0.3)
    cleaned = without_rumble(voice + sine(15, 2, 0.2) + np.float32(0.1))
    middle = slice(AUDIO_HZ // 2, -AUDIO_HZ // 2)
    assert abs(float(cleaned[middle].mean())) < 1e-3
    assert np.abs(cleaned[middle] - voice[middle]).max() < 0.02
    assert len(without_rumble(voice[:1])) == 1
