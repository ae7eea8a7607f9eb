"""Thousands, millions and billions in short: "1.2M views", "50k", "5 bn"."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import AMOUNT, BIG, SIGN, one_of, signed
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_KELVIN_BEFORE = re.compile(r"\b(?:at|to|below|above|temperature|temperatures|of|is)\s$")
_FOLLOWED_BY_PEOPLE = re.compile(
    r"\s(?:people|users?|views?|viewers|followers|subscribers|inhabitants|residents|citizens|copies|jobs|dollars|euros"
    r"|pounds|tonnes|tons|visitors|voters|votes|deaths|soldiers|troops|refugees|households|homes|customers|downloads"
    r"|years|barrels|children|students|workers|migrants|immigrants|parameters|lines|words|records|rows|tests|cases"
    r"|species|hectares|acres|units|cars|passengers|members|plays|streams|likes|hits|transactions|men|women|tourists"
    r"|patients|doses|farmers|slaves|pages|adults|stars|pixels|samples|cells|births|tweets|population)\b"
)
_KEPT = {
    ("k", re.compile(r"\s(?:run|race|runs|races)\b")): "k",
    ("K", re.compile(r"\s(?:video|screen|display|TV|resolution|monitor|camera|footage|run|race|movie)s?\b")): "K",
    ("M", re.compile(r"\s(?:solution|HCl|NaOH|acid|NaCl|KOH|sodium|hydrochloric|sulfuric|H₂SO₄|H2SO4|glucose"
    r"|sucrose)")): "molar",
}  # fmt: skip
_GRADES = re.compile(r"\b(?:[Cc]lass|[Yy]ear|[Gg]rade|[Rr]oom|[Ff]lat|[Ss]ection|[Ff]igure|[Qq]uestion|[Ff]ig\.?)\s$")


_SPACED = ("mn", "mio", "Mio", "Mrd", "bn", "tn", "trn", "m", "mil")


def _scaled(match: re.Match[str]) -> Words | None:
    """Return the number, unless the letter is a unit: meters, kelvins, a molar solution."""
    sign, amount, letter = match[1], match[2], match[3]
    before, after = left(match), right(match)
    for (kept, context), words in _KEPT.items():
        if letter == kept and context.match(after):
            return f"{signed(sign, amount)} {words}"
    if letter == "m" and not _FOLLOWED_BY_PEOPLE.match(after):
        return None
    if letter in ("b", "B", "T") and _GRADES.search(before):
        return None
    if letter == "K" and _KELVIN_BEFORE.search(before) and not _FOLLOWED_BY_PEOPLE.match(after):
        return None
    if letter in "bBT" and not (_FOLLOWED_BY_PEOPLE.match(after) or "." in amount):
        return None
    if re.match(r"\s?[=+^²³]|\s[-−×*/] ", after) and letter in "kKmbT":
        return None  # "2k + 1"
    return f"{signed(sign, amount)} {BIG[letter]}"


def _spaced(match: re.Match[str]) -> Words | None:
    if match[3] in ("m", "b", "mil") and not _FOLLOWED_BY_PEOPLE.match(right(match)):
        return None
    return f"{signed(match[1], match[2])} {BIG[match[3]]}"


SCALES = SpanClass(
    "short number",
    (
        rule(rf"(?<![\w.])({SIGN})({AMOUNT})(mn|mio|bn|tn|trn|[kKmMbBT])(?![\w/²³^'’*])", _scaled),
        rule(
            rf"(?<![\w.])({SIGN})({AMOUNT}) ({one_of(_SPACED)})\.?(?![\w/²³^*])",
            _spaced,
        ),
        rule(
            rf"(?<![\w.])({SIGN})({AMOUNT}) M(?= (?:solution|HCl|NaOH|NaCl|acid|KOH|H₂SO₄|H2SO4|glucose|sucrose)\b)",
            lambda match: f"{signed(match[1], match[2])} molar",
        ),
    ),
    re.compile(r"\d ?(?:[kKmMbBT]|tn|trn)"),
)
