"""Abbreviations and short forms."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.abbreviation_words import (
    ABBREVIATIONS,
    BEFORE_FIGURES,
    SHORT_FORMS,
    TITLES,
    TITLES_WITH_STOP_ONLY,
)
from talking_head.engines.speech.reading.english.numbers import one_of
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule


def _spaced(words: str) -> str:
    return words.replace("\\ ", r"\s?")


def _abbreviation(match: re.Match[str]) -> Words | None:
    """Return the words; where the abbreviation's full stop also ended the sentence, the sentence keeps one."""
    written = re.sub(r"\s+", " ", match[1])
    words = (
        ABBREVIATIONS.get(written) or ABBREVIATIONS.get(written.replace(" ", "")) or ABBREVIATIONS.get(written.lower())
    )
    if words is None:
        return None
    after = right(match)
    if written in (
        "no.",
        "sing.",
        "alt.",
        "var.",
        "gen.",
        "pos.",
        "rec.",
        "Is.",
        "fl.",
        "info.",
        "lab.",
        "math.",
        "ant.",
        "stat.",
        "def.",
        "lit.",
    ) and (not after.strip("\"'”’)*_ ") or re.match(r"\s[A-Z]", after)):
        return None  # the end of a sentence
    if written == "Ed." and re.search(r"[A-Z]\w+ $", left(match)) is None and re.match(r"\s[A-Z]", after):
        return None  # a man's name
    keeps_stop = written.endswith(".") and (
        not after.strip("\"'”’)*_ ") or bool(written in _MAY_END and re.match(r"[\"'”’)*_]*\s[A-Z]", after))
    )
    return f"{words}." if keeps_stop else words


_MAY_END = frozenset(
    (
        "etc.",
        "et al.",
        "Jr.",
        "Sr.",
        "Ltd.",
        "Inc.",
        "Corp.",
        "Co.",
        "Bros.",
        "Ave.",
        "Rd.",
        "Blvd.",
        "Esq.",
        "p.a.",
        "hrs.",
        "yrs.",
        "mins.",
        "secs.",
        "lbs.",
        "oz.",
        "max.",
        "min.",
        "avg.",
        "ibid.",
    )
)


_YEARS_OF_A_LIFE = re.compile(r"\s?(?:c\.\s?)?\d{3,4}(?:\s?[-–]\s?\d{2,4})?(?:[,;)]|\.?$)")


def _before_figure(match: re.Match[str]) -> Words | None:
    """Return the word; a single letter with its stop is so only in brackets or behind a comma ("(b. 1809)")."""
    short = match[1]
    after = right(match)
    if short in ("b.", "d.", "r.", "m.") and _YEARS_OF_A_LIFE.match(after):
        return f"{BEFORE_FIGURES[short]} "
    if short in ("l.", "p.", "v.", "n.") and not left(match).strip() and re.match(r"\s?\d{1,4}\.?$", after):
        return f"{BEFORE_FIGURES[short]} "
    if short in ("b.", "d.", "m.", "r.", "v.", "n.", "S.", "P.", "C.", "Q.", "l.") and not re.search(
        r"[(,;]\s?$|\bMozart\b.*$", left(match)
    ):
        return None
    if short in ("max", "min", "ca", "col.", "Col.", "app.") and re.search(r"[=(]\s?$", left(match)):
        return None
    if short == "ed." and not re.search(r"\d(?:st|nd|rd|th) $", left(match)):
        return "edition " if re.match(r"\s?\d", right(match)) else None
    return f"{BEFORE_FIGURES[short]} "


def _edition(match: re.Match[str]) -> Words:
    return f"{match[1]}edition"


def _short_form(match: re.Match[str]) -> Words | None:
    short = match[1]
    if short in ("NB", "AKA", "ASAP", "TBD", "FYI") and re.search(r"[A-Z]{2,} $", left(match)):
        return None
    if short in ("tbsp", "tsp") and re.search(r"\b(?:a|one|1|per) $", left(match)):
        return SHORT_FORMS[short][:-1]
    return SHORT_FORMS[short]


TITLE_NAMES = SpanClass(
    "title",
    (
        rule(
            rf"\b({one_of(TITLES)})(?:\.(?=\s?[A-Z])|(?=\s[A-Z][a-z’']))",
            lambda match: (
                None
                if match[1] in TITLES_WITH_STOP_ONLY and not match.group().endswith(".")
                else f"{TITLES[match[1]]} "
            ),
        ),
    ),
    re.compile(rf"\b(?:{one_of(TITLES)})\b"),
)

SHORTENED = SpanClass(
    "abbreviation",
    (
        rule(rf"(?<![\w.])({one_of(BEFORE_FIGURES)})(?=\s?#?(?:\d|[IVX]{{2,}}\b|[A-Z]?\d))", _before_figure),
        rule(r"(?<=\d(?:st|nd|rd|th))( )ed\.(?!\w)", _edition),
        rule(r"(?<!\w)(?:[Ee]d|[Ee]ds)\.(?= by\b)", "edited"),
        rule(
            rf"(?<![\w.])({_spaced(one_of(ABBREVIATIONS))}"
            rf"|{_spaced(one_of(k.capitalize() for k in ABBREVIATIONS if len(k) > 4))})(?![\w])",
            _abbreviation,
        ),
        rule(rf"(?<![\w./])({one_of(SHORT_FORMS)})(?![\w+#/.]|\.\w)", _short_form),
    ),
    re.compile(r"\.|/|&|#|№|\b[a-zA-Z]{2,4}\b|IPv\d"),
)
