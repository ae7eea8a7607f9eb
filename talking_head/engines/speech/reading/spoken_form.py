"""What is said for what is written, and back."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from talking_head.engines.speech.reading.english_numbers import NUMBER_RULES
from talking_head.engines.speech.reading.english_words import PUNCTUATION_RULES, SIGN_RULES, WORD_RULES
from talking_head.engines.speech.reading.markup import ADDRESS_RULES, MARKUP_RULES, UNHEARD_RULES
from talking_head.engines.speech.reading.rules import Reader, SpokenForm, rule

# Takes part in the version of every speech engine that uses these offsets: raise it when a reading changes.
READING_VERSION = "1"

ENGLISH = "en"


@lru_cache(maxsize=4_096)  # a lesson is read again with every change, and most of its sentences are the same
def spoken_form(written: str, language: str = ENGLISH) -> SpokenForm:
    """How one utterance is read aloud: numbers, signs and abbreviations in words, markup, pictures and invisible
    characters left out. For languages other than English only whole numbers become words.

    The text is empty when nothing can be said. Never raises.
    """
    form = _reader(primary_language(language)).read(written)
    return form if any(character.isalnum() for character in form.text) else SpokenForm("", ())


def plain_form(written: str) -> SpokenForm:
    """The text without its markup, otherwise as written: for captions."""
    return _PLAIN_READER.read(written)


def primary_language(tag: str) -> str:
    """ "en" of "en-US" (BCP 47)."""
    return re.split(r"[-_]", tag, maxsplit=1)[0].lower()


_PLAIN_READER = Reader((*UNHEARD_RULES[:2], *MARKUP_RULES))


@lru_cache(maxsize=32)
def _reader(language: str) -> Reader:
    silent = (*UNHEARD_RULES[:2], *MARKUP_RULES)
    if language == ENGLISH:
        return Reader(
            (*silent, *ADDRESS_RULES, *NUMBER_RULES, *WORD_RULES, *SIGN_RULES, UNHEARD_RULES[2], *PUNCTUATION_RULES)
        )
    counted = rule(r"(?<![\d.,])\d{1,15}(?![\d.,]\d)", lambda match: _counted(match.group(), language))
    return Reader((*silent, *ADDRESS_RULES, counted, UNHEARD_RULES[2], *PUNCTUATION_RULES))


def _counted(digits: str, language: str) -> str:
    try:
        words: str = num2words(int(digits), lang=language)
    except NotImplementedError:  # a language it does not know: the engine reads the figures itself
        return digits
    return words
