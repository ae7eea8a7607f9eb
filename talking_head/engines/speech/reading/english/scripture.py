"""Places in holy books: "John 3:16", "1 Cor. 13:4-7", "Surah 2:255"."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import cardinal, one_of
from talking_head.engines.speech.reading.english.roman import roman_value
from talking_head.engines.speech.reading.spans import Again, SpanClass, Words, rule

# books that are also names and words: only in front of a chapter and a verse
_BOOKS = {
    "Acts": "Acts", "Amos": "Amos", "Daniel": "Daniel", "Dan.": "Daniel", "Ezra": "Ezra", "Hosea": "Hosea",
    "Hos.": "Hosea", "Isaiah": "Isaiah", "Isa.": "Isaiah", "James": "James", "Jas.": "James", "Jer.": "Jeremiah",
    "Jeremiah": "Jeremiah", "Job": "Job", "Joel": "Joel", "John": "John", "Jn.": "John", "Jn": "John",
    "Jonah": "Jonah", "Josh.": "Joshua", "Joshua": "Joshua", "Jude": "Jude", "Judges": "Judges", "Judg.": "Judges",
    "Luke": "Luke", "Lk.": "Luke", "Lk": "Luke", "Mark": "Mark", "Mk.": "Mark", "Mk": "Mark", "Matt.": "Matthew",
    "Matthew": "Matthew", "Mt.": "Matthew", "Mt": "Matthew", "Micah": "Micah", "Mic.": "Micah", "Nahum": "Nahum",
    "Numbers": "Numbers", "Num.": "Numbers", "Ruth": "Ruth", "Esther": "Esther", "Titus": "Titus",
    "Wisdom": "Wisdom", "Gen.": "Genesis", "Ex.": "Exodus", "Rev.": "Revelation", "Rom.": "Romans",
    "Romans": "Romans", "Hebrews": "Hebrews", "Heb.": "Hebrews", "Revelation": "Revelation", "Proverbs": "Proverbs",
    "Sirach": "Sirach", "Lamentations": "Lamentations", "Lam.": "Lamentations", "Song of Songs": "Song of Songs",
    "Qur'an": "Quran", "Quran": "Quran", "Qur’an": "Quran", "Koran": "Koran", "Surah": "Surah", "Sura": "Sura",
    "Genesis": "Genesis", "Exodus": "Exodus", "Exod.": "Exodus", "Leviticus": "Leviticus", "Lev.": "Leviticus",
    "Deuteronomy": "Deuteronomy", "Deut.": "Deuteronomy", "Nehemiah": "Nehemiah", "Neh.": "Nehemiah",
    "Psalm": "Psalm", "Psalms": "Psalms", "Ps.": "Psalm", "Pss.": "Psalms", "Prov.": "Proverbs",
    "Ecclesiastes": "Ecclesiastes", "Eccles.": "Ecclesiastes", "Eccl.": "Ecclesiastes", "Ezekiel": "Ezekiel",
    "Ezek.": "Ezekiel", "Obadiah": "Obadiah", "Habakkuk": "Habakkuk", "Hab.": "Habakkuk", "Zephaniah": "Zephaniah",
    "Zeph.": "Zephaniah", "Haggai": "Haggai", "Hag.": "Haggai", "Zechariah": "Zechariah", "Zech.": "Zechariah",
    "Malachi": "Malachi", "Mal.": "Malachi", "Galatians": "Galatians", "Gal.": "Galatians", "Ephesians": "Ephesians",
    "Eph.": "Ephesians", "Philippians": "Philippians", "Phil.": "Philippians", "Colossians": "Colossians",
    "Col.": "Colossians", "Philemon": "Philemon", "Tobit": "Tobit", "Judith": "Judith", "Baruch": "Baruch",
}  # fmt: skip
# books that are numbered, and are known by their number
_NUMBERED = {
    "Samuel": "Samuel", "Sam.": "Samuel", "Kings": "Kings", "Kgs.": "Kings", "Chronicles": "Chronicles",
    "Chron.": "Chronicles", "Chr.": "Chronicles", "Corinthians": "Corinthians", "Cor.": "Corinthians",
    "Thessalonians": "Thessalonians", "Thess.": "Thessalonians", "Timothy": "Timothy", "Tim.": "Timothy",
    "Peter": "Peter", "Pet.": "Peter", "John": "John", "Jn.": "John", "Maccabees": "Maccabees", "Macc.": "Maccabees",
}  # fmt: skip
_RANKS = {1: "first", 2: "second", 3: "third", 4: "fourth"}
_CHAPTER = r"(\d{1,3})"
_VERSES = (
    r"\s?[:.]\s?(\d{1,3}[a-c]?)(?:\s?[-–—]\s?(\d{1,3})(?!\d?:))?((?:,\s?\d{1,3}(?:[-–]\d{1,3})?(?!\w|:)){0,6})(?![\w%])"
)


def _verses(match: re.Match[str], first: int) -> str:
    """Return "three sixteen", "two, verses one to twenty" for the groups of ``_VERSES``."""
    verse, last, others = match[first], match[first + 1], match[first + 2]
    words = cardinal(re.sub(r"\D", "", verse)) + (f" {verse[-1]}" if verse[-1].isalpha() else "")
    if last or others:
        words = f", verses {words}"
    if last:
        words += f" to {cardinal(last)}"
    for start, end in re.findall(r"(\d+)(?:[-–](\d+))?", others):
        words += f", {cardinal(start)}" + (f" to {cardinal(end)}" if end else "")
    return words if words.startswith(",") else f" {words}"


def _place(match: re.Match[str]) -> Words:
    return [_BOOKS[match[1]], f" {cardinal(match[2])}", _verses(match, 3)]


def _numbered(match: re.Match[str]) -> Words | None:
    """Return "first Corinthians thirteen"."""
    rank = int(match[1]) if match[1].isdecimal() else roman_value(match[1])
    verses = _verses(match, 4) if match[4] else ""
    return f"{_RANKS[rank]} {_NUMBERED[match[2]]} {cardinal(match[3])}{verses}"


def _continued(match: re.Match[str]) -> Words:
    return [Again(match[1], match.start(1), verbatim=True), f" {cardinal(match[2])}", _verses(match, 3)]


SCRIPTURE = SpanClass(
    "scripture",
    (
        rule(rf"(?<!\w)({one_of(_BOOKS)})\s{_CHAPTER}{_VERSES.replace('[:.]', ':')}", _place),
        rule(
            rf"(?<![\w.,:])([1-4]|I{{1,3}})\s({one_of(_NUMBERED)})\s{_CHAPTER}(?:{_VERSES}|(?![\w:%]|[.,]\d))",
            _numbered,
        ),
        rule(rf"\b([Cc]hapter|[Vv]erses?)\s{_CHAPTER}{_VERSES.replace('[:.]', ':')}", _continued),
    ),
    re.compile(r"[A-Z][\w.'’]{1,14} \d|\b(?:chapter|verses?) \d"),
)
