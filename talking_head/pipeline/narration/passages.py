"""Finds the passages of a narration: where in a recording each utterance of the script is said.

The recording was transcribed once, which gave every word its time (:mod:`talking_head.engines.speech.recognition`).
Here the script's words are matched with the recognised ones with the fewest changes (Levenshtein), as in a word error
rate. A misrecognised word still has its position, so a recogniser that gets half of the words right is good enough to
find sentences. Nothing is transcribed again, and changing one sentence moves no other passage.

Several words in a row that the recording has and the script lacks are left out: a sentence deleted from the transcript
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

MIN_CUT_WORDS = 3  # recognised in a row and not in the script: fewer may be one misrecognised word of it
MISRECOGNISED_WORDS = 2  # at either end of a sentence: so many may turn out to be its neighbour's
MARGIN_SECONDS = 0.35  # of the recording kept before its first word and after its last
JUDGED_WORDS = 4  # a shorter sentence may be misrecognised completely
LEAST_FOUND_SHARE = 0.2  # of a sentence's letters in words that were recognised as they are written
# The same share over the whole text. Below the first it is another text. Below the second so much was misrecognised
# (noise, an accent) that a single sentence proves nothing: then the renderer's aligner, which knows the words, decides.
ANOTHER_TEXT_SHARE, WELL_RECOGNISED_SHARE = 0.12, 0.5
QUOTED_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the recording. Rounded to milliseconds, because it takes part in cache keys."""

    start_seconds: float
    end_seconds: float


def narration_to_passages(
    spoken: Sequence[str], recognised: Sequence[RecognisedWord], duration_seconds: float
) -> list[Passage | None]:
    """Return the passage of each utterance; None for those in which nothing is said.

    Args:
        spoken: what is said in each utterance, in order; empty where nothing is.
        recognised: the recording's words, in order.
        duration_seconds: of the recording.

    Raises:
        ScriptError: ``audio_text_mismatch``, with the sentences that are not in the recording.
    """
    texts = [aligner_words(text) for text in spoken]
    said = [(index, position, word) for index, words in enumerate(texts) for position, word in enumerate(words)]
    indexes = _matched_indexes([word for _, _, word in said], [_normal(word.text) for word in recognised])
    matches: dict[int, list[_Match]] = {index: [] for index, words in enumerate(texts) if words}
    for (index, position, word), matched in zip(said, indexes, strict=True):
        if matched is not None:
            is_exact = word == _normal(recognised[matched].text)
            matches[index].append(_Match(position, matched, is_exact, len(word)))
    _refuse_missing(spoken, texts, matches)
    spans = [_span(sentence_matches, len(texts[index])) for index, sentence_matches in matches.items()]
    bounds = _bounds(spans, recognised, duration_seconds)
    passages = dict(zip(matches, bounds, strict=True))
    return [passages.get(index) for index in range(len(spoken))]


@dataclass(frozen=True, slots=True)
class _Match:
    """A word of the script with its recognised counterpart."""

    position: int  # in its sentence
    recognised_index: int
    is_exact: bool
    letters: int


@dataclass(frozen=True, slots=True)
class _Span:
    """Recognised words, by their indexes: those matched with a sentence, and those that surely belong to it."""

    first: int
    first_sure: int
    last_sure: int
    last: int
    words_before_sure: int  # of the sentence
    words_after_sure: int


def _span(matches: Sequence[_Match], word_count: int) -> _Span:
    exact = [match for match in matches if match.is_exact] or matches
    begin = exact[0] if exact[0].position <= MISRECOGNISED_WORDS else matches[0]
    end = exact[-1] if exact[-1].position >= word_count - 1 - MISRECOGNISED_WORDS else matches[-1]
    return _Span(
        matches[0].recognised_index,
        begin.recognised_index,
        end.recognised_index,
        matches[-1].recognised_index,
        begin.position,
        word_count - 1 - end.position,
    )


def _normal(word: str) -> str:
    return "".join(aligner_words(word)) or word.lower()


def _refuse_missing(spoken: Sequence[str], texts: Sequence[list[str]], matches: dict[int, list[_Match]]) -> None:
    all_matches = (match for sentence_matches in matches.values() for match in sentence_matches)
    share = _exact_letters(all_matches) / max(1, _letters(texts))
    if matches and share < ANOTHER_TEXT_SHARE:
        raise ScriptError(
            "The recording does not match the text.",
            code="audio_text_mismatch",
            hint="Read the transcript and correct the text to match the recording, or record it again.",
        )
    missing = [
        index
        for index, sentence_matches in matches.items()
        if not _is_said(texts[index], sentence_matches, share >= WELL_RECOGNISED_SHARE)
    ]
    if not missing:
        return
    quoted = " ".join(spoken[missing[0]].split())
    shown = quoted if len(quoted) <= QUOTED_CHARACTERS else quoted[: QUOTED_CHARACTERS - 1] + "…"
    others = f", nor {len(missing) - 1} other sentences" if len(missing) > 2 else ", nor one other sentence"
    raise ScriptError(
        f"The recording does not contain “{shown}”{others if len(missing) > 1 else ''}.",
        code="audio_text_mismatch",
        hint="Correct the text to match the recording, delete the sentence, or record it again.",
    )


