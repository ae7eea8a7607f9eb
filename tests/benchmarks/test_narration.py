"""The figures about narrations, on a reading short enough for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lesson_text import sentences
from benchmarks.narration import degraded, measure, read_aloud, word_error_rate
from talking_head.engines.speech.recognition import RecognisedWord

TEXTS = sentences(2)
NO_WHISPER = Path("/nowhere")


def test_a_clean_reading_is_cut_and_aligned_where_the_voice_said_its_words() -> None:
    reading = read_aloud(TEXTS)
    found: dict[str, Any] = measure(reading.waveform, reading, TEXTS, NO_WHISPER)
    assert (found["cuts_in_the_right_pause"], found["aligned_sentences"]) == ("1 of 1", "2 of 2")
    assert found["word_error_rate"] < 0.3
    assert found["word_start_error_ms"]["median"] < 60
    shifted = reading.word_starts[1]
    shifted[:] = [seconds + 1.0 for seconds in shifted]  # the same with a wrong clock
    assert measure(reading.waveform, reading, TEXTS, NO_WHISPER)["word_start_error_ms"]["p95"] > 800  # type: ignore[index]


def test_a_recording_of_another_text_is_counted_as_refused() -> None:
    reading = read_aloud(TEXTS)
    found = measure(reading.waveform, reading, ["Nobody ever spoke these other words.", "Nor those."], NO_WHISPER)
    assert found["refused"] == "The recording does not match the text."


def test_noise_is_as_loud_as_its_name_says() -> None:
    reading = read_aloud(TEXTS)
    hiss = degraded(reading)["hiss, 10 dB below"] - reading.waveform
    assert abs(10 * np.log10(np.mean(reading.waveform**2) / np.mean(hiss**2)) - 10) < 0.2


def test_the_word_error_rate_counts_wrong_missing_and_extra_words() -> None:
    heard = tuple(RecognisedWord(word, 0.0, 1.0, 1.0) for word in ["the", "loaf", "is", "green", "too"])
    assert word_error_rate(heard, ["The leaf is", "green."]) == 2 / 4
