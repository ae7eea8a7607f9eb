"""Speech engine ``recorded``: a narration that somebody read aloud, cut into the utterances of its script.

Not in the registry, because it is made from a recording and its text. Each utterance is a *passage* and a voice of its
own: the same sentence may be read twice, and each time it sounds different.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from talking_head.engines.base import Speech, TimedToken, TimedWord, Voice
from talking_head.engines.speech.alignment import ALIGNER_HZ, AlignedWord, Aligner, MisfitError, aligner_words
from talking_head.engines.speech.reading.rules import aligned, word_ranges
from talking_head.engines.speech.reading.spoken_form import primary_language, spoken_form
from talking_head.errors import InvalidInput, OptionError, ScriptError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample

LANGUAGE = "en"  # of the aligner's acoustic model
# The aligner's memory grows with the square of what it gets at once (ten minutes would need 10 GB), so the recording is
# walked through in windows: as many utterances as should last this long, and only the first half of them is kept.
WINDOW_SECONDS = 24.0
WINDOW_SLACK, WINDOW_EXTRA_SECONDS = 1.3, 6.0  # how much slower than its average a reader may be inside a window
# Of any second, this much may be loud and lie outside all words: a cough, an "um". More means that something is read
# that is not in the script. (Right texts gave 0.0, texts with a sentence missing 0.44 and more.)
UNEXPLAINED_SECONDS = 1.0
MAX_UNEXPLAINED_SHARE = 0.4
_LOUD_DB = 25.0  # below the loudest parts
_NOISE_DB = 3.0  # above the quietest: however loud the noise behind a voice is, it says nothing
_FRAME_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Passage:
    """One utterance in the recording. Silent utterances have no words and no length."""

    start_seconds: float
    end_seconds: float
    words: tuple[AlignedWord, ...]


class RecordedSpeech:
    """A narration, aligned with its script when this is made (about a tenth of its playing time).

    Args:
        waveform: the recording, (samples,).
        sample_rate_hz: its rate.
        spoken: what is said in each utterance, in order; empty where nothing is.
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
                hint="Recorded narration works for English.",
            )
        self._waveform = waveform
        self._sample_rate_hz = sample_rate_hz
        self._digest = hashlib.sha256(np.ascontiguousarray(waveform, np.float32).tobytes()).hexdigest()[:16]
        self._passages = _find_passages(resample(waveform, sample_rate_hz, ALIGNER_HZ), spoken)

    def passage(self, index: int) -> str:
        """The voice that says utterance ``index``; the recording is part of the name, and so of the cache keys."""
        return f"{self._digest}-{index}"

    def voices(self) -> tuple[Voice, ...]:
        """One for each utterance, in order."""
        return tuple(
            Voice(self.passage(index), LANGUAGE, f"Recording, passage {index + 1}")
            for index in range(len(self._passages))
        )

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        """The passage as it was recorded.

        Raises:
            OptionError: ``unknown_voice``, ``speed_out_of_range``. ScriptError: ``nothing_speakable``.
        """
        if speed != 1.0:
            raise OptionError(
                "A recording keeps its own speed.", code="speed_out_of_range", hint="Leave the speed at 1."
            )
        index = next((place for place in range(len(self._passages)) if self.passage(place) == voice), None)
        if index is None:
            raise OptionError("This is not a passage of the recording.", code="unknown_voice", hint="Align it again.")
        passage = self._passages[index]
        if not passage.words:
            raise ScriptError("Nothing is said in this passage.", code="nothing_speakable")
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
    """When each word as written sounds ("42" is as long as "forty two")."""
    form = aligned(spoken, spoken_form(written), written)
    left = list(passage.words)
    words = []
    for spoken_start, spoken_end, start, end in word_ranges(form, written):
        count = len(aligner_words(spoken[spoken_start:spoken_end]))
        said, left = left[:count], left[count:]
        if said:
            words.append(
                TimedWord(
                    written[start:end],
                    said[0].start_seconds - passage.start_seconds,
                    said[-1].end_seconds - passage.start_seconds,
                    start,
                    end,
                )
            )
    return tuple(words)


def _find_passages(waveform: Waveform, spoken: Sequence[str]) -> list[_Passage]:
    """Walks through the recording, (samples,) at ``ALIGNER_HZ``, and finds each utterance in turn."""
    total_seconds = len(waveform) / ALIGNER_HZ
    texts = [aligner_words(text) for text in spoken]
    letters = [sum(map(len, words)) for words in texts]
    seconds_per_letter = total_seconds / max(1, sum(letters))
    aligner = Aligner()
    found: list[list[AlignedWord]] = []
    cursor_seconds = 0.0
    while len(found) < len(texts):
        first = len(found)
        last = _window(letters, first, WINDOW_SECONDS / seconds_per_letter)
        is_end = last == len(texts)
        length_seconds = sum(letters[first:last]) * seconds_per_letter * WINDOW_SLACK + WINDOW_EXTRA_SECONDS
        end_seconds = total_seconds if is_end else min(total_seconds, cursor_seconds + length_seconds)
        part = waveform[round(cursor_seconds * ALIGNER_HZ) : round(end_seconds * ALIGNER_HZ)]
        in_window = _aligned_texts(aligner, part, texts[first:last], cursor_seconds, spoken[first])
        kept = len(in_window) if is_end else (len(in_window) + 1) // 2
        found += in_window[:kept]
        cursor_seconds = _middle(in_window, kept, cursor_seconds, end_seconds)
    _check_explained(waveform, [word for words in found for word in words])
    return _with_bounds(found, total_seconds)


def _window(letters: Sequence[int], first: int, wanted_letters: float) -> int:
    """Index behind the last utterance of the window: at least two, so that one can be kept and one can wait."""
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
    return [[_later(next(in_order), offset_seconds) for _ in text] for text in texts]


def _later(word: AlignedWord, seconds: float) -> AlignedWord:
    phonemes = tuple(
        TimedToken(token.text, token.start_seconds + seconds, token.end_seconds + seconds) for token in word.phonemes
    )
    return AlignedWord(word.text, word.start_seconds + seconds, word.end_seconds + seconds, phonemes)


def _middle(found: Sequence[list[AlignedWord]], kept: int, start_seconds: float, end_seconds: float) -> float:
    """The middle of the silence behind what is kept: where the next window begins."""
    before = [word.end_seconds for words in found[:kept] for word in words]
    after = [word.start_seconds for words in found[kept:] for word in words]
    if not before:
        return start_seconds
    return (before[-1] + after[0]) / 2 if after else end_seconds


def _with_bounds(found: Sequence[list[AlignedWord]], total_seconds: float) -> list[_Passage]:
    """Each passage reaches to the middle of the silence on either side."""
    spoken = [words for words in found if words]
    cuts = [0.0, *((a[-1].end_seconds + b[0].start_seconds) / 2 for a, b in pairwise(spoken)), total_seconds]
    bounds = iter(pairwise(cuts))
    return [_Passage(*next(bounds), tuple(words)) if words else _Passage(0.0, 0.0, ()) for words in found]


def _check_explained(waveform: Waveform, words: Sequence[AlignedWord]) -> None:
    """The aligner calls silence whatever the text does not explain; here the sound itself is asked.

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
        raise _mismatch(f"around {_clock(float(share.argmax()) * _FRAME_SECONDS)} it says more than the text")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _mismatch(where: str) -> InvalidInput:
    return InvalidInput(
        f"The recording does not fit the text ({where}).",
        code="audio_text_mismatch",
        hint="Correct the text to what is said, or record it again.",
    )
