"""Text -> classified spans -> words: every kind of written expression is seen whole and read once.

A *reading* turns the match of a pattern into words. It returns text, or a sequence of texts and of ``Again`` parts that
are read by the same rules, or None when the match is not an expression of its kind after all. The classes of a language
take characters in the order of precedence in which they are listed; within a class the longest match at a place wins.
Characters that no class takes are said as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from talking_head.engines.speech.reading.offsets import FormWriter, SpokenForm

# A match that overlaps characters that are taken, or that a reading declines, is searched anew from its next character
# when it is short and from its end when it is long: so the work stays linear in the text.
_SHORT_MATCH_CHARACTERS = 80
# "1,250", "3.14", "1.2.3" and "1250": no expression begins or ends within figures that their separators join. Only what
# is longer than any number is read in parts.
_FIGURES = re.compile(r"\d+(?:[.,]\d+)*")
LONGEST_FIGURES = 400
_DEEPEST = 12  # parts within parts: brackets within fractions within roots


@dataclass(frozen=True, slots=True)
class Again:
    """A part of a reading that is read by the rules in its turn. ``start`` is its place in the text when it stands
    there as it is; its words then belong to their own characters, otherwise to the whole span. What is ``verbatim`` is
    kept and not read again."""

    text: str
    start: int = -1
    verbatim: bool = False


Words = str | Sequence[str | Again]
Reading = Callable[[re.Match[str]], Words | None]


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``[start, end)`` of a text, the kind of expression that they are, and the words for it."""

    start: int
    end: int
    kind: str
    words: Words


@dataclass(frozen=True, slots=True)
class Rule:
    """One form that an expression is written in, and how it is read."""

    pattern: re.Pattern[str]
    reading: Reading


def rule(pattern: str, reading: str | Reading, flags: int = 0) -> Rule:
    """Return a rule from a pattern and its reading; a constant reading may be given as text."""
    if isinstance(reading, str):
        constant = reading
        return Rule(re.compile(pattern, flags), lambda _match: constant)
    return Rule(re.compile(pattern, flags), reading)


def inner(match: re.Match[str], group: int) -> Again:
    """Return a group of a match as a part that is read again and keeps its own characters."""
    return Again(match[group], match.start(group))


def left(match: re.Match[str], count: int = 40) -> str:
    """Return up to ``count`` characters before a match."""
    return match.string[max(0, match.start() - count) : match.start()]


def right(match: re.Match[str], count: int = 40) -> str:
    """Return up to ``count`` characters behind a match."""
    return match.string[match.end() : match.end() + count]


def verbatim(match: re.Match[str]) -> Words:
    """Return a match as it is written."""
    return [Again(match.group(), match.start(), verbatim=True)]


class Claims:
    """Which characters of a text belong to a span, and which places lie inside a number."""

    def __init__(self, text: str) -> None:
        self._taken = bytearray(len(text))
        self._inside = bytearray(len(text) + 1)
        for match in _FIGURES.finditer(text):
            start, end = match.span()
            if end - start <= LONGEST_FIGURES:
                self._inside[start + 1 : end] = b"\x01" * (end - start - 1)

    def splits_number(self, start: int, end: int) -> bool:
        """Return whether ``[start, end)`` begins or ends in the middle of a number."""
        return bool(self._inside[start] or self._inside[end])

    def first_taken(self, start: int, end: int) -> int:
        """Return the first taken place in ``[start, end)``, -1 if all are free."""
        return self._taken.find(1, start, end)

    def free_from(self, place: int) -> int:
        """Return the first free place at or after ``place``."""
        free = self._taken.find(0, place)
        return len(self._taken) if free < 0 else free

    def take(self, start: int, end: int) -> None:
        """Mark the characters ``[start, end)`` as taken."""
        self._taken[start:end] = b"\x01" * (end - start)


class Finder(Protocol):
    """Finds the spans of one kind in what is free of a text."""

    def find(self, text: str, claims: Claims, spans: Sequence[Span]) -> Iterable[Span]:
        """Return candidates in any order; ``spans`` are those found before."""


@dataclass(frozen=True, slots=True)
class SpanClass:
    """A kind of expression: the forms that it is written in. A text in which ``needs`` matches nothing has none."""

    kind: str
    rules: tuple[Rule, ...]
    needs: re.Pattern[str] | None = None

    def find(self, text: str, claims: Claims, spans: Sequence[Span]) -> Iterable[Span]:
        """Return the matches of all rules that lie in free characters."""
        if self.needs and not self.needs.search(text):
            return []
        return [span for each in self.rules for span in self._matches(each, text, claims)]

    def _matches(self, each: Rule, text: str, claims: Claims) -> Iterable[Span]:
        position = 0
        while match := each.pattern.search(text, position):
            start, end = match.span()
            position = max(end, start + 1)
            taken = claims.first_taken(start, end)
            free = taken < 0 and start < end and not claims.splits_number(start, end)
            words = each.reading(match) if free else None
            if words is not None:
                yield Span(start, end, self.kind, words)
            elif taken == start:
                position = claims.free_from(start)
            elif end - start <= _SHORT_MATCH_CHARACTERS:
                position = start + 1


def spans_of(text: str, classes: Iterable[Finder]) -> list[Span]:
    """Return the spans of a text in order. They never overlap."""
    claims = Claims(text)
    spans: list[Span] = []
    for each in classes:
        candidates = sorted(each.find(text, claims, spans), key=lambda span: (span.start, -span.end))
        reached = 0
        for span in candidates:
            if span.start >= reached:
                claims.take(span.start, span.end)
                reached = span.end
                spans.append(span)
    return sorted(spans, key=lambda span: span.start)


class Reader:
    """Reads texts by the classes of one language."""

    def __init__(self, classes: Iterable[Finder]) -> None:
        self._classes = tuple(classes)

    def spans(self, written: str) -> list[Span]:
        """Return the spans of a text in order."""
        return spans_of(written, self._classes)

    def read(self, written: str) -> SpokenForm:
        """Return the spoken form of a text."""
        writer = FormWriter()
        self._write(written, writer, None, 0)
        return writer.form()

    def _write(
        self, text: str, writer: FormWriter, origin: tuple[int, int] | None, offset: int, depth: int = 0
    ) -> None:
        """Append what is said for a text that stands at ``offset``, or that stands for ``origin`` as a whole."""
        position = 0
        for span in self.spans(text):
            self._keep(text, position, span.start, writer, origin, offset)
            whole = origin or (span.start + offset, span.end + offset)
            for part in [span.words] if isinstance(span.words, str) else span.words:
                if isinstance(part, str):
                    for character in part:
                        writer.add(character, whole)
                elif part.verbatim:
                    self._keep(text, part.start, part.start + len(part.text), writer, origin, offset)
                elif part.text == text or depth == _DEEPEST:
                    self._keep(text, span.start, span.end, writer, origin, offset)
                elif part.start < 0:
                    self._write(part.text, writer, whole, 0, depth + 1)
                else:
                    self._write(part.text, writer, origin, offset + part.start, depth + 1)
            position = span.end
        self._keep(text, position, len(text), writer, origin, offset)

    @staticmethod
    def _keep(text: str, start: int, end: int, writer: FormWriter, origin: tuple[int, int] | None, offset: int) -> None:
        for place in range(start, end):
            writer.add(text[place], origin or (place + offset, place + offset + 1))
