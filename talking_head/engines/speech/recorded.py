"""Speech engine ``recorded``: a recorded narration, cut into the utterances of its script.

It is not in the registry, because it is created from a recording and its text. Each utterance is a *passage* and a
voice of its own: the same sentence may be read twice, and each time it sounds different.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from talking_head.engines.base import Speech, TimedToken, TimedWord, Voice
from talking_head.engines.speech.alignment import ALIGNER_HZ, AlignedWord, Aligner, MisfitError, aligner_words
from talking_head.engines.speech.reading.offsets import aligned, word_ranges
from talking_head.engines.speech.reading.spoken_form import primary_language, spoken_form
from talking_head.errors import InvalidInput, OptionError, ScriptError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample

LANGUAGE = "en"  # of the aligner's acoustic model
# The aligner's memory grows with the square of its input's length (ten minutes would need 10 GB), so the recording is
# aligned in windows: as many utterances as should last this long, of which only the first half is accepted.
WINDOW_SECONDS = 24.0
WINDOW_SLACK, WINDOW_EXTRA_SECONDS = 1.3, 6.0  # how much slower than its average a reader may be inside a window
# Of any second, this share may be loud and outside all words: a cough, an "um". More means that the speaker reads
# text that is not in the script. (Correct texts gave 0.0, texts with a sentence missing 0.44 and more.)
UNEXPLAINED_SECONDS = 1.0
MAX_UNEXPLAINED_SHARE = 0.4
_LOUD_DB = 25.0  # below the loudest parts
_NOISE_DB = 3.0  # above the quietest parts: background noise of any level is not speech
_FRAME_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Passage:
    """One utterance in the recording. Silent utterances have no words and no length."""

    start_seconds: float
    end_seconds: float
    words: tuple[AlignedWord, ...]


class RecordedSpeech:
    """A narration, aligned with its script on construction (which takes about a tenth of its playing time).

    Args:
        waveform: the recording, (samples,).
        sample_rate_hz: its rate.
        spoken: the spoken text of each utterance, in order; empty for a silent one.
        language: of the script.

    Raises:
        InvalidInput: ``audio_text_mismatch``. ScriptError: ``unsupported_language``.
    """

    name = "recorded"
    version = "1"

    def __init__(self, waveform: Waveform, sample_rate_hz: int, spoken: Sequence[str], language: str) -> None:
        if primary_language(language) != LANGUAGE:
            raise ScriptError(
                f"Recordings in “{language}” cannot be matched with their text.",
                code="unsupported_language",
                hint="Recorded narration works for English only.",
            )
        self._waveform = waveform
        self._sample_rate_hz = sample_rate_hz
        self._digest = hashlib.sha256(np.ascontiguousarray(waveform, np.float32).tobytes()).hexdigest()[:16]
        self._passages = _find_passages(resample(waveform, sample_rate_hz, ALIGNER_HZ), spoken)

    def passage(self, index: int) -> str:
        """Return the voice of utterance ``index``; the recording is part of the name, and so of the cache keys."""
        return f"{self._digest}-{index}"

    def voices(self) -> tuple[Voice, ...]:
        """Return one voice for each utterance, in order."""
        return tuple(
            Voice(self.passage(index), LANGUAGE, f"Recording, passage {index + 1}")
            for index in range(len(self._passages))
        )

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        """Return the passage as recorded.

        Raises:
            OptionError: ``unknown_voice``, ``speed_out_of_range``. ScriptError: ``nothing_speakable``.
        """
        if speed != 1.0:
            raise OptionError(
                "The speed of a recording cannot be changed.", code="speed_out_of_range", hint="Set the speed to 1."
            )
        index = next((number for number in range(len(self._passages)) if self.passage(number) == voice), None)
        if index is None:
            raise OptionError("This is not a passage of the recording.", code="unknown_voice", hint="Align it again.")
        passage = self._passages[index]
        if not passage.words:
            raise ScriptError("This passage contains no speech.", code="nothing_speakable")
        start = round(passage.start_seconds * self._sample_rate_hz)
        end = round(passage.end_seconds * self._sample_rate_hz)
        return Speech(
            self._waveform[start:end],
            self._sample_rate_hz,
            tuple(
                TimedToken(
                    token.text,
                    token.start_seconds - passage.start_seconds,
                    token.end_seconds - passage.start_seconds,
                )
                for word in passage.words
                for token in word.phonemes
            ),
            _written_words(passage, spoken, written),
            "arpabet",
            "alignment",
        )


def _written_words(passage: _Passage, spoken: str, written: str) -> tuple[TimedWord, ...]:
    """Return the written words with their times ("42" is as long as "forty two")."""
    form = aligned(spoken, spoken_form(written), written)
    remaining = list(passage.words)
    words = []
    for spoken_start, spoken_end, start, end in word_ranges(form, written):
        count = len(aligner_words(spoken[spoken_start:spoken_end]))
        parts, remaining = remaining[:count], remaining[count:]
        if parts:
            words.append(
                TimedWord(
                    written[start:end],
                    parts[0].start_seconds - passage.start_seconds,
                    parts[-1].end_seconds - passage.start_seconds,
                    start,
                    end,
                )
            )
    return tuple(words)


def _find_passages(waveform: Waveform, spoken: Sequence[str]) -> list[_Passage]:
    """Find the utterances in the recording, (samples,) at ``ALIGNER_HZ``, window by window, and return them."""
    total_seconds = len(waveform) / ALIGNER_HZ
    texts = [aligner_words(text) for text in spoken]
    letters = [sum(map(len, words)) for words in texts]
    seconds_per_letter = total_seconds / max(1, sum(letters))
    aligner = Aligner()
    utterances: list[list[AlignedWord]] = []
    cursor_seconds = 0.0
    while len(utterances) < len(texts):
        first = len(utterances)
        last = _window_end(letters, first, WINDOW_SECONDS / seconds_per_letter)
        is_end = last == len(texts)
        length_seconds = sum(letters[first:last]) * seconds_per_letter * WINDOW_SLACK + WINDOW_EXTRA_SECONDS
        end_seconds = total_seconds if is_end else min(total_seconds, cursor_seconds + length_seconds)
        part = waveform[round(cursor_seconds * ALIGNER_HZ) : round(end_seconds * ALIGNER_HZ)]
        in_window = _aligned_texts(aligner, part, texts[first:last], cursor_seconds, spoken[first])
        accepted = len(in_window) if is_end else (len(in_window) + 1) // 2
        utterances += in_window[:accepted]
        cursor_seconds = _window_start(in_window, accepted, cursor_seconds, end_seconds)
    _check_explained(waveform, [word for words in utterances for word in words])
    return _with_bounds(utterances, total_seconds)


def _window_end(letters: Sequence[int], first: int, wanted_letters: float) -> int:
    """Return the index after the window's last utterance: at least two, one to accept and one to align again."""
    last, sum_letters = first, 0
    while last < len(letters) and (sum_letters < wanted_letters or last < first + 2):
        sum_letters += letters[last]
        last += 1
    return last


