"""Punctuation as voices know it, characters in their ordinary form, and what has no sound."""

from __future__ import annotations

import re
import unicodedata

from talking_head.engines.speech.reading.english.numbers import cardinal
from talking_head.engines.speech.reading.markup import EMOJI
from talking_head.engines.speech.reading.spans import SpanClass, Words, rule

STRAY_SIGNS = {
    "+": "plus", "=": "equals", "%": "percent", "~": "about", "$": "dollars", "€": "euros", "£": "pounds",
}  # fmt: skip


def _composed(match: re.Match[str]) -> Words | None:
    """Return letters with their accents in one character, ligatures and full-width letters as ordinary ones."""
    if match.group()[0].isnumeric() and not match.group()[0].isalpha():
        return None  # a raised figure
    return unicodedata.normalize("NFKC", match.group())


def _stray_sign(match: re.Match[str]) -> Words:
    """Return the name of a sign that stands in no expression."""
    return f" {STRAY_SIGNS[match.group()]} "


def _odd_figure(match: re.Match[str]) -> Words | None:
    """Return the words of a figure that stands in no number: "①", "Ⅷ", a raised 2 in front of a word."""
    character = match.group()
    if not character.isnumeric() or character.isalpha():
        return None
    value = unicodedata.numeric(character)
    return f" {cardinal(str(int(value)))} " if value >= 0 and value == int(value) else " "


PICTURES = SpanClass("picture", (rule(rf"{EMOJI}{{1,400}}", " "),), re.compile(EMOJI))

PUNCTUATION = SpanClass(
    "punctuation",
    (
        rule(r"(?<=\w)[’ʼ＇](?=\w)|(?<=s)’(?=\s)", "'"),  # an apostrophe
        rule(r"(?<!\w)['’](?=(?:em|til|cause|tis|twas|n)\b)", "'"),
        rule(r"[‘’‚‛](?!\w)|(?<!\w)[‘’‚‛']|(?<=[^\Ws])'(?!\w)|(?<=\W)'(?!\w)|'$", ""),  # single quotation marks
        rule(r"[«»„‟]", '"'),
        rule(r"\s-{1,3}\s|\s?(?:-{2,400}|[–—―]{1,400})\s?", " — "),
        rule(r"\.{2,400}|(?:\. ){2,200}\.|…{1,400}", "… "),
        rule(r"!(?:\s?!){1,400}", "!"),
        rule(r"[?!]{0,400}\?[?!]{0,400}", "?"),
        rule(r",(?:\s?,){1,400}|,(?=\w)", ", "),
        rule(r"\|", ", "),
        # One at a time: a run of them may contain a sign that another class has taken.
        rule(r"[\[\]{}<>\\/*_^`#·•]", " "),
        rule(r"[+=%~$€£]", _stray_sign),
        rule(r"[^\W\d_][\u0300-\u036f]{1,40}", _composed),
        rule(r"[\ufb00-\ufb06\uff01-\uff5e\u2100-\u214f\u2160-\u217f\U0001d400-\U0001d7ff]{1,40}", _composed),
        rule(r"[^\x00-\x7f]", _odd_figure),
    ),
    re.compile(r"[^a-zA-Z0-9 .]|\.[. ]?\."),
)
