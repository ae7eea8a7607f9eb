"""The times of words and phonemes, found after synthesis because these models do not output them.

English is aligned with its text (:mod:`talking_head.engines.speech.alignment`). For other languages there is no
acoustic model here: each word gets a share of the sound by its number of letters, and its letters stand for rough mouth
shapes. That is an estimate, and a take is marked as such (``times_from``): sentences begin and end on time, words
inside them only approximately.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from talking_head.engines.base import TimedToken, TimedWord, TimesFrom
from talking_head.engines.speech.alignment import ALIGNER_HZ, AlignedWord, Aligner, MisfitError, aligner_words
from talking_head.engines.speech.reading.offsets import SpokenForm, aligned, word_ranges
from talking_head.engines.speech.reading.spoken_form import ENGLISH, primary_language, spoken_form
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample

ALPHABET = "arpabet"
PAUSE_LETTERS = 4.0  # how many letters last as long as the pause after a comma
WORD_GAP_LETTERS = 0.3
_PAUSE = re.compile(r"[,;:.!?…—–、。，]")
_FRAME_SECONDS = 0.01
_SOUNDING_DB = 35.0  # below the loud parts: a quieter part is not speech
# Latin letters to ARPAbet, longest first: how most European languages pronounce them, roughly. For lips, not for ears.
_LETTERS = {
    "sch": "SH", "tsch": "CH", "ch": "HH", "sh": "SH", "th": "TH", "ph": "F", "ng": "NG", "qu": "K W", "ou": "UW",
    "eu": "OY", "au": "AW", "ei": "AY", "a": "AA", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G",
    "h": "HH", "i": "IY", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AO", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "UW", "v": "V", "w": "V", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_LETTER_GROUP = re.compile("|".join(sorted(_LETTERS, key=len, reverse=True)))


@dataclass(frozen=True, slots=True)
class SpokenRun:
    """A range of the spoken text and where it sounds in the waveform."""

    start: int
    end: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class WordTimes:
    words: tuple[TimedWord, ...]
    phonemes: tuple[TimedToken, ...]
    times_from: TimesFrom


def word_times(
    aligner: Aligner, waveform: Waveform, sample_rate_hz: int, runs: Sequence[SpokenRun],
    spoken: str, written: str, language: str,
) -> WordTimes:  # fmt: skip
    """Return the times of the words and phonemes of an utterance.

    Args:
        waveform: (samples,).
        runs: of ``spoken``, in order, each with its place in the waveform.
    """
    form = aligned(spoken, spoken_form(written, language), written)
    if primary_language(language) == ENGLISH:
        try:
            return _aligned(aligner, resample(waveform, sample_rate_hz, ALIGNER_HZ), form, written)
        except MisfitError:
            pass  # the model said something other than the text, or too unclearly
    return _estimated(waveform, sample_rate_hz, runs, form, written)


def _aligned(aligner: Aligner, waveform: Waveform, form: SpokenForm, written: str) -> WordTimes:
    aligned_words = aligner.align(waveform, aligner_words(form.text))
    remaining = aligned_words
    words = []
    for spoken_start, spoken_end, start, end in word_ranges(form, written):
        count = len(aligner_words(form.text[spoken_start:spoken_end]))
        parts, remaining = remaining[:count], remaining[count:]
        if parts:
            words.append(TimedWord(written[start:end], parts[0].start_seconds, parts[-1].end_seconds, start, end))
    return WordTimes(tuple(words), _phonemes_of(aligned_words), "alignment")


def _phonemes_of(words: Sequence[AlignedWord]) -> tuple[TimedToken, ...]:
    return tuple(token for word in words for token in word.phonemes)


def _estimated(
    waveform: Waveform, sample_rate_hz: int, runs: Sequence[SpokenRun], form: SpokenForm, written: str
) -> WordTimes:
    words: list[TimedWord] = []
    phonemes: list[TimedToken] = []
    ranges = word_ranges(form, written)
    for run in runs:
        inside = [word_range for word_range in ranges if run.start <= word_range[0] < run.end]
        begin_seconds, end_seconds = _without_silence(waveform, sample_rate_hz, run)
        texts = [form.text[first:last] for first, last, _, _ in inside]
        between = [form.text[a[1] : b[0]] for a, b in pairwise(inside)]
        for (_, _, start, end), text, (first_seconds, last_seconds) in zip(
            inside, texts, _shares(texts, between, begin_seconds, end_seconds), strict=True
        ):
            words.append(TimedWord(written[start:end], first_seconds, last_seconds, start, end))
            phonemes += _letters_as_phonemes(text, first_seconds, last_seconds)
    return WordTimes(tuple(words), tuple(phonemes), "estimate")


def _shares(
    words: Sequence[str], between: Sequence[str], start_seconds: float, end_seconds: float
) -> Iterator[tuple[float, float]]:
    """Yield the start and end of each word in seconds, in proportion to its letters."""
    lengths = [float(sum(character.isalnum() for character in word)) for word in words]
    gaps = [
        PAUSE_LETTERS if _PAUSE.search(word[-1:] + gap) else WORD_GAP_LETTERS
        for word, gap in zip(words, between, strict=False)
    ]
    total = sum(lengths) + sum(gaps)
    letter_seconds = (end_seconds - start_seconds) / total if total else 0.0
    position = start_seconds
    for length, gap in zip(lengths, [*gaps, 0.0], strict=False):
        yield position, position + length * letter_seconds
        position += (length + gap) * letter_seconds


def _without_silence(waveform: Waveform, sample_rate_hz: int, run: SpokenRun) -> tuple[float, float]:
    """Return start and end of the run in seconds, without the silence at its ends."""
    first = round(run.start_seconds * sample_rate_hz)
    part = waveform[first : round(run.end_seconds * sample_rate_hz)]
    frame = round(_FRAME_SECONDS * sample_rate_hz)
    frames = len(part) // frame
    power = np.mean(part[: frames * frame].reshape(frames, frame) ** 2, axis=1)  # (frames,)
    if not frames or not power.max():
        return run.start_seconds, run.end_seconds
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (-_SOUNDING_DB / 10))
    return (
        run.start_seconds + float(loud[0]) * _FRAME_SECONDS,
        run.start_seconds + float(loud[-1] + 1) * _FRAME_SECONDS,
    )


def _letters_as_phonemes(word: str, start_seconds: float, end_seconds: float) -> list[TimedToken]:
    phones = [phone for group in _LETTER_GROUP.findall(_latin(word)) for phone in _LETTERS[group].split()]
    step_seconds = (end_seconds - start_seconds) / max(1, len(phones))
    return [
        TimedToken(phone, start_seconds + index * step_seconds, start_seconds + (index + 1) * step_seconds)
        for index, phone in enumerate(phones)
    ]


def _latin(word: str) -> str:
    """Return the word in plain Latin letters, from any script."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    if not bare.isascii():
        from anyascii import anyascii  # comes with coqui-tts

        bare = str(anyascii(bare))
    return bare.lower()
