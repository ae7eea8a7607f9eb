"""Splits a paragraph into sentences that are short enough for one clip."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pysbd
from pysbd.languages import LANGUAGE_CODES

from talking_head.engines.speech.reading.english.abbreviation_words import (
    ABBREVIATIONS,
    ALWAYS_GO_ON,
    GO_ON_BEFORE_FIGURES,
)
from talking_head.engines.speech.reading.english.calendar import SHORT_DAYS, SHORT_MONTHS

# About 16 seconds of speech: a longer clip would keep the viewer waiting for the first picture.
MAX_UTTERANCE_CHARACTERS = 240
# pysbd compares a text with itself: its time grows faster than the text, so it is given a page at a time.
_PAGE_CHARACTERS = 2_000

_BREAKS_TO_SPACES = {ord(character): " " for character in "\n\r\v\f\t\x85\u2028\u2029"}
_SENTENCE_BREAK = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+")
_SENTENCE_ENDS = re.compile(r"[.!?…:;。！？][\"'”’)\]*_]*$")
_NUMBER_FIRST = re.compile(r"(?:\d{1,3}|[a-zA-Z])\.(?=\s)")
_ONLY_A_NUMBER = re.compile(r"\s*\(?(?:\d{1,3}|[a-zA-Z])[.)]\s*")
# Where to cut a sentence that is too long, best first. A cut is at the end of the match.
_CUTS = (
    re.compile(r"[;:—…]\s+|\s[–—-]\s+|[.!?][\"'”’)\]]*\s+"),
    re.compile(r"[,)]\s+|[、，；：]"),
    re.compile(r"\s+(?=(?:and|but|or|because|which|who|that|while|when|where|so|if|than|then|with|for)\s)"),
    re.compile(r"\s+"),
)
_ZERO_WIDTH_JOINER = "\u200d"

_LAST_WORD = re.compile(r"(?:^|[\s(\[“\"'‘])([^\s(\[“\"'‘]+)[)\]”\"'’]*$")
_UNIT = re.compile(
    r"\d\s?(?:in|ft|yd|yds|mi|oz|lb|lbs|gal|qt|pt|tbsp|tsp|doz|sq|cu|sec|secs|min|mins|hr|hrs|wk|wks|mo|mos|yr|yrs|km|cm|mm|kg"
    r"|deg|[ap]\.\s?m|sq\. ?ft|cu\. ?ft)\.$"
)
_DATE_WORDS = frozenset(f"{name}." for name in (*SHORT_MONTHS, *SHORT_DAYS))
_LOWER_CASE_WORD = re.compile(r"[\"'“‘(]?(?:[a-z]{2,}\b|a\s)|[,;]")
_FIGURE = re.compile(r"[#$€£]?\d|[IVX]{2,}\b")
_TIME_ZONE = re.compile(r"(?:GMT|UTC|BST|CET|CEST|[ECMP][SD]T)\b")
_NEW_SENTENCE = (
    r"(?:The|It|He|She|We|They|This|That|These|Those|You|I|In|On|At|If|But|And|There|Then|When|What|Why|How|Now|So|My|Our"
    r"|His|Her|Some|Each|Most|All|Turn|Take|Look)\b"
)
# Where one letter or a street ends a sentence, which pysbd takes for an initial and for a saint.
_MISSED_END = re.compile(
    r"(?:\b[A-Z][\w’']+ (?:St|Ave|Rd|Blvd|Dr|Ln|Ct|Sq)"
    r"|\b(?:[Vv]itamin|[Gg]rade|[Tt]ype|[Pp]lan|[Gg]roup|[Cc]lass|[Pp]oint|[Oo]ption|[Ff]igure|[Hh]epatitis|[Pp]art|letter"
    r"|[Tt]eam|[Ss]ection|[Bb]lock|[Rr]oom|[Aa]nswer) [A-Z])\.(?=\s+" + _NEW_SENTENCE + ")"
)
_STREET = re.compile(r"[A-Z][\w’']* (?:St|Ave|Rd|Blvd|Dr|Ln|Ct|Sq)\.$")


def sentence_spans(script: str, start: int, end: int, language: str) -> list[tuple[int, int]]:
    """Return the sentences of ``script[start:end]`` as half-open ranges without white space at their ends."""
    spans: list[tuple[int, int]] = []
    for page_start, page_end in _pages(script, start, end):
        found = _sentences(script, page_start, page_end, language)
        for sentence in _parted(script, found) if language == "en" else found:
            sentence = _rejoin_number(script, spans, sentence)
            if spans and language == "en" and _is_torn(script, spans[-1], sentence):
                spans[-1] = (spans[-1][0], sentence[1])
            elif spans and _ONLY_A_NUMBER.fullmatch(script, *spans[-1]):
                spans[-1] = (spans[-1][0], sentence[1])  # "1." belongs to its item
            else:
                spans.append(sentence)
    return [short for sentence in spans for short in short_spans(script, *sentence, MAX_UTTERANCE_CHARACTERS)]


def _parted(script: str, sentences: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the sentences, parted where pysbd missed that "Oak St." and "vitamin C." end one."""
    for start, end in sentences:
        for missed in _MISSED_END.finditer(script, start, end):
            yield start, missed.end()
            start = _stripped(script, missed.end(), end)[0]
        yield start, end