def _is_said(words: Sequence[str], matches: Sequence[_Match], is_well_recognised: bool) -> bool:
    if not matches or not is_well_recognised or len(words) < JUDGED_WORDS:
        return bool(matches)
    return _exact_letters(matches) >= LEAST_FOUND_SHARE * _letters([words])


def _exact_letters(matches: Iterable[_Match]) -> int:
    return sum(match.letters for match in matches if match.is_exact)


def _letters(texts: Iterable[Sequence[str]]) -> int:
    return sum(len(word) for words in texts for word in words)


def _bounds(spans: Sequence[_Span], recognised: Sequence[RecognisedWord], duration_seconds: float) -> Iterator[Passage]:
    """Yield the passages, based on their first and last recognised words."""
    if not spans:
        return
    starts, ends = [_first_start(recognised, spans[0].first)], []
    for before, after in pairwise(spans):
        if after.first - before.last - 1 >= MIN_CUT_WORDS:
            ends.append(_middle(recognised, before.last))
            starts.append(_middle(recognised, after.first - 1))
        else:
            ends.append(
                _middle(recognised, max(_cuts(before, after), key=lambda index: _pause_seconds(recognised, index)))
            )
            starts.append(ends[-1])
    ends.append(_last_end(recognised, spans[-1].last, duration_seconds))
    for start, end in zip(starts, ends, strict=True):
        yield Passage(round(start, 3), round(end, 3))


def _cuts(before: _Span, after: _Span) -> range:
    """Return the recognised words after which one sentence may end and the next begin: the longest pause decides.

    Usually a word matches a word. Where more or fewer were recognised ("sun. A drop" as "sudden drop"), the positions
    of the misrecognised ones do not tell which sentence they belong to.
    """
    recognised_words = after.first_sure - before.last_sure - 1
    if recognised_words != before.words_after_sure + after.words_before_sure:
        return range(before.last_sure, after.first_sure)
    return range(before.last, after.first)


def _first_start(recognised: Sequence[RecognisedWord], index: int) -> float:
    after_others = _middle(recognised, index - 1) if index else 0.0
    return max(after_others, recognised[index].start_seconds - MARGIN_SECONDS)


def _last_end(recognised: Sequence[RecognisedWord], index: int, duration_seconds: float) -> float:
    before_others = _middle(recognised, index) if index + 1 < len(recognised) else duration_seconds
    return min(before_others, recognised[index].end_seconds + MARGIN_SECONDS)


def _pause_seconds(recognised: Sequence[RecognisedWord], index: int) -> float:
    """Return the length of the pause after word ``index``."""
    return recognised[index + 1].start_seconds - recognised[index].end_seconds


def _middle(recognised: Sequence[RecognisedWord], index: int) -> float:
    """Return the middle of the pause after word ``index``."""
    return (recognised[index].end_seconds + recognised[index + 1].start_seconds) / 2


def _matched_indexes(said: Sequence[str], recognised: Sequence[str]) -> list[int | None]:
    """Return for each word of the script the index of its recognised word, in order and each once, None without one.

    The table is computed a row at a time, so that 10,000 words (an hour) take a second and 100 MB.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys([*said, *recognised]))}
    recognised_numbers = np.array([numbers[word] for word in recognised], np.int32)
    columns = np.arange(len(recognised) + 1, dtype=np.int32)
    row = columns.copy()  # least costs of matching no script words with so many recognised ones
    steps = np.zeros((len(said), len(recognised) + 1), np.uint8)
    for index, word in enumerate(said):
        matched = row[:-1] + (recognised_numbers != numbers[word])
        skipped = row + 1
        best = skipped.copy()
        np.minimum(best[1:], matched, out=best[1:])
        best = np.minimum.accumulate(best - columns) + columns  # recognised words that the script lacks: one each
        steps[index, 1:] = np.where(best[1:] == matched, _MATCH, np.where(best[1:] == skipped[1:], _SKIP, _EXTRA))
        steps[index, 0] = _SKIP
        row = best
    return _trace_back(steps)


_MATCH, _SKIP, _EXTRA = 0, 1, 2


def _trace_back(steps: NDArray[np.uint8]) -> list[int | None]:
    indexes: list[int | None] = [None] * len(steps)
    index, column = len(steps) - 1, steps.shape[1] - 1 if len(steps) else 0
    while index >= 0:
        step = steps[index, column]
        if step == _MATCH:
            indexes[index] = column - 1
        index -= step != _EXTRA
        column -= step != _SKIP
    return indexes
