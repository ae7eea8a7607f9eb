"""Measures: an amount with its unit, and compound units."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.adjectives import is_adjective
from talking_head.engines.speech.reading.english.fractions import VULGAR, fraction_words
from talking_head.engines.speech.reading.english.numbers import (
    AMOUNT,
    BIG_WORDS,
    SIGN,
    is_one,
    number,
    one_of,
    signed,
)
from talking_head.engines.speech.reading.english.units import CLOSE_ONLY, PER_WORDS, UNITS
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_UNIT = one_of(UNITS)
_POWER = r"(?:\^?[-−]?[1234](?!\d)|⁻?[¹²³⁴])"
_NEGATIVE_POWER = r"(?:\^?\{?[-−][1234]\}?|⁻[¹²³⁴])"
# up to three pairs of a unit under the fraction bar and its power: "m/s²", "J/kg/K", "m s⁻²"
_UNDER = rf"(?:\s?/\s?({_UNIT})({_POWER})?)?(?:/({_UNIT})({_POWER})?)?(?:[ ·⋅]({_UNIT})({_NEGATIVE_POWER}))?"
_END = r"(?![\w°/^²³*]|['’]\w)"
_FIGURES = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
_POWERS = {"2": ("square ", " squared"), "3": ("cubic ", " cubed"), "4": ("", " to the fourth")}
_LENGTHS = ("meter", "foot", "feet", "mile", "inch", "yard", "parsec")
# two letters and a slash between them that are a unit even without a figure
_SURE_PAIRS = frozenset(
    ("m/s", "J/K", "N/m", "V/m", "N/C", "J/s", "C/s", "g/L", "g/l", "W/m", "J/g", "m/h", "L/s", "l/s")
)


# units that are nothing else even without a figure: "measured in km", "mass (kg)"
_CLEAR_UNITS = (
    "km|cm|mm|nm|µm|kg|mg|µg|ml|mL|kJ|kcal|kW|kWh|MW|kPa|hPa|mmHg|Hz|kHz|MHz|GHz|mph|mol|°C|ms|dB|kV|mV|mA|lbs"
)


def _power_word(power: str | None, name: str, *, below: bool) -> tuple[str, str]:
    """Return what is said before and after a unit: lengths are "square meters", all else is "second squared"."""
    exponent = (power or "").translate(_FIGURES).lstrip("^").strip("{}").lstrip("-")
    before, after = _POWERS.get(exponent, ("", ""))
    if name.endswith(_LENGTHS) and before:
        return (before, "")
    return ("", after)


def _unit_words(unit: str, power: str | None, *, singular: bool) -> str:
    one, many = UNITS[unit]
    before, after = _power_word(power, one, below=False)
    return f"{before}{one if singular else many}{after}"


def compound(unit: str, power: str | None, below: tuple[tuple[str | None, str | None], ...], *, singular: bool) -> str:
    """Return "meters per second squared"."""
    words = _unit_words(unit, power, singular=singular)
    for lower, lower_power in below:
        if lower:
            words += f" per {_unit_words(lower, lower_power, singular=True)}"
    return words


def _below(match: re.Match[str], first: int) -> tuple[tuple[str | None, str | None], ...]:
    """Return the units under the fraction bar and their powers, from three pairs of groups."""
    return tuple((match[group], match[group + 1]) for group in (first, first + 2, first + 4))


def _measure(match: re.Match[str]) -> Words | None:
    sign, amount, big, space, unit, power = match.groups()[:6]
    if unit in CLOSE_ONLY and not _close_unit(match, unit, space):
        return None
    if unit == "s" and not space and re.fullmatch(r"[12]\d{3}|\d0", amount) and re.search(r"\bthe $", left(match)):
        return None
    if unit == "K" and not space and not re.search(r"\b(?:at|to|of|temperature|is|than|below|above)\s$", left(match)):
        return None
    if unit in ("A", "C", "V", "N", "W", "h", "K", "J") and _is_algebra(match):
        return None
    hyphen = space == "-" or right(match, 1) == "-"
    singular = (is_one(amount) and not big) or hyphen or is_adjective(match)
    words = compound(unit, power, _below(match, 7), singular=singular)
    return f"{signed(sign, amount)} {f'{big} ' if big else ''}{words}"


def _close_unit(match: re.Match[str], unit: str, space: str) -> bool:
    """Return whether a letter that stands for much else is a unit here."""
    if match[7]:
        return True
    if unit in ("t", "T", "pt", "mo", "pc"):
        return not _is_algebra(match) and (unit != "t" or space != "" or bool(re.match(r"[\s.,;)]|$", right(match, 1))))
    return unit in ("MP", "bit", "rad", "Da", "Gy", "au") or (unit in ("F", "H", "B", "U") and space == " ")


def _is_algebra(match: re.Match[str]) -> bool:
    """Return whether a figure and a letter are a term such as "2t + 1" rather than a measure."""
    before, after = left(match, 3), right(match, 3)
    if match[4] == " ":
        return False
    if match[5] == "t" and (before.endswith("= ") or "(t)" in match.string):
        return True
    return bool(re.match(r"\s?[+=(^²³]|\s[-−*×/]\s|[-−]\w", after) or re.search(r"[+(]\s?$|\w\s[-−]\s$|^=\s?$", before))


def _bare_unit(match: re.Match[str]) -> Words | None:
    """Return the words of a unit without a figure: "The unit is m/s."."""
    unit, power, lower = match[1], match[2], match[3]
    if not lower and not match[7]:
        return None
    pair = f"{unit}/{lower}" if lower else ""
    if lower and len(unit) == len(lower) == 1 and not (power or match[4]) and pair not in _SURE_PAIRS:
        return None
    is_sure = power or match[4] or (lower and len(unit) > 1)
    if (re.search(r"[=+×*<>]\s?$", left(match, 3)) and not is_sure) or re.match(r"\s?[=+]", right(match, 3)):
        return None
    return compound(unit, power, _below(match, 3), singular=False)


def _over_product(match: re.Match[str], first: int) -> str:
    """Return "joules per kilogram kelvin" for the three groups of "J/(kg·K)"."""
    top, left_unit, right_unit = match[first], match[first + 1], match[first + 2]
    return f"{UNITS[top][1]} per {UNITS[left_unit][0]} {UNITS[right_unit][0]}"


def _bare_power(match: re.Match[str]) -> Words | None:
    """Return "square kilometers" for a unit alone with its power: "area in km²"."""
    return _unit_words(match[1], match[2], singular=False)


def _per_word(match: re.Match[str]) -> Words:
    return f"{match[1]} per {PER_WORDS[match[2]]}"


def _figure_per_word(match: re.Match[str]) -> Words:
    return f"{signed(match[1], match[2])} per {PER_WORDS[match[3]]}"


def _per_unit(match: re.Match[str]) -> Words:
    return f"{match[1]} per {_unit_words(match[2], match[3], singular=True)}"


def _percent_per(match: re.Match[str]) -> Words:
    return f"{signed(match[1], match[2])} percent per {PER_WORDS[match[3]]}"


def _dotted_unit(match: re.Match[str]) -> Words | None:
    """Return the measure whose unit is abbreviated with a full stop: "5 min.", "3 lbs. of"."""
    unit = match[3]
    ends = not right(match).strip("\"'”’)*_ ") or bool(re.match(r"\s[A-Z]", right(match)))
    singular = is_one(match[2]) or is_adjective(match)
    return f"{signed(match[1], match[2])} {_unit_words(unit, None, singular=singular)}{'.' if ends else ''}"


def _fraction_measure(match: re.Match[str]) -> Words | None:
    """Return "three quarters of a teaspoon", "one and a half cups" for a fraction in figures and its unit."""
    whole, upper, lower, vulgar, unit = match.groups()
    one, many = UNITS[unit]
    if unit in CLOSE_ONLY or (vulgar is None and int(lower) == 0):
        return None
    if whole:
        part = VULGAR[vulgar][1] if vulgar else fraction_words(int(upper), int(lower), mixed=True)
        return f"{number(whole)} and {part} {one if is_adjective(match) else many}"
    part = VULGAR[vulgar][0] if vulgar else fraction_words(int(upper), int(lower))
    if " over " in part:
        return None
    if is_adjective(match):
        return f"{part} {one}"
    one = f"{'an' if one[0] in 'aeio' else 'a'} {one}"
    return f"half {one}" if part == "one half" else f"{part} of {one}"


_DOTTED = one_of(
    """
    min max lbs lb oz ft yd yds hr hrs sec secs mins gal qt pt tbsp tsp yr yrs mo mi wk wks doz km kg cm mm
    """.split()  # noqa: SIM905
)

MEASURES = SpanClass(
    "measure",
    (
        rule(
            rf"(?:(?<![\w.^])|(?<=\d[x×]))({SIGN})({AMOUNT})(?: ({BIG_WORDS}))?(\s|-|)"
            rf"({_UNIT})({_POWER})?{_UNDER}{_END}",
            _measure,
        ),
        rule(
            rf"(?<![\w./])(?:(\d{{1,3}})\s?)?(?:(\d{{1,2}})[/⁄](\d{{1,2}})|([{''.join(VULGAR)}]))"
            rf"[ -]?({_UNIT})(?![\w/²³^])",
            _fraction_measure,
        ),
        rule(rf"(?<![\w.^])({SIGN})({AMOUNT})\s?({_DOTTED})\.(?!\w)", _dotted_unit),
        rule(
            rf"(?<![\w.^])({SIGN})({AMOUNT})\s?({_UNIT})/\(({_UNIT})\s?[·⋅* ]\s?({_UNIT}|°C)\)",
            lambda match: f"{signed(match[1], match[2])} {_over_product(match, 3)}",
        ),
        rule(
            rf"(?<![\w.^])({SIGN})({AMOUNT})\s?({_UNIT})\s?/\s?({AMOUNT}) ?({_UNIT})(?![\w/])",
            lambda match: (
                f"{signed(match[1], match[2])} {_unit_words(match[3], None, singular=is_one(match[2]))} per "
                f"{number(match[4])} {_unit_words(match[5], None, singular=is_one(match[4]))}"
            ),
        ),
        rule(
            rf"(?<![\w.^])({SIGN})({AMOUNT})\s?({_UNIT})\s?/\s?({one_of(PER_WORDS)})(?![\w/²³])",
            lambda match: (
                f"{signed(match[1], match[2])} {_unit_words(match[3], None, singular=is_one(match[2]))} per "
                f"{PER_WORDS[match[4]]}"
            ),
        ),
        rule(rf"({SIGN})({AMOUNT})\s?%\s?/\s?({one_of(PER_WORDS)})(?!\w)", _percent_per),
        rule(
            rf"(?<![\w.^])({SIGN})({AMOUNT})\s?/\s?(second|sec|minute|min|hour|hr|day|week|month|year|yr)(?!\w)",
            _figure_per_word,
        ),
    ),
    re.compile(rf"[\d{''.join(VULGAR)}]"),
)

PER = SpanClass(
    "per",
    (
        rule(
            rf"(?<![\w/])([A-Za-z]{{3,20}}s|people|feet|children|km|kg|cm|mm|mg|mL|ml|GDP|income|cost|price"
            rf"|rate|output|change"
            rf"|kcal|dose|energy|force|mass|heat|power|charge|yield)\s?/\s?({one_of(PER_WORDS)})(?![\w/²³])",
            _per_word,
        ),
        rule(
            rf"(?<![\w/])([A-Za-z]{{3,20}}s|people|residents|income|cost|price|force|mass"
            rf"|power)\s?/\s?({_UNIT})({_POWER})?(?![\w/])",
            _per_unit,
        ),
    ),
    re.compile("/"),
)

BARE_UNITS = SpanClass(
    "unit",
    (
        rule(rf"(?<![\w/.°])({_UNIT})({_POWER})?{_UNDER}{_END}", _bare_unit),
        rule(rf"(?<![\w/.°])({_UNIT})/\(({_UNIT})\s?[·⋅* ]\s?({_UNIT})\)", lambda match: _over_product(match, 1)),
        rule(
            rf"(?:(?<=10[⁰¹²³⁴-⁹] )|(?<=10[⁰¹²³⁴-⁹]{{2}} )|(?<=10⁻[⁰¹²³⁴-⁹] )|(?<=10⁻[⁰¹²³⁴-⁹]{{2}} )|(?<=10\^\d )"
            rf"|(?<=10\^\d\d )|(?<=10\^-\d )|(?<=10\^-\d\d ))({_UNIT})(?![\w/²³^])",
            lambda match: UNITS[match[1]][1],
        ),
        rule(r"(?<=[°CF])/(min|h|s|hr|hour|minute|second|day)(?!\w)", lambda match: f" per {PER_WORDS[match[1]]}"),
        rule(r"(?<![\w/.])(km|cm|mm|dm|nm|µm|ft|mi|yd)([²³]|\^[23])(?![\w/])", _bare_power),
        rule(
            rf"(?:(?<=\bin )|(?<=\bper )|(?<=\()|(?<=\bunits: ))({_CLEAR_UNITS})(?=[\s,.;:)]|$)(?! \d)",
            lambda match: UNITS[match[1]][0 if re.search(r"\bper $", left(match)) else 1],
        ),
        rule(
            r"(?<=\bin )(m|in)([²³]|\^[23])(?![\w/])",
            lambda match: _unit_words("m" if match[1] == "m" else "ft", match[2], singular=False),
        ),
    ),
    re.compile(rf"[/·^⁻⁰¹²³⁴-⁹°]|\b(?:{_CLEAR_UNITS})\b"),
)
