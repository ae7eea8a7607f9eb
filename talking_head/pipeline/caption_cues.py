"""Splits one utterance into caption cues: at most two short lines each, broken at natural places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from talking_head.engines.base import TimedWord
from talking_head.engines.speech.reading.spoken_form import plain_form

LINE_CHARACTERS = 42  # what subtitle guides agree on (BBC 37, Netflix 42)
LINES = 2
_CLAUSE_END = re.compile(r"[,;:.!?…—–][\"'”’)\]]*$")
_MIN_CLAUSE_FILL = 0.5  # a cue at least this full may end at a clause


@dataclass(frozen=True, slots=True)
class CueWord:
    """A word of a caption with its punctuation."""

    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Cue:
    lines: tuple[tuple[CueWord, ...], ...]  # one or two
    start_seconds: float
    end_seconds: float


def cues_of(
    text: str, words: Sequence[TimedWord], start_seconds: float, end_seconds: float, hold_seconds: float
) -> list[Cue]:
    """Return the cues of one utterance, whose words are spoken between the two times. They never overlap.

    A cue stays for ``hold_seconds`` after its last word where there is time. Without any words (a silent fallback) the
    text is spread over the whole time by its length.
    """
    cue_words = _cue_words(text, words, start_seconds, end_seconds)
    groups = _groups(cue_words)
    cues: list[Cue] = []
    for number, group in enumerate(groups):
        latest = groups[number + 1][0].start_seconds if number + 1 < len(groups) else end_seconds
        start = max(group[0].start_seconds, cues[-1].end_seconds if cues else start_seconds)
        end = min(max(word.end_seconds for word in group) + hold_seconds, latest)
        if end > start:
            cues.append(Cue(_lines(group), start, end))
    return cues


def _cue_words(text: str, words: Sequence[TimedWord], start_seconds: float, end_seconds: float) -> list[CueWord]:
    """Return the text's words as shown, each with the times of its spoken words; a silent one joins the one before."""
    plain = plain_form(text)
    shown = [(match.group(), *_origin(plain.origins, *match.span())) for match in re.finditer(r"\S+", plain.text)]
    if not words:
        return _spread([part for shown_word, _, _ in shown for part in _parts(shown_word)], start_seconds, end_seconds)
    timed: list[CueWord] = []
    position = 0
    for shown_text, start, end in shown:
        while position < len(words) - 1 and words[position].end <= start:
            position += 1
        last = position
        while last < len(words) - 1 and words[last + 1].start < end:
            last += 1
        first_word, last_word = words[position], words[last]
        sounds = first_word.start < end and last_word.end > start
        after = timed[-1].end_seconds if timed else first_word.start_seconds
        begin = max(first_word.start_seconds, timed[-1].start_seconds if timed else 0.0) if sounds else after
        finish = max(last_word.end_seconds, begin) if sounds else after
        timed += _spread(_parts(shown_text), begin, finish)
    return timed


def _origin(origins: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    return origins[start][0], origins[end - 1][1]


def _parts(word: str) -> list[str]:
    """Cut a word that is longer than a line (an address) into parts of at most one line."""
    return [word[index : index + LINE_CHARACTERS] for index in range(0, len(word), LINE_CHARACTERS)]


def _spread(words: list[str], start_seconds: float, end_seconds: float) -> list[CueWord]:
    total = sum(len(word) + 1 for word in words)
    spread: list[CueWord] = []
    passed = 0
    for word in words:
        begin = start_seconds + (end_seconds - start_seconds) * passed / total
        passed += len(word) + 1
        spread.append(CueWord(word, begin, start_seconds + (end_seconds - start_seconds) * passed / total))
    return spread


def _groups(words: list[CueWord]) -> list[list[CueWord]]:
    """Return the words of each cue: as many as fit, but preferably up to the end of a clause."""
    groups: list[list[CueWord]] = []
    while words:
        count = 1
        while count < len(words) and _line_break(words[: count + 1]) is not None:
            count += 1
        if count < len(words):
            ends = [index for index in range(1, count + 1) if _CLAUSE_END.search(words[index - 1].text)]
            if ends and _width(words[: ends[-1]]) >= _MIN_CLAUSE_FILL * LINES * LINE_CHARACTERS:
                count = ends[-1]
        groups.append(words[:count])
        words = words[count:]
    return groups


def _lines(words: list[CueWord]) -> tuple[tuple[CueWord, ...], ...]:
    index = _line_break(words) or 0
    return (tuple(words[:index]), tuple(words[index:])) if 0 < index < len(words) else (tuple(words),)


def _line_break(words: list[CueWord]) -> int | None:
    """Return where the second line begins: ``len(words)`` when one line is enough, None when two are too few.

    Lines are about equally long, and preferably broken after a clause.
    """
    if _width(words) <= LINE_CHARACTERS:
        return len(words)
    best: tuple[float, int] | None = None
    for index in range(1, len(words)):
        upper, lower = _width(words[:index]), _width(words[index:])
        if max(upper, lower) > LINE_CHARACTERS:
            continue
        cost = abs(upper - lower) - (12 if _CLAUSE_END.search(words[index - 1].text) else 0)
        if best is None or cost < best[0]:
            best = (cost, index)
    return best[1] if best else None


def _width(words: Sequence[CueWord]) -> int:
    return sum(len(word.text) for word in words) + len(words) - 1
