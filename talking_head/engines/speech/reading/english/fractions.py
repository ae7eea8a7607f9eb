"""Fractions: "1/2", "3 ¾"."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import apart, cardinal, ordinal
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

# alone, after a whole number
VULGAR = {
    "½": ("one half", "a half"), "⅓": ("one third", "a third"), "⅔": ("two thirds", "two thirds"),
    "¼": ("one quarter", "a quarter"), "¾": ("three quarters", "three quarters"), "⅕": ("one fifth", "a fifth"),
    "⅖": ("two fifths", "two fifths"), "⅗": ("three fifths", "three fifths"), "⅘": ("four fifths", "four fifths"),
    "⅙": ("one sixth", "a sixth"), "⅚": ("five sixths", "five sixths"), "⅛": ("one eighth", "an eighth"),
    "⅜": ("three eighths", "three eighths"), "⅝": ("five eighths", "five eighths"),
    "⅞": ("seven eighths", "seven eighths"),
}  # fmt: skip
_NAMED = frozenset((*range(2, 11), 12, 16, 20, 32, 64, 100, 1000))
_FIXED = {(24, 7): "twenty-four seven", (50, 50): "fifty fifty", (20, 20): "twenty twenty", (60, 40): "sixty forty"}
_OUT_OF = re.compile(r"\b(?:score[sd]?|scoring|got|mark|grade|rated?|rating|pain)\b[^.;]{0,14}$", re.I)


_LEVEL_BEFORE = re.compile(r"\b(?:years?|grades?|class(?:es)?|rooms?|levels?|chapters?|pages?|units?|weeks?)\s$", re.I)


def fraction_words(upper: int, lower: int, *, mixed: bool = False) -> str:
    """Return "three quarters" for 3 and 4, "twenty-two over seven" for 22 and 7."""
    if 0 < upper < lower and lower in _NAMED:
        part = {2: "half", 4: "quarter"}.get(lower) or ordinal(lower).removeprefix("one ")
        many = {2: "halves"}.get(lower, f"{part}s")
        return f"{'a' if mixed else 'one'} {part}" if upper == 1 else f"{cardinal(str(upper))} {many}"
    return f"{cardinal(str(upper))} over {cardinal(str(lower))}"


def _fraction(match: re.Match[str]) -> Words:
    mixed, upper, lower = match[1], int(match[2]), int(match[3])
    if not mixed and (upper, lower) in _FIXED:
        return _FIXED[upper, lower]
    if _LEVEL_BEFORE.search(left(match)) and not mixed:
        return f"{cardinal(match[2])}, {cardinal(match[3])}"
    if _OUT_OF.search(left(match)) and not mixed:
        return f"{cardinal(match[2])} out of {cardinal(match[3])}"
    before = f"{cardinal(mixed)} and " if mixed else ""
    return apart(match, before + fraction_words(upper, lower, mixed=bool(mixed)))


def _vulgar(match: re.Match[str]) -> Words:
    one, many = VULGAR[match[2]]
    words = f"{cardinal(match[1])} and {many}" if match[1] else one
    return apart(match, words) + (" " if right(match, 1).isdigit() else "")


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")


def _small(match: re.Match[str]) -> Words:
    """Return the fraction of raised and lowered figures: "⁴⁄₃"."""
    upper, lower = match[1].translate(_RAISED), match[2].translate(_RAISED)
    words = fraction_words(int(upper), int(lower))
    if lower in ("3", "4") and len(upper) == 1 and upper > lower:
        words = f"{cardinal(upper)} {'thirds' if lower == '3' else 'quarters'}"
    return f" {words} "


FRACTIONS = SpanClass(
    "fraction",
    (
        rule(r"(?<![\w./])(?:(\d{1,3}) )?(\d{1,4})[/⁄](\d{1,4})(?![\d/]|\.\d|[A-Z])", _fraction),
        rule(r"([⁰¹²³⁴-⁹]{1,3})[⁄/]([₀-₉]{1,3})", _small),
        rule(rf"(?:(?<![\d.,])(\d{{1,6}})\s?)?([{''.join(VULGAR)}])", _vulgar),
    ),
    re.compile(rf"[\d⁰¹²³⁴-⁹][/⁄][\d₀-₉]|[{''.join(VULGAR)}]"),
)
