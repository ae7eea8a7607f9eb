"""Figures and signs that name a thing: rooms, flights, aircraft, grades, ratings, hexadecimal numbers, files."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.adjectives import is_adjective
from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.numbers import cardinal, digit_by_digit, one_of
from talking_head.engines.speech.reading.spans import Again, SpanClass, Words, left, right, rule

_PLACES = "[Rr]oom|Rm\\.|[Ff]lat|[Bb]us|[Ff]light|[Rr]oute|[Hh]ighway|Interstate|[Ll]ocker|Area|[Ee]xtension"
_COURSES = (
    "Math|Maths|Algebra|Biology|Bio|Chemistry|Chem|Physics|History|English|Spanish|French|German|Latin|Psychology"
    "|Economics|Econ|Sociology|Philosophy|Music|Art|Drama|CS|Computing|Geography|Statistics|Stats"
)
_MAKERS = "Boeing|Airbus|Cessna|Tupolev|Antonov|Embraer|McDonnell Douglas|Lockheed|Fokker|Saab|Porsche|Peugeot|Ferrari"
# Extensions that people say as a word; others are spelled.
_EXTENSIONS = {
    "doc": "doc", "jpeg": "JPEG", "jpg": "J.P.G.", "gif": "GIF", "zip": "zip", "bat": "bat", "log": "log", "key": "key",
    "tex": "tech", "json": "JSON", "java": "java", "exe": "E.X.E.", "ini": "I.N.I.", "app": "app", "pages": "pages",
}  # fmt: skip
_SPELLED_EXTENSIONS = """
    c cc cfg cpp cs css csv dll docx epub flac h htm html ics ipynb js jsx md mid mkv mov mp3 mp4 odp ods odt pdf php
    png pps ppt pptx ps psd py r rar rb rs rtf sb3 sh sql srt svg tar tif tiff ts tsv tsx ttf txt vtt wav webm webp
    wmv xls xlsx xml yaml yml
    """.split()  # noqa: SIM905
_EXTENSION = one_of((*_EXTENSIONS, *_SPELLED_EXTENSIONS))


def named_number(digits: str) -> str:
    """Return the figures of a name as people say them: "two oh four", "seven thirty-seven", "twelve hundred"."""
    if len(digits) not in (3, 4) or digits[0] == "0" or digits.endswith("000"):
        return cardinal(digits)
    first, rest = digits[:-2], digits[-2:]
    if rest == "00":
        return f"{cardinal(first)} hundred"
    return f"{cardinal(first)} {f'oh {cardinal(rest[1])}' if rest[0] == '0' else cardinal(rest)}"


def _named(match: re.Match[str]) -> Words | None:
    """Return the number of a room or a flight: "Room two oh four"; "the bus 300 people took" counts people."""
    if re.match(r"\s(?:[a-z]{2,}s|people|children|men|women|km|m|miles)\b|\s?%|-year", right(match)):
        return None
    initials = f"{letters(match[2])} " if match[2] else ""
    place = "room" if match[1] == "Rm." else Again(match[1], match.start(1), verbatim=True)
    return [place, f" {initials}{named_number(match[3])}"]


def _course(match: re.Match[str]) -> Words:
    return [Again(match[1], match.start(1), verbatim=True), f" {named_number(match[2])}"]


def _aircraft(match: re.Match[str]) -> Words:
    """Return "Boeing seven forty-seven four hundred"."""
    figures = " ".join(
        named_number(part) if part.isdecimal() else part for part in re.findall(r"\d+|[A-Za-z]+", match[2])
    )
    return [Again(match[1], match.start(1), verbatim=True), f" {figures}"]


def _stars(match: re.Match[str]) -> Words:
    """Return the rating: "5★", "★★★☆"."""
    count = match[1] or str(match[2].count("★") + match[2].count("⭐"))
    singular = count == "1" or is_adjective(match) or bool(match[1] and re.match(r" [a-z]", right(match)))
    return f"{cardinal(count)} star{'' if singular else 's'}"


def _by_character(text: str) -> str:
    """Return every figure and letter by its name."""
    return " ".join(digit_by_digit(each) if each.isdecimal() else letters(each.upper()) for each in text)


def _hexadecimal(match: re.Match[str]) -> Words:
    return f"hex {_by_character(match[1])}"


_COLOUR_BEFORE = re.compile(r"\b(?:colou?r|background|hex|fill|code)\b[^.]{0,12}$", re.I)


def _colour(match: re.Match[str]) -> Words | None:
    """Return a color such as #FF8800; "#123" alone is a number."""
    if match[1].isdecimal() and not re.search(
        r"\b(?:colou?r|background|hex|fill|code)\b[^.]{0,12}$", left(match), re.I
    ):
        return None
    return f"hash {_by_character(match[1])}"


def _file(match: re.Match[str]) -> Words | None:
    """Return the name of a file: "data dot C.S.V."; "D.C" and "U.S" are initials."""
    name, extension = match[1], match[2].lower()
    if len(extension) == 1 and (len(name) < 2 or match[2].isupper()):
        return None
    said = _EXTENSIONS.get(extension)
    if said is None:
        said = " ".join(
            cardinal(part) if part.isdecimal() else "".join(f"{letter.upper()}." for letter in part)
            for part in re.findall(r"\d+|[a-z]+", extension)
        )
    said = said.removesuffix(".") if right(match, 1) == "." else said
    return [*_file_name(name, match.start(1)), f" dot {said}"]


def _file_name(name: str, start: int) -> list[str | Again]:
    parts: list[str | Again] = []
    for piece in re.finditer(r"\d+|[._-]+|[^\d._-]+", name):
        text = piece.group()
        if text.isdecimal():
            parts.append(f" {cardinal(text)} ")
        elif text[0] in "._-":
            parts.append(" dot " if text == "." else " ")
        else:
            parts.append(Again(text, start + piece.start(), verbatim=True))
    return parts


CODES = SpanClass(
    "code",
    (
        rule(r"(?<!\w)A\*(?=s?(?:[\s.,;:)–-]|$))", f"{letters('A')} star"),  # a grade, a search
        rule(r"(?<![\w.,])(\d)\s?[★⭐]|([★⭐]{1,10}☆{0,9})", _stars),
        rule(rf"\b({_PLACES})\s([A-Z]{{1,2}})?[ -]?(\d{{3,4}})(?![\w.:,/-]*\d|\w)", _named),
        rule(rf"\b({_COURSES})\s?-?(\d0\d)(?![\w.,:/-]*\d|\w)", _course),
        rule(rf"\b({_MAKERS})\s([A-Z]{{0,3}}-?\d{{3,4}}[A-Z]?(?:-\d{{1,4}}[A-Z]{{0,2}})?)(?!\w)", _aircraft),
        rule(r"(?<!\w)0[xX]([0-9A-Fa-f]{1,16})(?!\w)", _hexadecimal),
        rule(r"(?<![\w&])#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})(?!\w)", _colour),
        rule(
            rf"(?<![\w./\\-])((?:\w[\w-]{{0,60}}\.)?\w[\w-]{{0,60}})\.({_EXTENSION})(?![\w-]|\.\w)",
            _file,
            re.IGNORECASE,
        ),
    ),
    re.compile(r"[★⭐#*]|\w\.\w|\d\d|0[xX]"),
)
