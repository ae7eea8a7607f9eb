"""Cardinal numbers, decimals and shares, and the words that every other class builds on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from num2words import num2words

from talking_head.engines.speech.reading.offsets import LETTER_MARK
from talking_head.engines.speech.reading.spans import LONGEST_FIGURES, SpanClass, Words, left, right, rule

LONGEST_NUMBER_DIGITS = 15  # what is longer is a serial number: read digit by digit
LEAST_SERIAL_DIGITS = 9
_SERIAL_BEFORE = re.compile(r"\b(?:ISBN|ISSN|code|serial|number|account|card|id|reference|no\.)\W{1,2}$", re.I)
DIGIT = re.compile(r"\d")

INTEGER = (
    r"(?:\d{1,3}(?:,\d{3})++(?!\d)|\d{1,2}(?:,\d{2}){1,6},\d{3}(?!\d)"  # 1,250,000 and 12,50,000
    rf"|\d{{1,3}}(?:(?: \d{{3}}){{2,}}+| 000)(?![ ]?\d)|\d{{1,{LONGEST_FIGURES}}}+)"  # 1 250 000
)
NUMBER = rf"(?:{INTEGER}(?:\.\d++)?|(?<![\w.])\.\d++)"
# "1,5" and "1.250,50": how most of Europe writes decimals; only where a unit or a currency shows what is meant
EUROPEAN = (
    r"(?:\d{1,3}(?: \d{3}){1,5},\d{1,2}(?![\d,])|"
    r"\d{1,3}(?:\.\d{3}){1,5},\d{1,2}(?!\d)|\d{1,3}(?:\.\d{3}){2,5}(?![\d.])|\d{1,9},\d{1,2}(?![\d,]))"
)
AMOUNT = rf"(?:{EUROPEAN}|{NUMBER})"
SIGN = r"(?:(?<![\w.)\]])[-−+±])?"
SIGNS = {"-": "minus ", "−": "minus ", "+": "plus ", "±": "plus or minus ", "": ""}
BIG = {
    "hundred": "hundred", "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "mil": "million",
    "mio": "million", "Mio": "million", "Mrd": "billion", "bn": "billion", "b": "billion", "B": "billion",
    "tn": "trillion", "trn": "trillion", "T": "trillion",
}  # fmt: skip
BIG_WORDS = r"(?:hundred|thousand|million|billion|trillion)"
BIG_LETTERS = r"(?:mn|mil|mio|bn|tn|trn|[kKmMbBT])(?![\w²³^])"
SHARES = {"%": "percent", "‰": "per thousand"}
_DECIMAL_COMMA = re.compile(EUROPEAN)
_LIST = re.compile(r"\b(?:[a-z]{2,}s|and|or) $|[(\[{,;]\s?$|\d,$")


def cardinal(digits: str) -> str:
    """Return "one thousand two hundred fifty" for "1,250"; leading zeros and very long numbers digit by digit."""
    plain = re.sub(r"\D", "", digits)
    if len(plain) > LONGEST_NUMBER_DIGITS or (len(plain) > 1 and plain[0] in "0٠۰"):
        return digit_by_digit(plain)
    return _cardinal(int(plain))


def digit_by_digit(digits: str) -> str:
    """Return "two zero" for "20"."""
    return " ".join(_cardinal(int(digit)) for digit in digits)


@lru_cache(maxsize=2_048)
def ordinal(number: int) -> str:
    """Return "twenty-first" for 21."""
    return without_and(num2words(number, to="ordinal"))


@lru_cache(maxsize=2_048)
def _cardinal(number: int) -> str:
    return without_and(num2words(number))


def without_and(words: str) -> str:
    """Return number words without commas and "and", the way of the voice's country."""
    return words.replace(",", "").replace(" and ", " ")


def number(text: str) -> str:
    """Return "three point one four" for "3.14" and for "3,14"."""
    whole, _, decimals = plain_number(text).partition(".")
    words = cardinal(whole) if whole else "zero"
    return f"{words} point {digit_by_digit(decimals)}" if decimals else words


