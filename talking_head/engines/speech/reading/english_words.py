"""Reading of abbreviations, Roman numerals, signs, Greek letters and punctuation in English."""

from __future__ import annotations

import re
import unicodedata

from talking_head.engines.speech.reading import tables
from talking_head.engines.speech.reading.english_numbers import cardinal, ordinal
from talking_head.engines.speech.reading.rules import Rule, rule

_ROMAN = r"(?=[IVX]|L[IVX])((?:XL|L?X{0,3})(?:IX|IV|V?I{0,3}))(?![\w’'.]\w|\w)"
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ", "0123456789+-=aeoxhklmnpstij")


def _one_of(words: dict[str, str] | tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _abbreviation(match: re.Match[str]) -> str:
    """Return the words, with a full stop where that of the abbreviation also ended the sentence."""
    words = tables.ABBREVIATIONS[re.sub(r"\s+", " ", match[1])]
    rest = match.string[match.end() :].lstrip("\"'”’)*_ ")
    return words if rest or not match[1].endswith(".") else f"{words}."


def _roman_value(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-value if value < max(values[position:]) else value for position, value in enumerate(values))


def _roman_cardinal(match: re.Match[str]) -> str:
    if match[2] == "I" and match[1][0].islower():  # "the class I took"
        return match.group()
    return f"{match[1]} {cardinal(str(_roman_value(match[2])))}"


def _roman_ordinal(match: re.Match[str]) -> str:
    return f"{match[1]} the {ordinal(_roman_value(match[2]))}"


def _greek(match: re.Match[str]) -> str:
    """Return the name of a single Greek letter, which is a quantity. (Greek words stay unchanged.)"""
    name = unicodedata.name(match.group(), "").split(" WITH ")[0].split()[-1:]
    word = "".join(name).lower()
    return f" {'lambda' if word == 'lamda' else word} "


def _subscript(match: re.Match[str]) -> str:
    plain = match.group().translate(_SUBSCRIPTS)
    return "".join(f" {cardinal(part)} " if part.isdecimal() else f" {part} " for part in re.findall(r"\d+|\D", plain))


def _symbol(match: re.Match[str]) -> str:
    return f" {tables.SYMBOLS[match.group().strip()]} "


def _composed(match: re.Match[str]) -> str:
    """Compose letters with their accents; replace ligatures and full-width letters by ordinary ones."""
    return unicodedata.normalize("NFKC", match.group())


def _isolated_digit(match: re.Match[str]) -> str:
    """Read a numeric character outside a number: "①", "Ⅷ", a superscript 2 before a word."""
    character = match.group()
    if not character.isnumeric() or character.isalpha():
        return character
    value = unicodedata.numeric(character)
    return f" {cardinal(str(int(value)))} " if value >= 0 and value == int(value) else " "


TITLE_RULES: tuple[Rule, ...] = (
    rule(
        rf"\b({_one_of(tuple(tables.TITLES))})(?:\.(?=\s?[A-Z])|(?=\s[A-Z]))",
        lambda match: f"{tables.TITLES[match[1]]} ",
    ),
)

WORD_RULES: tuple[Rule, ...] = (
    rule(
        rf"(?<![\w.])({_one_of(tables.BEFORE_FIGURES)})(?=\s?(?:\d|[IVX]{{2,}}\b))",
        lambda match: f"{tables.BEFORE_FIGURES[match[1]]} ",
    ),
    *TITLE_RULES,
    rule(rf"(?<![\w.])({_one_of(tables.ABBREVIATIONS).replace(chr(92) + ' ', chr(92) + 's+')})(?!\w)", _abbreviation),
    rule(rf"(?<![\w.])({_one_of(tables.SHORT_FORMS)})(?![\w+#])", lambda match: tables.SHORT_FORMS[match[1]]),
    rule(rf"\b({_one_of(tables.BEFORE_ROMAN_CARDINALS)})\s{_ROMAN}", _roman_cardinal),
    rule(rf"\b({_one_of(tables.BEFORE_ROMAN_ORDINALS)})\s{_ROMAN}", _roman_ordinal),
)

SIGN_RULES: tuple[Rule, ...] = (
    rule(r"[₀-₎ₐ-ₜᵢⱼ]+", _subscript),
    rule(r"(?<=\d)\s?[x*]\s?(?=\d)|(?<=\w) ?\* ?(?=\w)|(?<=\w) · ?(?=\w)", " times "),
    rule(r"(?<![^\W\d_]{2})(?<=[\w)]) [-–] (?=\w(?!\w)|\d|\()", " minus "),  # a - b
    rule(r"(?<![\w/])([a-z])\s?/\s?([a-z])(?![\w/])", lambda match: f"{match[1]} over {match[2]}"),
    rule(rf"(?:{_one_of(tables.SYMBOLS)})", _symbol),
    rule(r"(?<![\u0370-\u03ff\u1f00-\u1fff])[\u0391-\u03c9ϑϕϵ](?![\u0370-\u03ff\u1f00-\u1fff])", _greek),
    rule(r"[′″]", ""),
    rule(r"(?<!\w)#+(?=\w)", ""),  # a hashtag is read as its word
)

PUNCTUATION_RULES: tuple[Rule, ...] = (
    rule(r"(?<=\w)[’ʼ＇](?=\w)|(?<=s)’(?=\s)", "'"),  # an apostrophe
    rule(r"(?<!\w)['’](?=(?:em|til|cause|tis|twas|n)\b)", "'"),
    rule(r"[‘’‚‛](?!\w)|(?<!\w)[‘’‚‛']|(?<=[^\Ws])'(?!\w)|(?<=\W)'(?!\w)|'$", ""),  # single quotation marks
    rule(r"[«»„‟]", '"'),
    rule(r"\s-{1,3}\s|\s?(?:--+|[–—―]+)\s?", " — "),
    rule(r"\.{2,}|(?:\. ){2,}\.|…+", "… "),
    rule(r"!(?:\s?!)+", "!"),
    rule(r"[?!]*\?[?!]*", "?"),
    rule(r",(?:\s?,)+|,(?=\w)", ", "),
    rule(r"\s?\|\s?", ", "),
    rule(r"[\[\]{}<>\\/*_^`#·•]+", " "),
    rule(r"[^\W\d_][\u0300-\u036f]+", _composed),
    rule(r"[\ufb00-\ufb06\uff01-\uff5e\u2100-\u214f\u2160-\u217f\U0001d400-\U0001d7ff]+", _composed),
    rule(r"[^\x00-\x7f]", _isolated_digit),
)
