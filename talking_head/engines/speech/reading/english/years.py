"""Years, decades and ages."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.calendar import MONTH_NAMES
from talking_head.engines.speech.reading.english.numbers import DIGIT, cardinal, ordinal, plural
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

# before a year; whether it counts something after them is asked only of the second table
_SURELY_BEFORE = re.compile(
    rf"(?:\b(?:in|since|until|till|year|years|circa|late|early|mid|spring|summer|autumn|fall|winter|AD|CE|class of"
    rf"|(?:spring|summer|autumn|fall|winter|year|class|war|crisis|battle|treaty|revolution|act|end|night|crash"
    rf"|plague|famine"
    rf"|constitution|{'|'.join(MONTH_NAMES)}) of|{'|'.join(MONTH_NAMES)})"
    rf"|\b(?:{'|'.join(MONTH_NAMES)})\.?,? \d{{1,2}}(?:st|nd|rd|th)?|\b(?:c|ca)\.)[\s,(-]{{1,3}}$",
    re.IGNORECASE,
)
_MAYBE_BEFORE = re.compile(
    r"\b(?:by|from|before|after|during|of|around|about|between|and|to|through|born|died|the|that|as)\W{1,3}$", re.I
)
_NO_YEAR_BEFORE = re.compile(r"\b(?:page|pages|line|number|item|equals|minus|plus|times|over|is exactly)\s$", re.I)
_NEXT_WORD = re.compile(r"[\s-](?:[a-z]+-)?([a-z]+)\b")
_OPERATOR = r"[=+×÷*√<>≈≠≤≥^]"
COUNTED = frozenset(("people", "men", "women", "children", "feet", "percent", "per", "sheep", "fish", "cattle"))
# words in -s that no number counts
NOT_COUNTED = frozenset(
    """
    was is has does goes as this its his thus plus minus versus less yes always perhaps besides towards afterwards us
    marks marked sees brings begins ends starts remains becomes stands comes shows opens closes changes witnesses gives
    takes makes turns passes means saw marxs lies series species news politics physics mathematics economics address
    headquarters
    """.split()  # noqa: SIM905
)
_SINGULAR_ENDINGS = ("ss", "us", "is", "ous")
_PERIOD_NOUNS = (
    r"(?:music|style|fashion|pop|rock|hits|movies|films?|hair|kids|cinema|culture|disco|dance|classics?|icons?"
    r"|band|bands"
    r"|design|nostalgia|party|technology|television|slang|jazz|punk|sitcoms?|look)\b"
)
_BEFORE_DECADES = (
    r"(?:(?<=\bthe )|(?<=\bher )|(?<=\bhis )|(?<=\bmid )|(?<=\bour )|(?<=\bmid-)|(?<=\blate )|(?<=\byour )|(?<=\blate-)"
    r"|(?<=\bearly )|(?<=\btheir )|(?<=\bearly-)|(?<=\bmy )|(?<=\btheir mid-)|(?<=s[-–])|(?<=s to )|(?<=s and )"
    r"|(?<=\bits )|(?<=\broaring )|(?<=\bswinging )|(?<=\bupper )|(?<=\blower )|(?<=\bhigh )|(?<=\blow )"
    r"|(?<=\bseventies )"
    r"|(?<=\w['’]s ))"
)


def year(digits: str) -> str:
    """Return "eighteen fifty-seven" for "1857", "two thousand five" for "2005", "twenty twenty-four" for "2024"."""
    century, rest = divmod(int(digits), 100)
    if int(digits) % 1000 < 10 and century % 10 == 0:
        return cardinal(digits)
    if rest == 0:
        return f"{cardinal(str(century))} hundred"
    return f"{cardinal(str(century))} {'oh ' if rest < 10 else ''}{cardinal(str(rest))}"


def _is_counted(digits: str, after: str) -> bool:
    """Return whether the word behind the figures is something that they count."""
    following = _NEXT_WORD.match(after)
    if not following or after.startswith("-"):
        return False
    word = following[1]
    if word in COUNTED:
        return True
    return word.endswith("s") and word not in NOT_COUNTED and not word.endswith(_SINGULAR_ENDINGS) and len(word) > 3


def _year(match: re.Match[str]) -> Words | None:
    digits, before, after = match[1], left(match), right(match)
    if re.search(rf"{_OPERATOR}\s?$", before[-2:]) or re.match(rf"\s?{_OPERATOR}", after):
        return None
    if _SURELY_BEFORE.search(before):
        return year(digits)
    if _NO_YEAR_BEFORE.search(before):
        return None
    counted = _is_counted(digits, after)
    if counted and re.search(r"\b(?:the|that) $", before, re.I) and not digits.endswith("00"):
        counted = False  # "the 1968 protests"
    if digits.startswith("10") and not _is_bare_year(before, after):
        return None
    return None if counted else year(digits)


def _is_bare_year(before: str, after: str) -> bool:
    """Return whether figures from 1000 to 1099, which are more often an amount, stand as a year does."""
    if _MAYBE_BEFORE.search(before) and not re.match(r"\s[a-z]+s\b", after):
        return True
    return bool(re.match(r"\s(?:was|is|saw|marks|brought|began|ended|and all)\b|\)|[–-]1\d{3}", after))


def _era(match: re.Match[str]) -> Words:
    """Return the figures of a year before or after Christ and the letters of its era one by one."""
    digits = match[1].replace(",", "")
    words = year(digits) if len(digits) == 4 else cardinal(digits)
    return f"{words} {_letters(match[2])}"


def _era_first(match: re.Match[str]) -> Words:
    return f"{_letters(match[1])} {year(match[2]) if len(match[2]) == 4 else cardinal(match[2])}"


def _letters(era: str) -> str:
    return "".join(f"{letter}." for letter in era if letter.isalpha())


def _decade(match: re.Match[str]) -> Words:
    digits = match[1]
    if len(digits) == 4 and digits.endswith("00"):
        return plural(year(digits))
    if len(digits) == 4:
        return f"{cardinal(digits[:2])} {plural(cardinal(digits[2:]))}"
    return plural(cardinal(digits))


def _bare_decade(match: re.Match[str]) -> Words | None:
    """Return the decade, unless it is the seconds of an experiment: "the first 30s", "30s later"."""
    if re.search(r"\b(?:first|last|next|final|another|every|other) $", left(match)):
        return None
    return _decade(match)


def _short_year(match: re.Match[str]) -> Words:
    return f"oh {cardinal(match[1][1])}" if match[1][0] == "0" else cardinal(match[1])


def _century(match: re.Match[str]) -> Words:
    return f"{ordinal(int(match[1]))}{match[2]}"


DECADES = SpanClass(
    "decade",
    (
        rule(r"(?<![\w.,])['’]?(\d{3}0)['’]?s\b(?!['’])", _decade),
        rule(r"(?<=\bthe )([1-9]00)['’]?s\b", lambda match: f"{cardinal(match[1][0])} hundreds"),
        rule(rf"{_BEFORE_DECADES}['’]?(\d0)['’]?s\b", _bare_decade, re.IGNORECASE),
        rule(r"(?<!\w)['’](\d0)['’]?s\b", _decade),
        rule(rf"(?<![\w.,])(\d0)['’]?s(?=[ -]{_PERIOD_NOUNS})", _decade),
        rule(r"(?<=\d{3}0s[-–])(\d0)s\b", _decade),
        rule(r"\b(?<=in the |of the |to the )(\d0)['’]?s\b", _decade),
    ),
    re.compile(r"\d0['’]?s"),
)

YEARS = SpanClass(
    "year",
    (
        rule(r"(?<![\d.,\w$€£#])(1[0-9]\d\d|20\d\d)(?![\d\w]|[.,]\d)", _year),
        rule(r"(?<![\d.,\w])(\d{1,3}(?:,\d{3})|\d{1,5}) ?(B\.?C\.?E\.?|B\.?C\.?|C\.?E\.?|A\.?D\.?)(?!\w)", _era),
        rule(r"(?<!\w)(FY|AY|SY|CY)\s?((?:19|20)\d\d)(?!\w)", lambda match: f"{match[1]} {year(match[2])}"),
        rule(r"(?<!\w)(A\.?D\.?) (\d{1,4})(?![\d\w])", _era_first),
        rule(
            rf"(?<=[a-z] )['’](\d\d)(?![\w'’])"
            rf"|(?<=\b(?:{'|'.join(name[:3] for name in MONTH_NAMES)}) )['’](\d\d)(?![\w'’])",
            lambda match: _short_year(match) if match[1] else cardinal(match[2]),
        ),
    ),
    DIGIT,
)
