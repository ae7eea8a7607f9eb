"""The spoken form of written text, with offsets back into it."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from talking_head.engines.speech.reading.english_numbers import NUMBER_RULES
from talking_head.engines.speech.reading.english_words import PUNCTUATION_RULES, SIGN_RULES, WORD_RULES
from talking_head.engines.speech.reading.markup import ADDRESS_RULES, MARKUP_RULES, UNSPOKEN_RULES
from talking_head.engines.speech.reading.rules import Reader, SpokenForm, rule

# Takes part in the version of every speech engine that uses these offsets: raise it when a reading changes.
READING_VERSION = "1"

ENGLISH = "en"


@lru_cache(maxsize=4_096)  # a lesson is read again after every change, and most of its sentences stay the same
def spoken_form(written: str, language: str = ENGLISH) -> SpokenForm:
    """Return how one utterance is read aloud; never raise.

    Numbers, signs and abbreviations become words; markup, pictographs and invisible characters are dropped. For
    languages other than English only whole numbers become words. The text is empty when nothing can be said.
    """
    form = _reader(primary_language(language)).read(written)
    return form if any(character.isalnum() for character in form.text) else SpokenForm("", ())


def plain_form(written: str) -> SpokenForm:
    """Return the text without markup, otherwise as written; for captions."""
    return _PLAIN_READER.read(written)


def primary_language(tag: str) -> str:
    """Return the primary subtag of a BCP 47 tag, "en" of "en-US"."""
    return re.split(r"[-_]", tag, maxsplit=1)[0].lower()


_PLAIN_READER = Reader((*UNSPOKEN_RULES[:2], *MARKUP_RULES))


@lru_cache(maxsize=32)
def _reader(language: str) -> Reader:
    dropped = (*UNSPOKEN_RULES[:2], *MARKUP_RULES)
    if language == ENGLISH:
        return Reader(
            (*dropped, *ADDRESS_RULES, *NUMBER_RULES, *WORD_RULES, *SIGN_RULES, UNSPOKEN_RULES[2], *PUNCTUATION_RULES)
        )
    number_rule = rule(r"(?<![\d.,])\d{1,15}(?![\d.,]\d)", lambda match: _number_words(match.group(), language))
    return Reader((*dropped, *ADDRESS_RULES, number_rule, UNSPOKEN_RULES[2], *PUNCTUATION_RULES))


def _number_words(digits: str, language: str) -> str:
    try:
        words: str = num2words(int(digits), lang=language)
    except NotImplementedError:  # num2words does not support the language: the engine reads the digits itself
        return digits
    return words
