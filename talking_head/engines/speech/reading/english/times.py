"""Times of the day, and how long something took."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import DIGIT, cardinal, number
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_RATIO_NEAR = re.compile(r"\b(?:ratio|ratios|odds|scale|proportion|proportions|mix|mixture|diluted?)\b", re.I)
_LASTED = re.compile(
    r"\b(?:laps?|lasted|lasts|took|takes|record|records|ran|run|runs|swam|time of|times of|finished in|length|duration"
    r"|long|split|marathon|race|won in|clocked|pace|video|track|song)\b[^.;]{0,18}$",
    re.I,
)
_HALF = r"([AaPp])\.? ?[Mm](?:\b\.?)(?!\w)"
HALF_OF_DAY = rf"(?:\s?{_HALF})"


def full_stop(match: re.Match[str]) -> str:
    """Return the stop of an abbreviation at the end of a match, unless another one follows it in the text."""
    return "" if right(match, 1) == "." else "."


def clock(hour: str, minute: str, half: str) -> str:
    """Return "nine thirty A.M", without the last stop."""
    words = [cardinal(hour.lstrip("0") or "0")]
    if minute and minute != "00":
        words.append(f"oh {cardinal(minute[1])}" if minute[0] == "0" else cardinal(minute))
    elif minute and not half:
        words.append("o'clock" if 1 <= int(hour) <= 12 else "hundred hours")
    if half:
        words.append(f"{half.upper()}.M")
    return " ".join(words)


def duration(hours: str, minutes: str, seconds: str) -> str:
    """Return "one hour two minutes three point five seconds"."""
    parts = []
    for amount, unit in ((hours, "hour"), (minutes, "minute"), (seconds, "second")):
        value = amount.lstrip("0") or "0"
        value = f"0{value}" if value.startswith(".") else value
        if amount and (value != "0" or unit == "second"):
            parts.append(f"{number(value)} {unit}{'' if value == '1' else 's'}")
    return " ".join(parts)


def _with_half(match: re.Match[str]) -> Words | None:
    if int(match[1]) > 12 or int(match[2] or 0) > 59:
        return None
    return clock(match[1], match[2] or "", match[3]) + full_stop(match)


def _half_alone(match: re.Match[str]) -> Words | None:
    return None if int(match[1]) > 12 else clock(match[1], "", match[2]) + full_stop(match)


def _time(match: re.Match[str]) -> Words | None:
    hour, minute = match[1], match[2]
    around = left(match) + right(match)
    if re.search(r":\d+ ?= ?$", left(match)) or re.match(r" ?= ?\d+:", right(match)):
        return f"{cardinal(hour)} to {cardinal(minute)}"  # a proportion
    if int(hour) > 24 or int(minute) > 59 or _RATIO_NEAR.search(around):
        return f"{cardinal(hour)} to {cardinal(minute)}"  # a ratio such as 3:75
    if _LASTED.search(left(match)) and not re.search(r"\bat $", left(match)):
        return duration("", hour, minute)
    return clock(hour, minute, "")


def _with_seconds(match: re.Match[str]) -> Words | None:
    """Return a time of the day where one is asked for or no lap is that long, otherwise how long something took."""
    hour, minute, second, half = match[1], match[2], match[3], match[4]
    if int(minute) > 59 or float(second) >= 60 or (half and int(hour) > 12):
        return None
    is_clock = half or (len(hour) == 2 and int(hour) <= 24) or re.search(r"\bat $", left(match))
    if is_clock and "." not in second and not _LASTED.search(left(match)):
        words = f"{clock(hour, minute, '')} and {cardinal(second.lstrip('0') or '0')} seconds"
        return f"{words} {half.upper()}.M{full_stop(match)}" if half else words
    return duration(hour, minute, second)


def _lap(match: re.Match[str]) -> Words | None:
    return None if float(match[2]) >= 60 else duration("", match[1], match[2])


def _military(match: re.Match[str]) -> Words | None:
    hour, minute = match[1], match[2]
    if int(hour) > 24 or int(minute) > 59:
        return None
    first = f"zero {cardinal(hour[1])}" if hour[0] == "0" else cardinal(hour)
    return f"{first} {'hundred' if minute == '00' else cardinal(minute.lstrip('0'))} hours"


def _dotted(match: re.Match[str]) -> Words | None:
    """Return the time of "at 9.30" where the words around it speak of the day."""
    return None if int(match[1]) > 23 else clock(match[1], match[2], "")


TIMES = SpanClass(
    "time",
    (
        rule(rf"(?<![\w.:,])(\d{{1,2}})[:.](\d{{2}}){HALF_OF_DAY}", _with_half),
        rule(rf"(?<![\w.:,])(\d{{1,2}}){HALF_OF_DAY}", _half_alone),
        rule(
            rf"(?<![\w.:])(\d{{1,3}}):(\d{{2}}):(\d{{2}}(?:\.\d{{1,6}})?){HALF_OF_DAY}?(?![\w:])",
            _with_seconds,
        ),
        rule(r"(?<![\w.:])(\d{1,3}):(\d{2}\.\d{1,6})(?![\w:])", _lap),
        rule(r"(?<![\w.:])(\d{1,2}):(\d{2})(?: ?h)?(?![\w:]|\.\d)", _time),
        rule(r"(?<![\w.:,-])(\d{2}):?(\d{2}) (?:hours|hrs|h)\b", _military),
        rule(
            r"(?<![\w.:,])(\d{1,2})\.([0-5]\d)(?= (?:in the (?:morning|afternoon|evening)|at night|tonight|tomorrow"
            r"|o['’]clock|sharp|train\b|bus\b|news\b))",
            _dotted,
        ),
        rule(
            r"(?:(?<=\bbegins at )|(?<=\bstarts at )|(?<=\bopens at )|(?<=\bcloses at )|(?<=\bends at )"
            r"|(?<=\bleaves at )"
            r"|(?<=\bmeet at )|(?<=\bstart at )|(?<=\barrives at )|(?<=\bclass at )|(?<=\blesson at )"
            r"|(?<=\bfinishes at ))"
            r"(\d{1,2})\.([0-5]\d)(?!\w|\.\d| [a-z]{1,3}/)",
            _dotted,
        ),
        rule(
            r"(?:(?<=\bat )|(?<=\bAt )|(?<=\bby )|(?<=\buntil )|(?<=\btill ))(\d{1,2})\.(00|15|30|45)"
            r"(?=$|[,;!?)]|\.(?!\d)| (?:we|I|you|he|she|they|it|the|on|and|to|every|each|this|for|with|when)\b)",
            _dotted,
        ),
        rule(r"(?<![\w.:,])(\d{1,2})\s?o['’]\s?clock\b", lambda match: f"{cardinal(match[1])} o'clock"),
        rule(r"(?<![\w.])(\d{1,2})[hH]([0-5]\d)(?!\w)", _dotted),
    ),
    DIGIT,
)
