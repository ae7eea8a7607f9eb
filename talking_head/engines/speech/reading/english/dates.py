"""Dates: in figures in the orders that people write them, and days of named months."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.calendar import MONTH, MONTH_NAMES, month_name
from talking_head.engines.speech.reading.english.numbers import DIGIT, cardinal, ordinal
from talking_head.engines.speech.reading.english.years import year
from talking_head.engines.speech.reading.spans import SpanClass, Words, inner, left, right, rule

_DASH = r"\s?[-–—]\s?"
_TH = r"(?:st|nd|rd|th)?"
_NO_DAY_AFTER = r"(?![\w:%°]|[.,]\d| ?(?:[AaPp]\.?[Mm]\b|km|kg|cm|mm|ml|%|miles?|meters?|metres?|feet|percent|o'clock))"
_LAST_SHORT_YEAR_OF_THIS_CENTURY = 49


def date(month: int, day: int, year_digits: str) -> str | None:
    """Return "December fifth, twenty twenty-three", or None when there is no such day."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    name = MONTH_NAMES[month - 1]
    return f"{name} {ordinal(day)}" + (f", {year(year_digits)}" if year_digits else "")


def whole_year(digits: str) -> str:
    """Return the four figures of a year that may be written with two."""
    if len(digits) == 4:
        return digits
    return f"{20 if int(digits) <= _LAST_SHORT_YEAR_OF_THIS_CENTURY else 19}{digits}"


def _year_first(match: re.Match[str]) -> Words | None:
    return date(int(match[3]), int(match[4]), match[1])


def _month_first(match: re.Match[str]) -> Words | None:
    """Return the date, month first as in the voice's country unless that cannot be."""
    first, second = int(match[1]), int(match[3])
    month, day = (first, second) if first <= 12 else (second, first)
    return date(month, day, whole_year(match[4]))


_DUE = re.compile(
    r"(?:\b(?:due|dated|deadline|date|exam|test|quiz|homework|assignment|starting|starts|begins|ends|(?:mon|tues|wednes"
    r"|thurs|fri|satur|sun)day|(?:submit\w*|hand\w*|finish\w*|complete\w*|done|ready|back|register\w*|reply|rsvp"
    r"|pay|apply|return\w*|sign|read|bring)\b[^.;\d]{0,30}\b(?:by|before|until))(?: is| on| by| from)?:?,?"
    r"|\b(?:on|until|since|till))\s$",
    re.I,
)


def _day_of_this_year(match: re.Match[str]) -> Words | None:
    """Return the day of "due 11/03" and "on 3/4", where the sentence speaks of a day; elsewhere it is a fraction."""
    first, second = int(match[1]), int(match[2])
    if not _DUE.search(left(match, 60)) or re.match(r"\s(?:of|cup|full|time|in)\b|\s?[=+×%]|-", right(match)):
        return None
    month, day = (first, second) if first <= 12 else (second, first)
    return date(month, day, "")


def _day_first(match: re.Match[str]) -> Words | None:
    return date(int(match[2]), int(match[1]), whole_year(match[3]))


def _month_of_year(match: re.Match[str]) -> Words:
    return f"{MONTH_NAMES[int(match[1]) - 1]} {year(match[2])}"


def _year_month(match: re.Match[str]) -> Words | None:
    """Return the month of "2024-02"; "2010-12" is a range of years."""
    later = int(match[2]) > int(match[1]) % 100
    return None if later else f"{MONTH_NAMES[int(match[2]) - 1]} {year(match[1])}"


def _is_a_verb(match: re.Match[str], name: str) -> bool:
    """Return whether "May 5 people come in" or "March 5 miles" is meant, or "may" in any other sentence."""
    if name not in ("May", "March", "Mar"):
        return False
    return bool(
        re.match(r"\s(?!is\b|was\b|this\b|has\b)(?:[a-z]{2,}[^s\W]s|people|men|women|children)\b", right(match))
    )


def _month_day(match: re.Match[str]) -> Words | None:
    day = int(match[2])
    if not 1 <= day <= 31 or _is_a_verb(match, match[1]):
        return None
    return f"{month_name(match[1])} {ordinal(day)}"


def _month_days(match: re.Match[str]) -> Words | None:
    first, last = int(match[2]), int(match[3])
    if not (1 <= first <= 31 and 1 <= last <= 31) or _is_a_verb(match, match[1]):
        return None
    return f"{month_name(match[1])} {ordinal(first)} to {ordinal(last)}"


def _days_of_month(match: re.Match[str]) -> Words | None:
    first, last = int(match[2]), int(match[3])
    if not (1 <= first <= 31 and 1 <= last <= 31):
        return None
    return f"the {ordinal(first)} to the {ordinal(last)} of {month_name(match[4])}"


