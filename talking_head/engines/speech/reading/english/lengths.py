"""Feet and inches, with their marks and in short."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.adjectives import describes_next, is_adjective
from talking_head.engines.speech.reading.english.fractions import fraction_words
from talking_head.engines.speech.reading.english.numbers import AMOUNT, SIGN, cardinal, is_one, number, signed
from talking_head.engines.speech.reading.spans import SpanClass, Words, right, rule

_INCH_GOES_ON = (
    r"(?=\.?(?:$|[,;)!?:]|\s?[x×]|\s(?:of|by|long|wide|tall|high|deep|thick|in diameter|in length|across|apart|away"
    r"|and|or|to|screens?|monitors?|pipes?|margins?|less|more|longer|shorter|taller|on each|per)\b)|\.\s)"
)


def _is_quotation(match: re.Match[str], mark: str) -> bool:
    """Return whether the mark behind a figure closes a quotation that is open there."""
    before = match.string[max(0, match.start() - 300) : match.start()]
    if mark in '"”':
        return len(re.findall(r'(?<!\d)["“]', before)) % 2 == 1
    return bool(re.search(r"(?:^|[\s(])['‘][^'’]*$", before))


def _inches(match: re.Match[str]) -> Words | None:
    if _is_quotation(match, match[3]):
        return None
    singular = is_one(match[2]) or is_adjective(match)
    return f"{signed(match[1], match[2])} {'inch' if singular else 'inches'}"


def _feet(match: re.Match[str]) -> Words | None:
    if _is_quotation(match, match[2]):
        return None
    return f"{number(match[1])} {'foot' if is_one(match[1]) or is_adjective(match) else 'feet'}"


def _feet_inches(match: re.Match[str]) -> Words:
    feet, inches = match[1], match[2]
    half = " and a half" if match[3] else ""
    if is_adjective(match) and not re.match(r"\s(?:tall|long|high|wide|deep)\b", right(match)):
        return f"{cardinal(feet)} foot {number(inches)}{half}"
    return (
        f"{cardinal(feet)} {'foot' if feet == '1' else 'feet'} "
        f"{number(inches)}{half} {'inch' if inches == '1' and not half else 'inches'}"
    )


def _fraction_inches(match: re.Match[str]) -> Words:
    mixed = f"{cardinal(match[1])} and " if match[1] else ""
    words = mixed + fraction_words(int(match[2]), int(match[3]), mixed=bool(match[1]))
    return f"{words} {'inches' if match[1] and not is_adjective(match) else 'inch'}"


def _inch_word(match: re.Match[str]) -> Words:
    dot = "." if match.group().endswith(".") and not right(match).strip("\"'”’)*_ ") else ""
    singular = is_one(match[2]) or is_adjective(match)
    return f"{signed(match[1], match[2])} {'inch' if singular else 'inches'}{dot}"


def _inch_before_noun(match: re.Match[str]) -> Words:
    """Return the inches of "3 in. nails" and of "3 in. from the wall"; the stop belongs to the abbreviation."""
    described = describes_next(match)
    return f"{signed(match[1], match[2])} {'inch' if is_one(match[2]) or described else 'inches'}"


FEET_AND_INCHES = SpanClass(
    "feet and inches",
    (
        rule(r"(?<![\w.])(\d{1,2})\s?['′’]\s?-?(\d{1,2}(?:\.\d)?)(½)?\s?(?:\"|″|”|''|’’|′′)", _feet_inches),
        rule(r"(?<![\w.])(\d{1,2})['′’](\d{1,2})()(?=\s(?:tall|high|long|man|woman|player|boy|girl)\b)", _feet_inches),
        rule(
            rf"(?<![\w.])(\d{{1,3}})\s?(?:ft|feet|foot)\.?,?\s(\d{{1,2}}(?:\.\d)?)()\s?in(?:\."
            rf"|ch(?:es)?)?{_INCH_GOES_ON}",
            _feet_inches,
        ),
        rule(r"(?<![\w.])(\d{1,2})['′’](\d|1[01])()(?=[\s.,;)]|$)", _feet_inches),
        rule(
            r"(?<![\w./])(?:(\d{1,2}) )?(\d{1,2})/(\d{1,2})(?:\"|″|[ -]in(?:\.|ch(?:es)?)?(?=[\s.,)]|$))",
            _fraction_inches,
        ),
        rule(rf"({SIGN})(\d{{1,3}},\d{{3}}|\d{{1,4}}(?:\.\d{{1,3}})?)\s?(\"|″|”)(?!\w)", _inches),
        rule(r"(?<![\w.'’])(\d{1,3},\d{3}|\d{1,4}(?:\.\d{1,2})?)(['′’])(?=[\s.,;:)x×]|$)(?!\s?[\d(])", _feet),
        rule(rf"({SIGN})(?<![\w.])({AMOUNT})\s?-?in\.(?=\s[a-z]{{3,}})", _inch_before_noun),
        rule(rf"({SIGN})(?<![\w.])({AMOUNT})\s?-?in(?:\.(?=\s[a-z(]|\s?[,;)]|$))?{_INCH_GOES_ON}", _inch_word),
    ),
    re.compile(r"\d\s?-?(?:['\"′″’”]|in\b|ft\b|f[oe][oe]t\b)"),
)
