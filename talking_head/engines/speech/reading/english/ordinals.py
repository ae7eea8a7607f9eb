"""Ordinal numbers in figures."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import LONGEST_NUMBER_DIGITS, cardinal, ordinal
from talking_head.engines.speech.reading.spans import SpanClass, Words, rule

_ENDING = "(?:st|nd|rd|th|ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)"


def _ordinal(match: re.Match[str]) -> Words:
    digits = match[1].replace(",", "").replace(" ", "")
    if len(digits) > LONGEST_NUMBER_DIGITS:
        return cardinal(digits)
    return ordinal(int(digits))


ORDINALS = SpanClass(
    "ordinal",
    (
        rule(rf"(?<![\w.,])(\d{{1,3}}(?:[, ]\d{{3}}){{1,5}}|\d{{1,15}})\s?{_ENDING}(?!\w)", _ordinal),
        rule(
            rf"(?<![\w.,])(\d{{1,3}}(?:,\d{{3}}){{1,5}}|\d{{1,15}}){_ENDING}s\b",
            lambda match: f"{ordinal(int(match[1].replace(',', '')))}s",
        ),
        rule(
            r"(?<![\w.,-])(?:the )?([nki])[-–]?th\b",
            lambda match: f"{'the ' if ' ' in match.group() else ''}{match[1]}th",
        ),
    ),
    re.compile(rf"\d\s?{_ENDING}|\b[nki][-–]?th\b"),
)
