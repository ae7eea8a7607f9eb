"""Reading rules: each reads one kind of written text; a reader applies many in one pass and keeps the offsets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and the function that returns the spoken text for its match.

    Patterns have no named groups and no back references, because they are joined into one.
    """

    pattern: re.Pattern[str]
    reading: Callable[[re.Match[str]], str]


def rule(pattern: str, reading: str | Callable[[re.Match[str]], str]) -> Rule:
    """Return a rule with that pattern and reading; a constant reading may be given as text."""
    if isinstance(reading, str):
        constant = reading
        return Rule(re.compile(pattern), lambda _match: constant)
    return Rule(re.compile(pattern), reading)


@dataclass(frozen=True, slots=True)
class SpokenForm:
    """The spoken text, and the written characters that each spoken character comes from.

    ``origins[i]`` is the half-open range of the written text that ``text[i]`` stands for: one character where the text
    is read as written, otherwise all characters that were replaced.
    """

    text: str
    origins: tuple[tuple[int, int], ...]  # (len(text),)

    def written_range(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of written characters of ``text[start:end]``, ignoring punctuation around words."""
        within = range(start, end)
        sounding = [position for position in within if _sounds(self.text[position])] or list(within)
        origins = [self.origins[position] for position in sounding]
        return min(first for first, _ in origins), max(last for _, last in origins)


class Reader:
    """Applies rules to a text from left to right; where several match at one position, the first of them wins."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        parts = (f"(?P<rule{number}>{rule_.pattern.pattern})" for number, rule_ in enumerate(self._rules))
        self._any = re.compile("|".join(parts))

    def read(self, written: str) -> SpokenForm:
        """Return the spoken form of a text. White space is collapsed, and stripped at the ends."""
        characters: list[str] = []
        origins: list[tuple[int, int]] = []
        position = 0
        for candidate in self._any.finditer(written):
            _copy(written, position, candidate.start(), characters, origins)
            matching = self._rules[int((candidate.lastgroup or "")[len("rule") :])]
            match = matching.pattern.match(written, candidate.start())
            if match is None:  # the joined pattern matched at this very position
                raise AssertionError(f"rule {matching.pattern.pattern!r} does not match alone")
            for character in matching.reading(match):
                _append(character, match.span(), characters, origins)
            position = match.end()
        _copy(written, position, len(written), characters, origins)
        while characters and characters[-1] == " ":
            characters.pop()
            origins.pop()
        return SpokenForm("".join(characters), tuple(origins))


def aligned(spoken: str, form: SpokenForm, written: str) -> SpokenForm:
    """Return a spoken text of another source with offsets.

    They are exact when it equals the text of ``form``, and spread evenly over the written words otherwise.
    """
    if spoken == form.text:
        return form
    spoken_words = list(re.finditer(r"\S+", spoken))
    spans = [word.span() for word in re.finditer(r"\S+", written)] or [(0, len(written))]
    origins = [(0, len(written))] * len(spoken)
    for number, word in enumerate(spoken_words):
        origins[word.start() : word.end()] = [spans[number * len(spans) // len(spoken_words)]] * len(word.group())
    return SpokenForm(spoken, tuple(origins))


def word_ranges(form: SpokenForm, written: str) -> list[tuple[int, int, int, int]]:
    """Return the words of a spoken form: (spoken start, spoken end, written start, written end).

    Several spoken words that come from one written word ("1,250", "H₂O") are one word here; spoken parts without a
    letter or digit are omitted.
    """
    words: list[tuple[int, int, int, int]] = []
    for match in re.finditer(r"[^\s—…]+", form.text):
        if not any(_sounds(character) for character in match.group()):
            continue
        start, end = _with_last_stop(written, *form.written_range(*match.span()))
        if words and _is_one_word(written, words[-1][3], start):
            spoken_start, _, first, last = words[-1]
            words[-1] = (spoken_start, match.end(), first, max(last, end))
        else:
            words.append((*match.span(), start, end))
    return words


def _with_last_stop(written: str, start: int, end: int) -> tuple[int, int]:
    """Extend the range by the full stop of an abbreviation such as "U.S."."""
    return start, end + (written[end : end + 1] == "." and bool(re.fullmatch(r"(?:\w\.)+\w", written[start:end])))


def _is_one_word(written: str, end_of_last: int, start: int) -> bool:
    between = written[end_of_last:start]
    return not between or not re.search(r"[\s—…]", between)


def _sounds(character: str) -> bool:
    return character.isalnum()


def _copy(written: str, start: int, end: int, characters: list[str], origins: list[tuple[int, int]]) -> None:
    for position in range(start, end):
        _append(written[position], (position, position + 1), characters, origins)


def _append(character: str, origin: tuple[int, int], characters: list[str], origins: list[tuple[int, int]]) -> None:
    if character.isspace():
        if not characters or characters[-1] == " ":
            return
        character = " "
    elif character in ".,;:!?" and characters and characters[-1] == " ":
        characters.pop()
        origins.pop()
    characters.append(character)
    origins.append(origin)
