"""Measures how well a narration is recognised and aligned, and what that costs: ``python -m benchmarks.narration``.

The embedded voice reads sentences whose word times are known; then the recording is degraded as by rooms and
telephones. Printed for each: the word error rate; how many cuts between sentences lie in the pause where they should,
so that no sentence loses a word to its neighbour; how many sentences could be aligned, and how far the starts of their
words are from the truth; and the CPU seconds for a minute of recording, which other work on the machine hardly changes.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.lesson_text import sentences
from benchmarks.machine import describe_machine
from talking_head.engines.base import EngineSettings
from talking_head.engines.speech.alignment import aligner_words
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.recognition import RecognisedWord, recognise
from talking_head.engines.speech.recorded import RecordedSpeech
from talking_head.errors import InvalidInput, ScriptError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample
from talking_head.pipeline.narration.passages import Passage, narration_to_passages

PAUSE_SECONDS = 0.6


@dataclass(frozen=True)
class Reading:
    """A narration, the starts of each sentence's words, and the pause (start, end) after each sentence but the last, in
    seconds."""

    waveform: Waveform
    sample_rate_hz: int
    word_starts: list[list[float]]
    pauses: list[tuple[float, float]]
    voice: str


def read_aloud(texts: list[str]) -> Reading:
    engine = HibariSpeech(EngineSettings(Path("checkpoints")))
    speeches = [engine.speak(text, text, voice="", speed=1.0) for text in texts]
    rate_hz = speeches[0].sample_rate_hz
    silence = np.zeros(round(PAUSE_SECONDS * rate_hz), np.float32)
    starts = np.cumsum([0.0] + [len(each.waveform) / rate_hz + PAUSE_SECONDS for each in speeches])
    pauses = [
        (start + before.words[-1].end_seconds, next_start + after.words[0].start_seconds)
        for (start, next_start), (before, after) in zip(pairwise(starts[:-1]), pairwise(speeches), strict=True)
    ]
    word_starts = [
        [start + word.start_seconds for word in each.words] for start, each in zip(starts, speeches, strict=False)
    ]
    joined = np.concatenate([part for each in speeches for part in (each.waveform, silence)])
    loud = (joined * (0.3 / np.abs(joined).max())).astype(np.float32)
    return Reading(loud, rate_hz, word_starts, pauses, f"{engine.name} {engine.voices()[0].name}")


def degraded(reading: Reading) -> dict[str, Waveform]:
    """Return the same recording in worse conditions; noise levels are below the voice's mean power."""
    voice, rate_hz = reading.waveform, reading.sample_rate_hz
    level = float(np.sqrt(np.mean(voice**2)))
    noise = np.random.default_rng(1).normal(0, 1, len(voice)).astype(np.float32)
    hum = np.sqrt(2) * np.sin(2 * np.pi * 50 * np.arange(len(voice)) / rate_hz).astype(np.float32)
    telephone = resample(resample(voice, rate_hz, 8_000), 8_000, rate_hz)
    length = min(len(voice), len(telephone))
    return {
        "clean": voice,
        "hiss, 20 dB below": voice + noise * level * 0.1,
        "hiss, 10 dB below": voice + noise * level * 0.316,
        "hum, 10 dB below": voice + hum * level * 0.316,
        "telephone (8 kHz)": telephone[:length],
    }


def measure(waveform: Waveform, reading: Reading, texts: list[str], checkpoints_dir: Path) -> dict[str, object]:
    started = time.process_time()
    _, metadata = recognise(waveform, reading.sample_rate_hz, checkpoints_dir=checkpoints_dir)
    recognised_at = time.process_time()
    figures: dict[str, object] = {
        "recogniser": metadata.recogniser,
        "word_error_rate": round(word_error_rate(metadata.words, texts), 3),
        "listening_cpu_seconds_a_minute": round((recognised_at - started) * 60 / metadata.duration_seconds, 1),
    }
    try:
        passages = narration_to_passages(texts, metadata.words, metadata.duration_seconds)
    except ScriptError as error:
        return {**figures, "refused": error.message}
    late_seconds = [
        _late_seconds(waveform, *each, reading) for each in zip(passages, texts, reading.word_starts, strict=True)
    ]
    errors_ms = 1000 * np.abs([seconds for sentence in late_seconds for seconds in sentence])  # (words,)
    return {
        **figures,
        "cuts_in_the_right_pause": f"{_right_cuts(passages, reading)} of {len(reading.pauses)}",
        "aligned_sentences": f"{sum(map(bool, late_seconds))} of {len(texts)}",
        "word_start_error_ms": {"median": round(np.median(errors_ms)), "p95": round(np.percentile(errors_ms, 95))}
        if len(errors_ms)
        else None,
        "aligning_cpu_seconds_a_minute": round(
            (time.process_time() - recognised_at) * 60 / metadata.duration_seconds, 1
        ),
    }


def _right_cuts(passages: list[Passage | None], reading: Reading) -> int:
    ends = [passage.end_seconds for passage in passages[:-1] if passage is not None]
    pairs = zip(ends, reading.pauses, strict=True)
    return sum(pause_start - 0.05 <= end <= pause_end + 0.05 for end, (pause_start, pause_end) in pairs)


def _late_seconds(
    waveform: Waveform, passage: Passage | None, text: str, true_starts: list[float], reading: Reading
) -> list[float]:
    """Return how much later than in truth each word of a sentence starts; empty when it does not fit its passage."""
    assert passage is not None, "every sentence here says something"
    start, end = (round(seconds * reading.sample_rate_hz) for seconds in (passage.start_seconds, passage.end_seconds))
    try:
        recorded = RecordedSpeech(waveform[start:end], reading.sample_rate_hz, [text], "en")
        words = recorded.speak(text, text, voice=recorded.passage(0), speed=1.0).words
    except InvalidInput:
        return []
    starts = (passage.start_seconds + word.start_seconds for word in words)
    return [start - true_start for start, true_start in zip(starts, true_starts, strict=True)]


def word_error_rate(recognised: tuple[RecognisedWord, ...], texts: list[str]) -> float:
    said = [word for text in texts for word in aligner_words(text)]
    row = list(range(len(recognised) + 1))
    for index, true_word in enumerate(said, 1):
        previous, row[0] = row[0], index
        for column, word in enumerate(recognised, 1):
            is_wrong = true_word != "".join(aligner_words(word.text))
            previous, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, previous + is_wrong)
    return row[-1] / len(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=12)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    options = parser.parse_args()
    texts = sentences(options.sentences)
    reading = read_aloud(texts)
    figures = {name: measure(sound, reading, texts, options.checkpoints) for name, sound in degraded(reading).items()}
    about = {"machine": describe_machine(), "voice": reading.voice, "sentences": len(texts)}
    print(json.dumps({**about, "figures": figures}, indent=1))


if __name__ == "__main__":
    main()
