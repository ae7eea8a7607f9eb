"""Signs: of calculation, of logic, of currencies that stand alone; Greek letters."""

from __future__ import annotations

import re
import unicodedata

from talking_head.engines.speech.reading.english.numbers import one_of
from talking_head.engines.speech.reading.spans import SpanClass, Words, rule

SYMBOLS = {
    "&": "and", "@": "at", "=": "equals", "==": "equals", "===": "equals", "≡": "is equivalent to", "≈": "is about",
    "≃": "is about", "≅": "is congruent to", "≠": "is not equal to", "!=": "is not equal to", "≤": "is at most",
    "<=": "is at most", "≥": "is at least", ">=": "is at least", "<": "is less than", ">": "is greater than",
    "≪": "is much less than", "≫": "is much greater than", "±": "plus or minus", "+/-": "plus or minus",
    "+-": "plus or minus", "∓": "minus or plus", "+": "plus", "−": "minus", "×": "times", "÷": "divided by",
    "⋅": "times", "∙": "times", "√": "the square root of", "∛": "the cube root of", "∜": "the fourth root of",
    "∞": "infinity", "∝": "is proportional to", "∑": "the sum of", "∏": "the product of", "∫": "the integral of",
    "∂": "partial", "∇": "nabla", "∈": "is in", "∉": "is not in", "∋": "contains", "⊂": "is a subset of",
    "⊆": "is a subset of", "⊃": "is a superset of", "⊇": "is a superset of", "∩": "intersected with",
    "∪": "united with", "∅": "the empty set", "∀": "for all", "∃": "there is", "∄": "there is no", "¬": "not",
    "∧": "and", "∨": "or", "⊕": "exclusive or", "∴": "therefore", "∵": "because", "∠": "angle", "△": "triangle",
    "⊥": "is perpendicular to", "∥": "is parallel to", "→": "to", "->": "to", "-->": "to", "⟶": "to", "←": "from",
    "<-": "from", "↔": "and back to", "⇌": "in balance with", "⇄": "in balance with", "⇒": "implies", "=>": "implies",
    "⟹": "implies", "⇔": "if and only if", "<=>": "if and only if", "⟺": "if and only if", "∼": "about", "~": "about",
    "%": "percent", "‰": "per thousand", "°": "degrees", "℃": "degrees Celsius", "℉": "degrees Fahrenheit",
    "§": "section", "§§": "sections", "¶": "paragraph", "©": "copyright", "™": "", "®": "", "µ": "micro",
    "$": "dollars", "€": "euros", "£": "pounds", "¢": "cents", "₹": "rupees", "ℝ": "R", "ℕ": "N", "ℤ": "Z", "ℚ": "Q",
    "ℂ": "C", "∘": "composed with", "∣": "divides", "♯": "sharp", "♭": "flat", "&&": "and", "||": "or",
    "&c.": "et cetera", "!==": "is not equal to", ":=": "is defined as", "≔": "is defined as", "≜": "is defined as",
}  # fmt: skip
_GREEK = "\u0370-\u03ff\u1f00-\u1fff"


def _symbol(match: re.Match[str]) -> Words:
    return f" {SYMBOLS[match.group()]} "


def _greek(match: re.Match[str]) -> Words:
    """Return the name of one Greek letter, which is a quantity. (Words in Greek stay what they are.)"""
    name = unicodedata.name(match.group(), "").split(" WITH ")[0].split()[-1:]
    word = "".join(name).lower()
    return f" {'lambda' if word == 'lamda' else word} "


SIGNS = SpanClass(
    "sign",
    (
        rule(rf"(?:{one_of(SYMBOLS)})", _symbol),
        rule(rf"(?<![{_GREEK}])[\u0391-\u03c9ϑϕϵ](?![{_GREEK}])", _greek),
        rule(r"(?<=\b[A-DF])[-–−](?=[\s.,;:)]|$)", " minus "),  # a grade
        rule(r"[′″‴]", ""),
        rule(r"(?<!\w)#+(?=\w)", ""),
    ),
    re.compile(r"[^\w\s.,;:!?'\"()]|[Α-ω]"),
)
