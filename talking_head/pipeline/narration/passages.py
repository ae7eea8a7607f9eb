"""Narration and script -> passages: where in a recording each utterance is said.

The recording was listened to once, which gave every word its time (:mod:`talking_head.engines.speech.recognition`).
Here the script's words are laid beside the heard ones with the fewest changes (Levenshtein), as in a word error rate. A
word that was misheard still stands in its place, so a recogniser that gets half of the words right is good enough to
find sentences. Nothing is listened to again, and changing one sentence moves no other passage.

What the recording says and the script does not, in a row of words, is left out: a sentence deleted from the transcript
is cut from the narration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from talking_head.engines.speech.alignment import aligner_words
from talking_head.engines.speech.recognition import RecognisedWord
from talking_head.errors import ScriptError

MIN_CUT_WORDS = 3  # heard in a row and not in the script: fewer may be one word of the script, misheard
MISHEARD_WORDS = 2  # at either end of a sentence: so many may turn out to be its neighbour's
MARGIN_SECONDS = 0.35  # of the recording kept before its first word and behind its last
JUDGED_WORDS = 4  # a shorter sentence may be misheard completely
LEAST_FOUND_SHARE = 0.2  # of a sentence's letters in words that were heard as they are written
# The same share over the whole text. Below the first it is another text. Below the second so much was misheard (noise,
# an accent) that a single sentence proves nothing: then the renderer's aligner, which knows the words, is the judge.
ANOTHER_TEXT_SHARE, WELL_HEARD_SHARE = 0.12, 0.5
QUOTED_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the recording. Rounded to milliseconds, because it takes part in cache keys."""

    start_seconds: float
    end_seconds: float


def narration_to_passages(
    spoken: Sequence[str], heard: Sequence[RecognisedWord], duration_seconds: float
) -> list[Passage | None]:
    """The passage of each utterance; None for those in which nothing is said.

    Args:
        spoken: what is said in each utterance, in order; empty where nothing is.
        heard: the recording's words, in order.
        duration_seconds: of the recording.

    Raises:
        ScriptError: ``audio_text_mismatch``, with the sentences that are not in the recording.
    """
    texts = [aligner_words(text) for text in spoken]
    said = [(index, position, word) for index, words in enumerate(texts) for position, word in enumerate(words)]
    places = _word_places([word for _, _, word in said], [_normal(word.text) for word in heard])
    found: dict[int, list[_Place]] = {index: [] for index, words in enumerate(texts) if words}
    for (index, position, word), place in zip(said, places, strict=True):
        if place is not None:
            found[index].append(_Place(position, place, word == _normal(heard[place].text), len(word)))
    _refuse_missing(spoken, texts, found)
    spans = [_span(places, len(texts[index])) for index, places in found.items()]
    bounds = _bounds(spans, heard, duration_seconds)
    passages = dict(zip(found, bounds, strict=True))
    return [passages.get(index) for index in range(len(spoken))]


@dataclass(frozen=True, slots=True)
class _Place:
    """A word of the script beside a heard one."""

    position: int  # in its sentence
    heard: int
    is_exact: bool
    letters: int


@dataclass(frozen=True, slots=True)
class _Span:
    """Heard words, by their indexes: what lies beside a sentence, and what surely belongs to it."""

    first: int
    first_sure: int
    last_sure: int
    last: int
    words_before_sure: int  # of the sentence
    words_behind_sure: int


def _span(places: Sequence[_Place], word_count: int) -> _Span:
    exact = [place for place in places if place.is_exact] or places
    begin = exact[0] if exact[0].position <= MISHEARD_WORDS else places[0]
    end = exact[-1] if exact[-1].position >= word_count - 1 - MISHEARD_WORDS else places[-1]
    return _Span(
        places[0].heard, begin.heard, end.heard, places[-1].heard, begin.position, word_count - 1 - end.position
    )


def _normal(word: str) -> str:
    return "".join(aligner_words(word)) or word.lower()


def _refuse_missing(spoken: Sequence[str], texts: Sequence[list[str]], found: dict[int, list[_Place]]) -> None:
    share = _exact_letters(place for places in found.values() for place in places) / max(1, _letters(texts))
    if found and share < ANOTHER_TEXT_SHARE:
        raise ScriptError(
            "The recording says something else than the text.",
            code="audio_text_mismatch",
            hint="Look at what was heard, and correct the text to what is said, or record it again.",
        )
    missing = [
        index for index, places in found.items() if not _is_said(texts[index], places, share >= WELL_HEARD_SHARE)
    ]
    if not missing:
        return
    quoted = " ".join(spoken[missing[0]].split())
    shown = quoted if len(quoted) <= QUOTED_CHARACTERS else quoted[: QUOTED_CHARACTERS - 1] + "…"
    others = f", nor {len(missing) - 1} other sentences" if len(missing) > 2 else ", nor one other sentence"
    raise ScriptError(
        f"The recording does not say “{shown}”{others if len(missing) > 1 else ''}.",
        code="audio_text_mismatch",
        hint="Correct the text to what is said, delete the sentence, or record it again.",
    )


