"""What is said for what is written, and back."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from talking_head.engines.speech.reading.english.addresses import ADDRESSES
from talking_head.engines.speech.reading.english.punctuation import PICTURES, PUNCTUATION
from talking_head.engines.speech.reading.english.reader import english_reader
from talking_head.engines.speech.reading.markup import MARKUP_CLASSES, NARROW_SPACES
from talking_head.engines.speech.reading.offsets import SpokenForm, composed
from talking_head.engines.speech.reading.spans import Reader, SpanClass, Words, rule

# Takes part in the version of every speech engine that uses these offsets: raise it when a reading changes.
READING_VERSION = "4"

ENGLISH = "en"


@lru_cache(maxsize=4_096)  # a lesson is read again with every change, and most of its sentences are the same
def spoken_form(written: str, language: str = ENGLISH) -> SpokenForm:
    """Return how one utterance is read aloud: numbers, signs and abbreviations in words, markup, pictures and invisible
    characters left out. For languages other than English only whole numbers become words.

    The text is empty when nothing can be said. Never raises.
    """
    plain = _UNMARKED.read(written)
    form = composed(_reader(primary_language(language)).read(plain.text), plain)
    return form if any(character.isalnum() for character in form.text) else SpokenForm("", ())


def plain_form(written: str) -> SpokenForm:
    """Return the text without its markup, otherwise as written: for captions."""
    return _PLAIN.read(written)


def primary_language(tag: str) -> str:
    """Return "en" for "en-US" (BCP 47)."""
    return re.split(r"[-_]", tag, maxsplit=1)[0].lower()


_PLAIN = Reader(MARKUP_CLASSES)
_UNMARKED = Reader((NARROW_SPACES, *MARKUP_CLASSES))


@lru_cache(maxsize=32)
def _reader(language: str) -> Reader:
    if language == ENGLISH:
        return english_reader()

    def counted(match: re.Match[str]) -> Words:
        return _counted(match.group(), language)

    numbers = SpanClass("number", (rule(r"(?<![\d.,])\d{1,15}(?![\d.,]\d)", counted),))
    return Reader((ADDRESSES, numbers, PICTURES, PUNCTUATION))


def _counted(digits: str, language: str) -> str:
    try:
        words: str = num2words(int(digits), lang=language)
    except NotImplementedError:  # a language it does not know: the engine reads the figures itself
        return digits
    return words
