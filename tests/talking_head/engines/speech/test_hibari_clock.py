"""The voice's own clock against an independent listener: forced alignment with pocketsphinx's acoustic model."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from pocketsphinx import Decoder

from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.reading.spoken_form import spoken_form
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample, to_pcm16

LISTENER_HZ = 16_000
SENTENCES = [
    "Light is a form of energy that our eyes can see.",
    "Nothing in the universe is faster!",
    "When light meets a mirror, it bounces back.",
    "White light is a mixture of all colors.",
    "Peter Piper picked a peck of pickled peppers.",
    "Why is the sky blue?",
]


@pytest.fixture(scope="module")
def listener() -> Any:
    return Decoder(samprate=LISTENER_HZ, lm=None, bestpath=False, loglevel="FATAL", dither=False)


def heard(listener: Any, waveform: Waveform, sample_rate_hz: int, words: list[str]) -> list[tuple[float, float]]:
    """When the listener hears each word."""
    loud = resample(waveform, sample_rate_hz, LISTENER_HZ)
    pcm = to_pcm16(loud / np.abs(loud).max() * np.float32(0.5)).tobytes()
    listener.set_align_text(" ".join(words))
    listener.start_utt()
    listener.process_raw(pcm, full_utt=True)
    listener.end_utt()
    found = [segment for segment in listener.seg() if not segment.word.startswith(("<", "+", "["))]
    assert [re.sub(r"\(\d\)$", "", segment.word) for segment in found] == words
    return [(segment.start_frame / 100, (segment.end_frame + 1) / 100) for segment in found]


@pytest.mark.parametrize("speed", [0.75, 1.0, 1.5])
def test_words_begin_and_end_when_they_are_heard(hibari: HibariSpeech, listener: Any, speed: float) -> None:
    starts, ends = [], []
    for sentence in SENTENCES:
        speech = hibari.speak(spoken_form(sentence).text, sentence, voice="", speed=speed)
        words = [word.text.lower() for word in speech.words]
        times = heard(listener, speech.waveform, speech.sample_rate_hz, words)
        starts += [word.start_seconds - start for word, (start, _) in zip(speech.words, times, strict=True)]
        ends += [word.end_seconds - end for word, (_, end) in zip(speech.words, times, strict=True)]
    assert np.median(np.abs(starts)) < 0.055
    assert np.median(np.abs(ends)) < 0.055
    assert np.percentile(np.abs(starts), 90) < 0.12
    assert np.percentile(np.abs(ends), 90) < 0.12