def _is_said(words: Sequence[str], places: Sequence[_Place], is_well_recognised: bool) -> bool:
    if not places or not is_well_recognised or len(words) < JUDGED_WORDS:
        return bool(places)
    return _exact_letters(places) >= LEAST_FOUND_SHARE * _letters([words])


def _exact_letters(places: Iterable[_Place]) -> int:
    return sum(place.letters for place in places if place.is_exact)


def _letters(texts: Iterable[Sequence[str]]) -> int:
    return sum(len(word) for words in texts for word in words)


def _bounds(spans: Sequence[_Span], heard: Sequence[RecognisedWord], duration_seconds: float) -> Iterator[Passage]:
    """Where each passage begins and ends, from its first and last heard words."""
    if not spans:
        return
    starts, ends = [_first_start(heard, spans[0].first)], []
    for before, after in pairwise(spans):
        if after.first - before.last - 1 >= MIN_CUT_WORDS:
            ends.append(_middle(heard, before.last))
            starts.append(_middle(heard, after.first - 1))
        else:
            ends.append(_middle(heard, max(_cuts(before, after), key=lambda index: _pause_seconds(heard, index))))
            starts.append(ends[-1])
    ends.append(_last_end(heard, spans[-1].last, duration_seconds))
    for start, end in zip(starts, ends, strict=True):
        yield Passage(round(start, 3), round(end, 3))


def _cuts(before: _Span, after: _Span) -> range:
    """The heard words behind which one sentence may end and the next begin: the one with the longest pause does.

    Usually a word lies beside a word. Where more or fewer were heard ("sun. A drop" as "sudden drop"), the places of
    the misheard ones do not tell which sentence they belong to.
    """
    recognised_words = after.first_sure - before.last_sure - 1
    if recognised_words != before.words_behind_sure + after.words_before_sure:
        return range(before.last_sure, after.first_sure)
    return range(before.last, after.first)


def _first_start(heard: Sequence[RecognisedWord], index: int) -> float:
    behind_others = _middle(heard, index - 1) if index else 0.0
    return max(behind_others, heard[index].start_seconds - MARGIN_SECONDS)


def _last_end(heard: Sequence[RecognisedWord], index: int, duration_seconds: float) -> float:
    before_others = _middle(heard, index) if index + 1 < len(heard) else duration_seconds
    return min(before_others, heard[index].end_seconds + MARGIN_SECONDS)


def _pause_seconds(heard: Sequence[RecognisedWord], index: int) -> float:
    """Behind word ``index``."""
    return heard[index + 1].start_seconds - heard[index].end_seconds


def _middle(heard: Sequence[RecognisedWord], index: int) -> float:
    """Of the pause behind word ``index``."""
    return (heard[index].end_seconds + heard[index + 1].start_seconds) / 2


def _word_places(said: Sequence[str], heard: Sequence[str]) -> list[int | None]:
    """For each word of the script the index of the heard word beside it: no two the same, in order; None where the
    script has a word more.

    A row of the table at a time, so that 10,000 words (an hour) take a second and 100 MB.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys([*said, *heard]))}
    recognised_numbers = np.array([numbers[word] for word in heard], np.int32)
    columns = np.arange(len(heard) + 1, dtype=np.int32)
    row = columns.copy()  # cheapest ways to have laid no script words beside so many heard ones
    steps = np.zeros((len(said), len(heard) + 1), np.uint8)
    for index, word in enumerate(said):
        beside = row[:-1] + (recognised_numbers != numbers[word])
        skipped = row + 1
        best = skipped.copy()
        np.minimum(best[1:], beside, out=best[1:])
        best = np.minimum.accumulate(best - columns) + columns  # heard words that the script lacks: one each
        steps[index, 1:] = np.where(best[1:] == beside, _BESIDE, np.where(best[1:] == skipped[1:], _SKIP, _EXTRA))
        steps[index, 0] = _SKIP
        row = best
    return _traced(steps)


_BESIDE, _SKIP, _EXTRA = 0, 1, 2


def _traced(steps: NDArray[np.uint8]) -> list[int | None]:
    places: list[int | None] = [None] * len(steps)
    index, column = len(steps) - 1, steps.shape[1] - 1 if len(steps) else 0
    while index >= 0:
        step = steps[index, column]
        if step == _BESIDE:
            places[index] = column - 1
        index -= step != _EXTRA
        column -= step != _SKIP
    return places
