"""Degrees: of an arc, of a temperature, and of the places on the globe."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.adjectives import is_adjective
from talking_head.engines.speech.reading.english.numbers import AMOUNT, SIGN, is_one, number, one_of, signed
from talking_head.engines.speech.reading.spans import SpanClass, Words, right, rule

_COMPASS = {
    "N": "north", "S": "south", "E": "east", "W": "west", "NE": "northeast", "NW": "northwest", "SE": "southeast",
    "SW": "southwest", "NNE": "north northeast", "NNW": "north northwest", "SSE": "south southeast",
    "SSW": "south southwest", "ENE": "east northeast", "ESE": "east southeast", "WNW": "west northwest",
    "WSW": "west southwest",
}  # fmt: skip


_POINT = one_of(_COMPASS)


_SCALES = {"C": " Celsius", "F": " Fahrenheit", "K": " Kelvin", "R": " Rankine"}


def _degrees(match: re.Match[str]) -> Words:
    sign, amount, scale = match[1], match[2], match[3]
    kind = _SCALES.get(scale or "", "")
    singular = is_one(amount) or is_adjective(match) or right(match, 1) == "-"
    return f"{signed(sign, amount)} {'degree' if singular else 'degrees'}{kind}"


def _position(match: re.Match[str]) -> Words | None:
    """Return an angle with its minutes and seconds, and the point of the compass that it lies towards."""
    sign, degrees, minutes, seconds, point = match.groups()
    if not (minutes or point):
        return None
    words = [f"{signed(sign, degrees)} {'degree' if degrees == '1' else 'degrees'}"]
    if minutes:
        words.append(f"{number(minutes)} {'minute' if minutes == '1' else 'minutes'}")
    if seconds:
        words.append(f"{number(seconds)} {'second' if seconds == '1' else 'seconds'}")
    return " ".join([*words, _COMPASS[point]] if point else words)


def _bearing(match: re.Match[str]) -> Words:
    """Return a bearing such as "N 45° E"."""
    east = f" {_COMPASS[match[3]]}" if match[3] else ""
    return f"{_COMPASS[match[1]]} {number(match[2])} degrees{east}"


DEGREES = SpanClass(
    "degrees",
    (
        rule(
            rf"({SIGN})(\d{{1,3}}(?:\.\d{{1,8}})?)\s?[°º]\s?(?:(\d{{1,2}}(?:\.\d{{1,4}})?)\s?['′’]\s?"
            rf"(?:(\d{{1,2}}(?:\.\d{{1,4}})?)\s?(?:\"|″|”|''|’’))?)?\s?(?:({_POINT})(?!\w|['’.]\w))?(?<!\s)",
            _position,
        ),
        rule(rf"(?<!\w)({_POINT})\s?(\d{{1,3}}(?:\.\d{{1,4}})?)\s?°(?:\s?({_POINT})(?!\w))?(?!\w)", _bearing),
        rule(rf"({SIGN})({AMOUNT})\s?[°º](?:\s?([CFKR])(?!\w))?", _degrees),
        rule(r"(?<=[°º][CF])\s?/\s?(?=[-−]?\d)", " or "),  # one temperature on two scales
        rule(rf"({SIGN})({AMOUNT})\s?℃()", lambda match: f"{signed(match[1], match[2])} degrees Celsius"),
        rule(rf"({SIGN})({AMOUNT})\s?℉()", lambda match: f"{signed(match[1], match[2])} degrees Fahrenheit"),
    ),
    re.compile("[°º℃℉]"),
)
