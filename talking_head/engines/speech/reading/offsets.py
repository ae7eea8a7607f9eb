"""A spoken text and the written characters that each of its characters stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# In front of a letter in the words of a reading: the letter is said by its name ("a plus b"), it is no article.
LETTER_MARK = "\ue000"


@dataclass(frozen=True, slots=True)
class SpokenForm:
    """What is said, and which written characters each spoken character comes from.

    ``origins[i]`` is the half-open range of the written text that ``text[i]`` stands for: one character where the text
    is read as it is written, the whole of what was replaced otherwise. ``letters`` are the places in ``text`` of single
    letters that are said by their names.
    """

    text: str
    origins: tuple[tuple[int, int], ...]  # (len(text),)
    letters: frozenset[int] = frozenset()

    def written_range(self, start: int, end: int) -> tuple[int, int]:
        """Return the written characters behind ``text[start:end]``; punctuation around words does not count."""
        within = range(start, end)
        sounding = [position for position in within if _sounds(self.text[position])] or list(within)
        origins = [self.origins[position] for position in sounding]
        return min(first for first, _ in origins), max(last for _, last in origins)


@dataclass(slots=True)
class FormWriter:
    """Collects the characters of a spoken form. White space is collapsed; there is none at the ends."""

    characters: list[str] = field(default_factory=list)
    origins: list[tuple[int, int]] = field(default_factory=list)
    letters: set[int] = field(default_factory=set)
    _letter_follows: bool = False

    def add(self, character: str, origin: tuple[int, int]) -> None:
        """Append one character that stands for the written range ``origin``."""
        if character == LETTER_MARK:
            self._letter_follows = True
            return
        if character.isspace():
            if not self.characters or self.characters[-1] == " ":
                return
            character = " "
        elif character in ".,;:!?" and self.characters and self.characters[-1] == " ":
            is_written_so = self.origins[-1] == (origin[0] - 1, origin[0])
            if not (character == "!" and is_written_so):  # "x != 5"
                self._drop_last()
        if self._letter_follows and character.isalpha():
            self.letters.add(len(self.characters))
        self._letter_follows = False
        self.characters.append(character)
        self.origins.append(origin)

    def _drop_last(self) -> None:
        self.characters.pop()
        self.origins.pop()

    def form(self) -> SpokenForm:
        """Return what was collected."""
        while self.characters and self.characters[-1] == " ":
            self._drop_last()
        return SpokenForm("".join(self.characters), tuple(self.origins), frozenset(self.letters))


def composed(outer: SpokenForm, inner: SpokenForm) -> SpokenForm:
    """Return ``outer``, a form of ``inner.text``, with the offsets of the text that ``inner`` is a form of."""
    origins = []
    for start, end in outer.origins:
        within = inner.origins[start:end]
        origins.append((min(first for first, _ in within), max(last for _, last in within)))
    return SpokenForm(outer.text, tuple(origins), outer.letters)


def aligned(spoken: str, form: SpokenForm, written: str) -> SpokenForm:
    """Return the offsets for a spoken text from another source: exact when it is the form itself, spread evenly over
    the written words otherwise."""
    if spoken == form.text:
        return form
    said = list(re.finditer(r"\S+", spoken))
    stood = [word.span() for word in re.finditer(r"\S+", written)] or [(0, len(written))]
    origins = [(0, len(written))] * len(spoken)
    for number, word in enumerate(said):
        origins[word.start() : word.end()] = [stood[number * len(stood) // len(said)]] * len(word.group())
    return SpokenForm(spoken, tuple(origins))


def word_ranges(form: SpokenForm, written: str) -> list[tuple[int, int, int, int]]:
    """Return the words of a spoken form: (spoken start, spoken end, written start, written end).

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
    """Return the range with the full stop that is part of an abbreviation such as "U.S."."""
    return start, end + (written[end : end + 1] == "." and bool(re.fullmatch(r"(?:\w\.)+\w", written[start:end])))


def _is_one_word(written: str, end_of_last: int, start: int) -> bool:
    between = written[end_of_last:start]
    return not between or not re.search(r"[\s—…]", between)


def _sounds(character: str) -> bool:
    return character.isalnum()