def _is_torn(script: str, last: tuple[int, int], sentence: tuple[int, int]) -> bool:
    """Return whether pysbd took the full stop of an abbreviation for the end of a sentence: "10 in. | of rain"."""
    ending = script[max(last[0], last[1] - 40) : last[1]]
    following = script[sentence[0] : sentence[0] + 40]
    found = _LAST_WORD.search(ending)
    word = found[1] if found else ""
    if not word.endswith(".") or "\n" in script[last[1] : sentence[0]]:
        return False
    if word in ALWAYS_GO_ON:
        return True
    if word in ("a.m.", "p.m.") and _TIME_ZONE.match(following):
        return True
    if _FIGURE.match(following):
        return word in GO_ON_BEFORE_FIGURES or word in _DATE_WORDS or (word == "c." and following[:3].isdecimal())
    if not _LOWER_CASE_WORD.match(following):
        return False
    short = (
        word in ABBREVIATIONS or word.lower() in ABBREVIATIONS or word in _DATE_WORDS or word in GO_ON_BEFORE_FIGURES
    )
    return short or bool(_UNIT.search(ending) or _STREET.search(ending) or re.fullmatch(r"(?:\w\.){2,}", word))


def _rejoin_number(script: str, spans: list[tuple[int, int]], sentence: tuple[int, int]) -> tuple[int, int]:
    """Return the sentence without a number that ends the previous one; that one, ``spans[-1]``, gets it back.

    pysbd takes rising numbers at the ends of sentences ("… on page 3. The second is on page 4.") for the items of a
    list. A number in mid-line after words that end nothing ends that sentence.
    """
    start, end = sentence
    number = _NUMBER_FIRST.match(script, start, end)
    if not (spans and number) or "\n" in script[spans[-1][1] : start]:
        return sentence
    if _SENTENCE_ENDS.search(script[spans[-1][0] : spans[-1][1]]):
        return sentence
    spans[-1] = (spans[-1][0], number.end())
    return _stripped(script, number.end(), end)


def short_spans(script: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Cut a sentence into parts of at most ``limit`` characters: at a clause, else a word, else a whole character."""
    parts: list[tuple[int, int]] = []
    while end - start > limit:
        cut = _cut(script, start, end, limit)
        parts.append(_stripped(script, start, cut))
        start = cut
    parts.append(_stripped(script, start, end))
    return [(first, last) for first, last in parts if first < last]


def _cut(script: str, start: int, end: int, limit: int) -> int:
    """Return the best position near the one that would make equal parts."""
    parts = -(-(end - start) // limit)
    ideal = start + (end - start) // parts
    earliest = start + limit // 4
    for pattern in _CUTS:
        positions = [match.end() for match in pattern.finditer(script, earliest, start + limit) if match.end() < end]
        if positions:
            return min(positions, key=lambda position: abs(position - ideal))
    cut = start + limit
    while cut > start + 1 and _inside_a_character(script, cut):
        cut -= 1
    return cut if cut > start + 1 else start + limit


def _inside_a_character(script: str, position: int) -> bool:
    """Return whether a cut here would separate an accent from its letter or an emoji's parts."""
    here, before = script[position], script[position - 1]
    return unicodedata.category(here) in ("Mn", "Mc", "Me") or _ZERO_WIDTH_JOINER in (here, before)


def _pages(script: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _PAGE_CHARACTERS:
        breaks = [match.end() for match in _SENTENCE_BREAK.finditer(script, start, start + _PAGE_CHARACTERS)]
        cut = breaks[-1] if breaks else start + _PAGE_CHARACTERS
        yield start, cut
        start = cut
    yield start, end


def _sentences(script: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    """Yield pysbd's sentences as ranges. Where it changed the text and cannot be followed, the rest is one sentence."""
    text = script[start:end].translate(_BREAKS_TO_SPACES)
    position = 0
    for segment in _segments(text, language):
        sentence = segment.strip()
        offset = text.find(sentence, position)
        if not sentence or offset < 0 or text[position:offset].strip():
            break
        yield start + offset, start + offset + len(sentence)
        position = offset + len(sentence)
    rest = _stripped(script, start + position, end)
    if rest[0] < rest[1]:
        yield rest


def _stripped(script: str, start: int, end: int) -> tuple[int, int]:
    text = script[start:end]
    return start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))


def _segments(text: str, language: str) -> list[str]:
    """Return what pysbd makes of a text. A segmenter keeps the text that it works on, so each call has its own; making
    one costs a microsecond."""
    known = language if language in LANGUAGE_CODES else "en"
    segments: list[str] = pysbd.Segmenter(language=known, clean=False).segment(text)
    return segments
