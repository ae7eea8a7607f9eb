"""The names of months and days, and their short forms."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import one_of
from talking_head.engines.speech.reading.spans import SpanClass, Words, right, rule

MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SHORT_MONTHS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
    "Sept": "September", "Sep": "September", "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip
SHORT_DAYS = {
    "Mon": "Monday", "Tues": "Tuesday", "Tue": "Tuesday", "Weds": "Wednesday", "Wed": "Wednesday", "Thurs": "Thursday",
    "Thur": "Thursday", "Thu": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
MONTH = rf"(?:{one_of((*MONTH_NAMES, *SHORT_MONTHS))})"
_DAY_NAMES = tuple(dict.fromkeys(SHORT_DAYS.values()))
_DAY = rf"(?:{one_of((*_DAY_NAMES, *SHORT_DAYS))})"
_DASH = r"\s?[-–—]\s?"


def month_name(written: str) -> str:
    """Return the whole name of a month."""
    short = written.rstrip(".")
    return SHORT_MONTHS.get(short, short)


def _name(written: str) -> str:
    short = written.rstrip(".")
    return SHORT_DAYS.get(short) or month_name(short)


def _span_of_names(match: re.Match[str]) -> Words:
    return f"{_name(match[1])} to {_name(match[2])}"


def _with_stop(match: re.Match[str]) -> Words:
    """Return the name; where its full stop also ended the sentence, the sentence keeps one."""
    ends = match.group().endswith(".") and not right(match).strip("\"'”’)*_ ")
    return _name(match[1]) + ("." if ends else "")


CALENDAR = SpanClass(
    "name of a day or month",
    (
        rule(rf"(?<!\w)({_DAY})\.?{_DASH}({_DAY})(?![\w'’])(?:\.(?=\s?[,;a-z]))?", _span_of_names),
        rule(rf"(?<!\w)({MONTH})\.?{_DASH}({MONTH})(?![\w'’])(?:\.(?=\s?[,;a-z\d]))?", _span_of_names),
        rule(rf"(?<!\w)({one_of(SHORT_MONTHS)})(?:\.|(?= ['’]?\d)|(?=,? (?:and|to) {MONTH}))", _with_stop),
        rule(rf"(?<!\w)(Mon|Tues?|Weds?|Thurs?|Thu|Fri)(?:\.|(?=,? (?:\d|{MONTH})))", _with_stop),
        rule(rf"(?<!\w)(Sat|Sun)(?:\.(?=[\s,;])(?!\s[A-Z])|(?=,? (?:\d{{1,2}}|{MONTH})\b))", _with_stop),
        rule(r"(?:(?<=\bSat and )|(?<=\bSat\. and )|(?<=\bSat & )|(?<=\bSat\. & ))(Sun)\b\.?", _with_stop),
        rule(
            rf"(?<!\w)({one_of(SHORT_DAYS)})(?=(?:,| and| &| or|/) ?{_DAY}\b)|(?<=and )(Mon|Tue|Wed|Thu|Fri|Sat)\b",
            lambda match: _name(match.group()),
        ),
    ),
    re.compile(rf"\b{_DAY}|\b{MONTH}"),
)