def _aligned_texts(
    aligner: Aligner, waveform: Waveform, texts: Sequence[list[str]], offset_seconds: float, first_text: str
) -> list[list[AlignedWord]]:
    words = [word for text in texts for word in text]
    if not words:
        return [[] for _ in texts]
    try:
        in_order = iter(aligner.align(waveform, words))
    except MisfitError as error:
        raise _mismatch(f"from {_clock(offset_seconds)} on, near “{first_text.strip()[:40]}”") from error
    return [[_shifted(next(in_order), offset_seconds) for _ in text] for text in texts]


def _shifted(word: AlignedWord, seconds: float) -> AlignedWord:
    phonemes = tuple(
        TimedToken(token.text, token.start_seconds + seconds, token.end_seconds + seconds) for token in word.phonemes
    )
    return AlignedWord(word.text, word.start_seconds + seconds, word.end_seconds + seconds, phonemes)


def _window_start(
    utterances: Sequence[list[AlignedWord]], accepted: int, start_seconds: float, end_seconds: float
) -> float:
    """Return where the next window begins: the middle of the silence after the accepted utterances, in seconds."""
    before = [word.end_seconds for words in utterances[:accepted] for word in words]
    after = [word.start_seconds for words in utterances[accepted:] for word in words]
    if not before:
        return start_seconds
    return (before[-1] + after[0]) / 2 if after else end_seconds


def _with_bounds(utterances: Sequence[list[AlignedWord]], total_seconds: float) -> list[_Passage]:
    """Return the passages, each extended to the middle of the silence on either side."""
    spoken = [words for words in utterances if words]
    cuts = [0.0, *((a[-1].end_seconds + b[0].start_seconds) / 2 for a, b in pairwise(spoken)), total_seconds]
    bounds = iter(pairwise(cuts))
    return [_Passage(*next(bounds), tuple(words)) if words else _Passage(0.0, 0.0, ()) for words in utterances]


def _check_explained(waveform: Waveform, words: Sequence[AlignedWord]) -> None:
    """Check that all loud sound belongs to words: the aligner takes sound that the text does not explain for silence.

    Raises:
        InvalidInput: ``audio_text_mismatch``.
    """
    frame = round(_FRAME_SECONDS * ALIGNER_HZ)
    frames = len(waveform) // frame
    power = np.mean(waveform[: frames * frame].reshape(frames, frame) ** 2, axis=1)  # (frames,)
    loud = power > max(
        np.percentile(power, 95) * 10 ** (-_LOUD_DB / 10),
        np.percentile(power, 10) * 10 ** (_NOISE_DB / 10),
    )
    explained = np.zeros(frames, bool)
    for word in words:
        explained[int(word.start_seconds / _FRAME_SECONDS) : int(word.end_seconds / _FRAME_SECONDS) + 1] = True
    length = round(UNEXPLAINED_SECONDS / _FRAME_SECONDS)
    share = np.convolve(loud & ~explained, np.full(length, 1 / length), "same")
    if share.max(initial=0.0) > MAX_UNEXPLAINED_SHARE:
        raise _mismatch(
            f"around {_clock(float(share.argmax()) * _FRAME_SECONDS)} it contains speech that is not in the text"
        )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _mismatch(where: str) -> InvalidInput:
    return InvalidInput(
        f"The recording does not match the text ({where}).",
        code="audio_text_mismatch",
        hint="Correct the text to match the recording, or record it again.",
    )
