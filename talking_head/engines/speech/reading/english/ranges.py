"""Ranges: a dash between two expressions that can be counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.numbers import cardinal
from talking_head.engines.speech.reading.english.times import HALF_OF_DAY, clock, full_stop
from talking_head.engines.speech.reading.spans import Claims, Span, SpanClass, Words, left, rule

_DASH = re.compile(r"\s?[-–—−]\s?|\s?\.\.\.?\s?")
_COUNTABLE = frozenset(
    (
        "number",
        "year",
        "decade",
        "money",
        "measure",
        "ordinal",
        "time",
        "date",
        "degrees",
        "fraction",
        "short number",
        "roman",
        "feet and inches",
        "range",
        "name of a day or month",
    )
)


class _DashesBetween:
    """Finds the dashes between two spans that can be counted, which are read "to"."""

    def find(self, text: str, claims: Claims, spans: Sequence[Span]) -> Iterable[Span]:
        """Return the dashes between the spans that were found before."""
        starts = {span.start: span for span in spans if span.kind in _COUNTABLE}
        for span in spans:
            if span.kind not in _COUNTABLE:
                continue
            dash = _DASH.match(text, span.end)
            following = starts.get(dash.end()) if dash else None
            if dash and following and claims.first_taken(*dash.span()) < 0:
                yield Span(*dash.span(), "range", " to ")


def _halves(match: re.Match[str]) -> Words | None:
    """Return the times of "9–11 am"; the half of the day is said once, as it is written."""
    first, first_minute, last, last_minute, half = match.groups()
    if not (1 <= int(first) <= 12 and 1 <= int(last) <= 12):
        return None
    return (
        f"{clock(first, first_minute or '', 'x').removesuffix(' X.M')} to {clock(last, last_minute or '', half)}"
        f"{full_stop(match)}"
    )


def _times(match: re.Match[str]) -> Words | None:
    first, first_minute, last, last_minute = match.groups()
    if int(first) > 24 or int(last) > 24:
        return None
    return f"{clock(first, first_minute, '')} to {clock(last, last_minute, '')}"


_TIMETABLE = re.compile(
    r"\b(?:lessons?|periods?|breaks?|lunch|recess|classe?s?|assembly|registration|sessions?|hours|open|opening|from|club"
    r"|practice|training|rehearsals?|breakfast|dinner|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|daily|shifts?|bell"
    r"|tutorials?|seminars?|lectures?|time)\b[^.;]{0,16}$",
    re.I,
)


def _dotted_times(match: re.Match[str]) -> Words | None:
    """Return the times of "Lesson 2: 9.15–10.00", where the sentence is a timetable."""
    if int(match[1]) > 23 or int(match[3]) > 24 or not _TIMETABLE.search(left(match)):
        return None
    return _times(match)


def _short_year(match: re.Match[str]) -> Words:
    return f" to {'oh ' if match[1][0] == '0' else ''}{cardinal(match[1].lstrip('0') or '0')}"


def _letters(match: re.Match[str]) -> Words:
    return f"{letters(match[1])} to {letters(match[2])}"


TIME_RANGES = SpanClass(
    "range",
    (
        rule(
            rf"(?<![\w.:,$€£-])(\d{{1,2}})(?:[:.](\d{{2}}))?\s?[-–—]\s?(\d{{1,2}})(?:[:.](\d{{2}}))?{HALF_OF_DAY}",
            _halves,
        ),
        rule(r"(?<![\w.:,$€£-])(\d{1,2}):(\d{2})\s?[-–—]\s?(\d{1,2}):(\d{2})(?![\w:.])", _times),
        rule(
            r"(?<![\w.:,$€£-])(\d{1,2})\.([0-5][05])\s?(?:[-–—]|to|until)\s?(\d{1,2})\.([0-5][05])"
            r"(?![\w:%]|\.\d| ?(?:[kcm]?m|k?g|m?l|s|pm|am|[€$£°])(?!\w))",
            _dotted_times,
        ),
    ),
    re.compile(r"\d\s?[-–—]\s?\d"),
)

YEAR_ENDS = SpanClass(
    "year",
    (rule(r"(?<=\b1[1-9]\d\d|\b20\d\d)\s?[-–—/]\s?(\d\d)(?!\w|[.,]\d|[-–])", _short_year),),
    re.compile(r"\d{4}\s?[-–—/]\s?\d"),
)

DASHES = _DashesBetween()

LETTER_RANGES = SpanClass(
    "range",
    (
        rule(
            r"(?<![\w-])([A-Z])[-–]([A-Z])(?![\w-])(?! (?:axis|plane|bond|ray))",
            lambda match: _letters(match) if match[1] < match[2] else None,
        ),
        rule(r"(?<=\d)\s?[-–—]\s?(?=[-−]?\d)", " to "),
    ),
    re.compile(r"\w[-–—]|\d\s[-–—]"),
)
