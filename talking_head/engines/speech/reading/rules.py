"""A rule says how one kind of written thing is read; a reader applies many rules in one pass and keeps the offsets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """``reading`` gets the match of ``pattern`` and returns what is said instead. Patterns have no named groups and no
    back references, because they are joined into one."""

    pattern: re.Pattern[str]
    reading: Callable[[re.Match[str]], str]


def rule(pattern: str, reading: str | Callable[[re.Match[str]], str]) -> Rule:
    """A rule from a pattern and its reading; a constant reading may be given as text."""
    if isinstance(reading, str):
        constant = reading
        return Rule(re.compile(pattern), lambda _match: constant)
    return Rule(re.compile(pattern), reading)


@dataclass(frozen=True, slots=True)
class SpokenForm:
    """What is said, and which written characters each spoken character comes from.

    ``origins[i]`` is the half-open range of the written text that ``text[i]`` stands for: one character where the text
    is read as it is written, the whole of what was replaced otherwise.
    """

    text: str
    origins: tuple[tuple[int, int], ...]  # (len(text),)

    def written_range(self, start: int, end: int) -> tuple[int, int]:
        """The written characters behind ``text[start:end]``; punctuation around words does not count."""
        within = range(start, end)
        sounding = [position for position in within if _sounds(self.text[position])] or list(within)
        origins = [self.origins[position] for position in sounding]
        return min(first for first, _ in origins), max(last for _, last in origins)


class Reader:
    """Applies rules to a text from left to right; where several match at one place, the first of them counts."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        parts = (f"(?P<rule{number}>{each.pattern.pattern})" for number, each in enumerate(self._rules))
        self._any = re.compile("|".join(parts))

    def read(self, written: str) -> SpokenForm:
        """The spoken form of a text. White space is collapsed; there is none at the ends."""
        characters: list[str] = []
        origins: list[tuple[int, int]] = []
        position = 0
        for found in self._any.finditer(written):
            _keep(written, position, found.start(), characters, origins)
            chosen = self._rules[int((found.lastgroup or "")[len("rule") :])]
            match = chosen.pattern.match(written, found.start())
            if match is None:  # the joined pattern found it at this very place
                raise AssertionError(f"rule {chosen.pattern.pattern!r} does not match alone")
            for character in chosen.reading(match):
                _append(character, match.span(), characters, origins)
            position = match.end()
        _keep(written, position, len(written), characters, origins)
        while characters and characters[-1] == " ":
            characters.pop()
            origins.pop()
        return SpokenForm("".join(characters), tuple(origins))


def aligned(spoken: str, form: SpokenForm, written: str) -> SpokenForm:
    """The offsets for a spoken text that somebody else wrote: exact when it is the form itself, spread evenly over the
    written words otherwise."""
    if spoken == form.text:
        return form
    said = list(re.finditer(r"\S+", spoken))
    stood = [word.span() for word in re.finditer(r"\S+", written)] or [(0, len(written))]
    origins = [(0, len(written))] * len(spoken)
    for number, word in enumerate(said):
        origins[word.start() : word.end()] = [stood[number * len(stood) // len(said)]] * len(word.group())
    return SpokenForm(spoken, tuple(origins))


def word_ranges(form: SpokenForm, written: str) -> list[tuple[int, int, int, int]]:
    """The words of a spoken form: (spoken start, spoken end, written start, written end).

    Several spoken words that come from one written word ("1,250", "H₂O") are one word here; spoken parts without any
    letter or digit are left out.
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
    """ "U.S." ends with a full stop of its own."""
    return start, end + (written[end : end + 1] == "." and bool(re.fullmatch(r"(?:\w\.)+\w", written[start:end])))


def _is_one_word(written: str, end_of_last: int, start: int) -> bool:
    between = written[end_of_last:start]
    return not between or not re.search(r"[\s—…]", between)


def _sounds(character: str) -> bool:
    return character.isalnum()


def _keep(written: str, start: int, end: int, characters: list[str], origins: list[tuple[int, int]]) -> None:
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