def plain_number(text: str) -> str:
    """Return a number with a point for its decimals and nothing between its thousands."""
    if _DECIMAL_COMMA.fullmatch(text):
        return re.sub("[. ]", "", text).replace(",", ".")
    return re.sub(r"[^\d.]", "", text)


def is_one(amount: str) -> bool:
    """Return whether an amount is exactly one, which takes the singular."""
    return plain_number(amount) == "1"


def signed(sign: str, text: str) -> str:
    """Return the words of a number with its sign."""
    return SIGNS[sign] + number(text)


def plural(word: str) -> str:
    """Return the plural of a number word: "sixties"."""
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("x") else f"{word}s"


def one_of(words: Iterable[str]) -> str:
    """Return a pattern for any of the words of a table, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def apart(match: re.Match[str], words: str) -> str:
    """Return the words with a space where a letter stands next to the match: "v2", "2a"."""
    before = " " if left(match, 1).isalpha() else ""
    after = " " if right(match, 1).isalpha() or right(match, 1) == LETTER_MARK else ""
    return before + words + after


def _plain(match: re.Match[str]) -> Words:
    sign, digits = match[1], match[2]
    if digits.count(".") > 1:
        return apart(match, " point ".join(cardinal(part) for part in digits.split(".")))
    return apart(match, signed(sign, digits))


def _decimal_comma(match: re.Match[str]) -> Words | None:
    """Return a decimal, unless the comma parts the items of a list or the coordinates of a point."""
    if re.match(r"\s(?:and|or|&)\s\d", right(match)):
        return None
    if _LIST.search(left(match)) or (right(match, 1) in (")", "]", "}") and left(match, 1) in ("(", "[", "{")):
        return None
    return apart(match, signed(match[1], match[2]))


def _figures(match: re.Match[str]) -> Words:
    """Return a list whose commas have no spaces behind them: "one, two, three point five", the number of a section."""
    items = (
        number(item) if item.count(".") < 2 else " point ".join(map(cardinal, item.split(".")))
        for item in match[2].split(",")
    )
    return apart(match, SIGNS[match[1]] + ", ".join(items))


def _serial(match: re.Match[str]) -> Words:
    """Return a long number such as an ISBN by its figures, and the parts of "a 3-4-5 triangle" as numbers."""
    parts = re.findall(r"\d+", match.group())
    short = sum(map(len, parts)) < LEAST_SERIAL_DIGITS and not _SERIAL_BEFORE.search(left(match))
    return ", ".join(cardinal(part) if short else digit_by_digit(part) for part in parts)


NUMBERS = SpanClass(
    "number",
    (
        rule(rf"({SIGN})({NUMBER})\s?(%|‰)", lambda match: f"{signed(match[1], match[2])} {SHARES[match[3]]}"),
        rule(rf"({SIGN})(?<![\d.,])({EUROPEAN})\s?(%|‰)", lambda match: f"{signed(match[1], match[2])} percent"),
        rule(rf"(?<![\d.,])({SIGN})(\d{{1,9}},(?:\d{{1,2}}|\d{{4,9}}))(?![\d,]|\.\d)", _decimal_comma),
        rule(rf"({SIGN})(\d{{1,9}}(?:\.\d{{1,9}}){{2,20}}|{NUMBER})", _plain),
        rule(r"(?<![\w.-])\d{1,9}(?:-\d{1,9}){2,20}(?![\w-])", _serial),  # an ISBN
        rule(rf"({SIGN})(\d{{1,{LONGEST_FIGURES}}}(?:[.,]\d{{1,{LONGEST_FIGURES}}}){{1,200}}+)", _figures),
        rule(
            rf"(?<![\w.:])({INTEGER}) ?: ?({INTEGER})(?![\w:])",
            lambda match: f"{cardinal(match[1])} to {cardinal(match[2])}",
        ),
    ),
    DIGIT,
)

# Figures of which another class took a part: the "0" in front of "000 m".
LEFT_FIGURES = SpanClass(
    "number",
    (rule(rf"\d{{1,{LONGEST_FIGURES}}}", lambda match: apart(match, cardinal(match.group()))),),
    DIGIT,
)
