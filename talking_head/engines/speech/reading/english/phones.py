"""Telephone numbers and other numbers that are dialled or keyed in: figure by figure."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import DIGIT, digit_by_digit
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, rule

_GROUP = r"(?:[ .\u00a0-]|[ ]?\()\d{1,8}\)?"


def _phone(match: re.Match[str]) -> Words | None:
    digits = re.sub(r"\D", "", match.group())
    if not 6 <= len(digits) <= 15:
        return None
    groups = re.findall(r"\+?\d+", match.group())
    return ", ".join(("plus " if group[0] == "+" else "") + digit_by_digit(group.lstrip("+")) for group in groups)


def _dotted_phone(match: re.Match[str]) -> Words | None:
    return None if re.search(r"[=+×<>]\s?$", left(match, 3)) else _phone(match)


def _dialled(match: re.Match[str]) -> Words:
    return digit_by_digit(match[1])


PHONES = SpanClass(
    "phone number",
    (
        rule(rf"(?<![\w.+(])\+\d{{1,3}}{_GROUP}(?:{_GROUP}){{1,6}}(?![\w-])", _phone),
        rule(r"(?<![\w.+(])\+\d{1,3} ?\(0\) ?\d{1,5}(?:[ -]\d{2,8}){1,4}(?![\w-])", _phone),
        rule(r"(?<![\w.,+-])00\d{1,3}(?:[ -]\d{1,8}){2,5}(?![\w%,-]|\.\d)", _phone),
        rule(r"(?<![\w.+])\+\d{8,14}(?![\w.-])", _phone),
        rule(r"(?<![\w.,+-])(?<!\d )\(?0\d{1,4}\)?[ -]\d{3,4}(?:[ -]?\d{2,4}){0,3}(?![\w%,-]|\.\d)", _phone),
        rule(r"(?<![\w.,+-])(?<!\d )0\d{2} \d{2} \d{2} \d{2}(?: \d{2})?(?![\w%,-]|\.\d)", _phone),
        rule(r"(?<![\w.,+-])(?<!\d )0\d(?: \d{2}){4}(?![\w%,-]|\.\d)", _phone),
        rule(r"(?<![\w.,+-])(?<!\d )0\d{8,10}(?![\w%,-]|\.\d)", _phone),
        rule(r"(?<![\w.])(?:\+?1[ .-])?\(\d{3}\)[ ]?\d{3}[ .-]\d{4}(?![\w-])", _phone),
        rule(r"(?<![\w.-])(?:\+?1[ -])?\d{3}[ -]\d{3}[ -]\d{4}(?![\w-])", _phone),
        rule(r"(?<![\w.-])(?:1\.)?\d{3}\.\d{3}\.\d{4}(?![\w.-])", _dotted_phone),
        rule(r"(?<![\w.,-])\d{3}[ -]\d{4}(?![\w-])", _phone),
        rule(
            r"(?:(?<=\b[Cc]all )|(?<=\b[Dd]ial )|(?<=\b[Dd]ialled )|(?<=\b[Cc]alled )"
            r"|(?<=\b[Rr]ing ))(\d{3})(?!\d|[.,]\d| (?:[a-z]{3,}s|people)\b)",
            _dialled,
        ),
    ),
    DIGIT,
)
