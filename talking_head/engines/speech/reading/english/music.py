"""Music: time signatures, notes, dynamics."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.numbers import cardinal, one_of
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_NOTES = {
    "𝅝": "whole note", "𝅗𝅥": "half note", "♩": "quarter note", "♪": "eighth note", "♫": "eighth notes",
    "𝅘𝅥𝅮": "eighth note", "𝅘𝅥𝅯": "sixteenth note",
}  # fmt: skip
_DYNAMICS = {
    "ppp": "pianississimo", "pp": "pianissimo", "mp": "mezzo piano", "mf": "mezzo forte", "ff": "fortissimo",
    "fff": "fortississimo", "sfz": "sforzando", "fp": "forte piano", "sf": "sforzando",
}  # fmt: skip
_IN_MUSIC = re.compile(
    r"\b(?:play\w*|sing\w*|sung|bars?|measures?|crescendo|diminuendo|loud|soft|forte|piano|dynamics?|phrase|notes?"
    r"|marked|marking|score|orchestra|strings|melody|music\w*|mf|pp|ff|mp)\b",
    re.IGNORECASE,
)
_SIGNATURE_BEFORE = re.compile(
    r"\b(?:time signatures?|signature (?:is|of)|meter|metre|waltz(?:es)?|march(?:es)?|jig|song|piece|music|played"
    r"|counted|written)\b[^.;\d]{0,24}(?:\d/\d (?:to|and|or) )?$",
    re.IGNORECASE,
)
_ACCIDENTALS = {"♯": "sharp", "#": "sharp", "♭": "flat", "b": "flat", "♮": "natural"}


def _signature(match: re.Match[str]) -> Words | None:
    """Return "three four" for 3/4 where the sentence speaks of a time signature."""
    if int(match[2]) not in (1, 2, 4, 8, 16, 32):
        return None
    named = re.match(r"[\s-](?:time|meter|metre|signature|measure|bars?\b|beat)", right(match))
    if not (named or _SIGNATURE_BEFORE.search(left(match))):
        return None
    return f"{cardinal(match[1])} {cardinal(match[2])}"


def _dynamics(match: re.Match[str]) -> Words | None:
    """Return "mezzo forte" for mf where the sentence speaks of music."""
    return _DYNAMICS[match[1]] if _IN_MUSIC.search(left(match, 60)) or _IN_MUSIC.search(right(match, 60)) else None


def _key(match: re.Match[str]) -> Words:
    """Return "B flat"; the letter keeps its name."""
    return f"{letters(match[1])} {_ACCIDENTALS[match[2]]}"


MUSIC = SpanClass(
    "music",
    (
        rule(r"(?<![\w./])(\d{1,2})/(\d{1,2})(?![\w/]|\.\d)", _signature),
        rule(rf"({one_of(_NOTES)})(?=\s?=)", lambda match: f"{_NOTES[match[1]]}"),
        rule(rf"(?<![\w.])({one_of(_DYNAMICS)})(?![\w.])(?!\s\d)", _dynamics),
        rule(r"(?<![\w-])([A-G])([♯♭♮])", _key),
        rule(
            r"(?<![\w-])([A-G])([#b])(?=[\s-](?:major|minor|maj|min|scale|chord|key|note|string|in the|and)\b|m\b|7)",
            _key,
        ),
    ),
    re.compile(r"\d/\d|[♩♪♫𝅝𝅗♯♭♮]|[mpfs][pfz]|[A-G][#b]"),
)