def _day_month(match: re.Match[str]) -> Words | None:
    """Return "the third of March"; "20 May students" counts students and "5 March" may follow a price."""
    day = int(match[2])
    if not 1 <= day <= 31 or re.search(r"[$€£]$", left(match)):
        return None
    article = "" if re.search(r"\bthe $", left(match), re.I) and not match[1] else "the "
    return f"{article}{ordinal(day)} of {month_name(match[3])}"


def _day_month_year(match: re.Match[str]) -> Words | None:
    """Return the date of "14-Jul-1789"."""
    day = int(match[1])
    return f"the {ordinal(day)} of {month_name(match[2])} {year(whole_year(match[3]))}" if 1 <= day <= 31 else None


def _moment(match: re.Match[str]) -> Words | None:
    """Return the date and the time of "2023-12-05T14:30"."""
    words = date(int(match[2]), int(match[3]), match[1])
    return None if words is None else [f"{words}, ", inner(match, 4)]


def _joined_days(match: re.Match[str]) -> Words | None:
    first, last = int(match[2]), int(match[3])
    if not (1 <= first <= 31 and 1 <= last <= 31) or _is_a_verb(match, match[1]):
        return None
    link = re.search(r" (to|through|and) ", match.group())
    return f"{month_name(match[1])} {ordinal(first)} {link[1] if link else 'to'} {ordinal(last)}"


DATES = SpanClass(
    "date",
    (
        rule(r"(?<![\w./-])(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?Z?(?![\w-])", _moment),
        rule(r"(?<![\w./-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\w/-]|\.\d)", _year_first),
        rule(r"(?<![\w./-])(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?![\w/-]|\.\d)", _month_first),
        rule(r"(?<![\w./-])(\d{1,2})(/)(\d{1,2})/(\d{2})(?![\w/-]|\.\d)", _month_first),
        rule(r"(?<![\w./-])(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})(?![\w/-]|\.\d)", _day_first),
        rule(r"(?<![\w./-])(\d{2})\.(\d{2})\.(\d{2})(?![\w/-]|\.\d)", _day_first),
        rule(r"(?<![\w./-])(\d{1,2})/(\d{1,2})(?![\w/]|[.,:]\d)", _day_of_this_year),
        rule(r"(?<![\w./-])(0[1-9]|1[0-2])/((?:19|20)\d\d)(?![\w/-]|\.\d)", _month_of_year),
        rule(r"(?<![\w./-])(20[0-4]\d)-(0[1-9]|1[0-2])(?![\w/-]|\.\d)", _year_month),
        rule(r"(?<![\w./-])9/11(?![\w/])", "nine eleven"),
        rule(rf"\b({MONTH})\.? (\d{{1,2}}){_TH}{_DASH}(\d{{1,2}}){_TH}{_NO_DAY_AFTER}", _month_days),
        rule(
            rf"\b({MONTH})\.? (\d{{1,2}}){_TH} (?:to|through|and) (\d{{1,2}})(?:st|nd|rd|th)?(?=[.,;!?)]|$"
            rf"| (?:\d{{4}}|in|at)\b)",
            _joined_days,
        ),
        rule(rf"\b({MONTH})\.? (?:the )?(\d{{1,2}}){_TH}{_NO_DAY_AFTER}(?!/\d)", _month_day),
        rule(
            rf"(?<![\w.$€£/:-])(the )?(\d{{1,2}}){_TH}{_DASH}(?:the )?(\d{{1,2}}){_TH} (?:of )?({MONTH})\b",
            _days_of_month,
        ),
        rule(rf"(?<![\w.$€£/:-])(\d{{1,2}})-({MONTH})-(\d{{4}}|\d{{2}})(?![\w-])", _day_month_year),
        rule(rf"(?<![\w.$€£/:-])(the )?(\d{{1,2}}){_TH} (?:of )?({MONTH})\b\.?(?=[\s.,;:!?)'’\"”–—-]|$)", _day_month),
    ),
    DIGIT,
)


def invalid_date(match: re.Match[str]) -> Words:
    """Return the figures of what looks like a date and is none, part by part."""
    return " ".join(cardinal(part) for part in re.findall(r"\d+", match.group()))


FALSE_DATES = SpanClass(
    "date",
    (
        rule(r"(?<![\w./-])\d{4}-\d{2}-\d{2}(?![\w-])", invalid_date),
        rule(r"(?<![\w./])\d{1,2}/\d{1,2}/\d{4}(?![\w/])", invalid_date),
    ),
    DIGIT,
)
