"""Paths through the menus of a program, and keys that are pressed together."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.chemistry import ELEMENTS
from talking_head.engines.speech.reading.english.numbers import cardinal
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

KEYS = {
    "Ctrl": "control", "CTRL": "control", "ctrl": "control", "Control": "control", "Alt": "alt", "ALT": "alt",
    "Shift": "shift", "Cmd": "command", "Command": "command", "⌘": "command", "Option": "option", "Opt": "option",
    "⌥": "option", "Win": "Windows", "Windows": "Windows", "Fn": "function", "Meta": "meta", "Super": "super",
    "⇧": "shift", "⌃": "control",
}  # fmt: skip
_NAMED_KEYS = {
    "Del": "delete", "Delete": "delete", "Esc": "escape", "Enter": "enter", "Tab": "tab", "Space": "space",
    "Ins": "insert", "PgUp": "page up", "PgDn": "page down", "Home": "home", "End": "end", "Backspace": "backspace",
    "Return": "return",
}  # fmt: skip
# a substance or an ion, such as "Zn²⁺", "AgCl", "2H2O(l)"
_SUBSTANCE = re.compile(
    r"\d{0,2}((?:[A-Z][a-z]?[\d₀-₉]{0,3}|[()\[\]][\d₀-₉]{0,2}){1,14})[⁰¹²³⁴-⁹⁺⁻+−-]{0,3}(?:\((?:s|l|g|aq)\))?"
)
_KEY = "|".join(map(re.escape, sorted(KEYS, key=len, reverse=True)))
_NAMED = "|".join(sorted(_NAMED_KEYS, key=len, reverse=True))


def _keys(match: re.Match[str]) -> Words:
    parts = re.split(r"\s?[+\-–]\s?", match.group())
    words = []
    for part in parts:
        function_key = re.fullmatch(r"F(\d{1,2})", part)
        if function_key:
            words.append(f"F {cardinal(function_key[1])}")
        else:
            words.append(KEYS.get(part) or _NAMED_KEYS.get(part) or (cardinal(part) if part.isdecimal() else part))
    return " ".join(words)


def _is_substance(word: str) -> bool:
    found = _SUBSTANCE.fullmatch(word)
    return found is not None and all(symbol in ELEMENTS for symbol in re.findall("[A-Z][a-z]?", found[1]))


def _step(match: re.Match[str]) -> Words | None:
    """Return "then" between two names of a menu; between quantities the sign compares."""
    before = re.search(r"([^\s>›»→]+)$", left(match))
    after = re.match(r"([^\s>›»→]+)", right(match))
    if not (before and after):
        return None
    last, first = before[1].strip("\"'”’*_:,"), after[1].strip("\"'“‘*_.,;:")
    if len(last) < 2 or len(first) < 2:
        return None
    if _is_substance(first) and _is_substance(last):
        return None  # the arrow of a reaction
    if not (re.match(r"[A-Z]", first) and re.search(r"[A-Za-z]{2}", last)) and "/" not in first:
        return None
    segment = re.split(r"[>›»→]", left(match))[-1].split()[-3:]
    return " then " if any(re.match(r"[\"'“‘*_]?[A-Z]", word) for word in segment) else None


MENUS = SpanClass(
    "menu path",
    (
        rule(
            rf"(?<![\w+])(?:{_KEY})(?:\s?[+\-–]\s?(?:{_KEY}|{_NAMED}|F\d{{1,2}}|[A-Z0-9](?!\w)|[a-z](?!\w))){{1,4}}",
            _keys,
        ),
        rule(
            rf"(?<![\w+])(?:⌘|⌥|⇧|⌃)(?:\s?(?:{_NAMED}|[A-Z](?!\w)))",
            lambda match: f"{KEYS[match.group()[0]]} {match.group()[1:].strip()}",
        ),
        rule(r"\s(?:>|›|»|→|->|=>|▸|►|⟩)\s|(?<=[a-z])(?:>|›|▸)(?=[A-Z])", _step),
    ),
    re.compile(r"[>›»→▸►⌘⌥⇧⌃⟩]|\w\s?[+-]\s?\w"),
)
