"""Signs: of calculation, of logic, of currencies that stand alone; Greek letters."""

from __future__ import annotations

import re
import unicodedata

from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.numbers import one_of
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

SYMBOLS = {
    "&": "and", "@": "at", "=": "equals", "==": "equals", "===": "equals", "≡": "is equivalent to",
    "≈": "is approximately",
    "≃": "is approximately", "≅": "is congruent to", "≠": "is not equal to", "!=": "is not equal to",
    "≤": "is less than or equal to",
    "<=": "is less than or equal to", "≥": "is greater than or equal to", ">=": "is greater than or equal to",
    "<": "is less than", ">": "is greater than",
    "≪": "is much less than", "≫": "is much greater than", "±": "plus or minus", "+/-": "plus or minus",
    "+-": "plus or minus", "∓": "minus or plus", "+": "plus", "−": "minus", "×": "times", "÷": "divided by",
    "⋅": "times", "∙": "times", "√": "the square root of", "∛": "the cube root of", "∜": "the fourth root of",
    "∞": "infinity", "∝": "is proportional to", "∑": "the sum of", "∏": "the product of", "∫": "the integral of",
    "∂": "partial", "∇": "nabla", "∈": "is in", "∉": "is not in", "∋": "contains", "⊂": "is a subset of",
    "⊆": "is a subset of", "⊃": "is a superset of", "⊇": "is a superset of", "∩": "intersection",
    "∪": "union", "∅": "the empty set", "∀": "for all", "∃": "there is", "∄": "there is no", "¬": "not",
    "∧": "and", "∨": "or", "⊕": "exclusive or", "∴": "therefore", "∵": "because", "∠": "angle", "△": "triangle",
    "⊥": "is perpendicular to", "∥": "is parallel to", "→": "to", "->": "to", "-->": "to", "⟶": "to", "←": "from",
    "<-": "from", "↔": "and back to", "⇌": "is in equilibrium with", "⇄": "is in equilibrium with",
    "⇒": "implies", "=>": "implies",
    "⟹": "implies", "⇔": "if and only if", "<=>": "if and only if", "⟺": "if and only if", "∼": "about", "~": "about",
    "%": "percent", "‰": "per thousand", "°": "degrees", "℃": "degrees Celsius", "℉": "degrees Fahrenheit",
    "§": "section", "§§": "sections", "¶": "paragraph", "©": "copyright", "™": "", "®": "", "µ": "micro",
    "$": "dollars", "€": "euros", "£": "pounds", "¢": "cents", "₹": "rupees", "ℝ": "R", "ℕ": "N", "ℤ": "Z", "ℚ": "Q",
    "ℂ": "C", "∘": "composed with", "∣": "divides", "♯": "sharp", "♭": "flat", "&&": "and", "||": "or",
    "&c.": "et cetera", "!==": "is not equal to", ":=": "is defined as", "≔": "is defined as", "≜": "is defined as",
}  # fmt: skip
# directly before a figure, where nothing is compared with it
_BOUNDS = {"<": "less than", ">": "more than", "≤": "at most", "≥": "at least", "≈": "approximately"}
_GREEK = "\u0370-\u03ff\u1f00-\u1fff"


def _symbol(match: re.Match[str]) -> Words:
    return f" {SYMBOLS[match.group()]} "


_QUANTITY_BEFORE = re.compile(rf"(?:[\d)\]}}²³′'’%°|]|\b[A-Za-z{_GREEK}]|\b[a-z]?[A-Z]{{1,2}})\s?$")


def _bound(match: re.Match[str]) -> Words | None:
    """Return "more than" for a sign that stands directly before a figure and compares it with nothing: ">50 people"."""
    if _QUANTITY_BEFORE.search(left(match)):
        return None
    return f" {_BOUNDS[match.group()]} "


_ACCENTS = {"\u0304": "bar", "\u0305": "bar", "\u0302": "hat", "\u0303": "tilde", "\u0307": "dot", "\u20d7": "vector"}


_ACCENTED = "âêîôûŷẑĉĝĥĵŝŵāēīōūȳãẽĩõũỹñẋẏżṗṁṅṙ"  # the same in one character


def _accented(match: re.Match[str]) -> Words | None:
    """Return "x bar" for one letter with a mark over it that stands for a quantity; "à" and "ô" are words."""
    letter, *marks = tuple(unicodedata.normalize("NFD", match.group()))
    if len(marks) != 1 or marks[0] not in _ACCENTS:
        return None
    beside_sign = re.match(r"\s?[=<>≤≥≈+−±·×²]", right(match)) or re.search(r"[=<>≤≥≈+−±·×]\s?$", left(match))
    if letter in "aeiouAEIOU" and not beside_sign:
        return None
    name = _ACCENTS[marks[0]]
    return f"vector {letters(letter)}" if name == "vector" else f"{letters(letter)} {name}"


def _greek(match: re.Match[str]) -> Words:
    """Return the name of one Greek letter, which is a quantity. (Words in Greek stay what they are.)"""
    name = unicodedata.name(match.group(), "").split(" WITH ")[0].split()[-1:]
    word = "".join(name).lower()
    return f" {'lambda' if word == 'lamda' else word} "


SIGNS = SpanClass(
    "sign",
    (
        rule(r"[<>≤≥≈](?=[$€£]?[\d.])|^≈", _bound),
        rule(r"[∑∏∫](?=\s(?:from|over|for)\b)", lambda match: f" {SYMBOLS[match.group()].removesuffix(' of')} "),
        rule(rf"(?:{one_of(SYMBOLS)})", _symbol),
        rule(rf"(?<![{_GREEK}])[\u0391-\u03c9ϑϕϵ](?![{_GREEK}])", _greek),
        rule(r"(?<=\b[A-DF])[-–−](?=[\s.,;:)]|$)", " minus "),  # a grade
        rule(
            r"(?<![\w'’])(?:[a-zA-Z][\u0302-\u0305\u0307\u20d7]|[âêîôûŷẑĉĝĥĵŝŵāēīōūȳãẽĩõũỹñẋẏżṗṁṅṙ])(?![\w\u0300-\u036f'’])",
            _accented,
        ),
        rule(r"[′″‴]", ""),
        rule(r"(?<!\w)#+(?=\w)", ""),
    ),
    re.compile(r"[^\w\s.,;:!?'\"()]|[Α-ω]"),
)
