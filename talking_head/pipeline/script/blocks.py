"""The outline of a script: which characters are text to be read, and which are headings, pauses, bullets or breaks.

The notation is the part of Markdown that people type anyway: ``# Heading``, ``- item``, ``1. item``, ``> quotation``,
blank lines; and ``[pause 1.5s]``. Everything works line by line in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from talking_head.engines.speech.reading.spoken_form import plain_form
from talking_head.errors import ScriptError

DEFAULT_PAUSE_SECONDS = 1.0  # of [pause] without a length
MAX_PAUSE_SECONDS = 30.0  # also for several pauses in a row
MAX_TITLE_CHARACTERS = 120
# A line of at least this length that ends without punctuation was wrapped by an editor: its sentence goes on.
WRAPPED_LINE_CHARACTERS = 50

_LINE = re.compile(r"([^\n\r\v\f\x85\u2028\u2029]*)(\r\n|[\n\r\v\f\x85\u2028\u2029]|$)")
_PAUSE = re.compile(
    r"\[[ \t]*pause(?:[ \t:=]+(\d{1,9}(?:[.,]\d{1,9})?)[ \t]*(ms|s|sec|secs|seconds?)?)?[ \t]*\]", re.IGNORECASE
)
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(.*)")
_CLOSING_HASHES = re.compile(r"[ \t]+#+[ \t]*$")
_BULLET = re.compile(r"[ \t]*(?:>[ \t]?)*[ \t]*(?:[-*+•‣◦▪●–—][ \t]+(?:\[[ xX]\][ \t]+)?)?")
_NUMBERED = re.compile(r"[ \t]*(?:\(?\d{1,3}[.)]|\(?[a-zA-Z]\))[ \t]+\S")
# The lines of pasted subtitles (SubRip, WebVTT) that number and time the text.
_TIME = r"(?:\d{1,3}:)?\d{2}:\d{2}[.,]\d{1,3}[ \t]+-->[ \t]+(?:\d{1,3}:)?\d{2}:\d{2}[.,]\d{1,3}"
_CUE_LINE = re.compile(
    rf"^\ufeff?(?:[ \t]*\d{{1,5}}[ \t]*(?=\r?\n[ \t]*{_TIME})|[ \t]*{_TIME}[^\r\n]*"
    rf"|WEBVTT(?: [^\r\n]*)?(?=\r?\n\r?\n))",
    re.MULTILINE,
)
_CUE_AHEAD = re.compile(rf"(?:[ \t]*\r?\n){{1,3}}(?:[ \t]*\d{{1,5}}[ \t]*\r?\n)?[ \t]*{_TIME}")
_SENTENCE_END = re.compile(r"[.!?…:;。！？][\"'”’)\]»*_]*$")


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch that is read without a break: a paragraph, a list item, or the rest of one."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    start: int
    end: int
    title: str


@dataclass(frozen=True, slots=True)
class Pause:
    start: int
    end: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BlankLine:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Ornament:
    """Something shown but not spoken: a bullet, a rule, the frame of a table, a line of pictures."""

    start: int
    end: int


Block = Text | Heading | Pause | BlankLine | Ornament


def script_blocks(script: str) -> list[Block]:
    """Return the blocks of a script in order. Between them is only white space.

    Raises:
        ScriptError: ``pause_too_long``.
    """
    blocks: list[Block] = []
    cue_lines = {match.start() for match in _CUE_LINE.finditer(script)} if "-->" in script else set()
    may_continue = False  # whether the next line may continue the text that ends the list
    for match in _LINE.finditer(script):
        if match.start() == match.end():
            break
        start, end = match.span(1)
        if cue_lines and (start in cue_lines or (not script[start:end].strip() and _CUE_AHEAD.match(script, end))):
            blocks += [Ornament(start, end)] if script[start:end].strip() else []
            may_continue = False
            continue
        line = _line_blocks(script, start, end)
        last = blocks[-1] if blocks else None
        if (
            line
            and may_continue
            and isinstance(line[0], Text)
            and isinstance(last, Text)
            and _continues(script, last, line[0])
        ):
            blocks[-1] = Text(last.start, line[0].end)
            blocks += line[1:]
        else:
            blocks += line
        may_continue = bool(line) and isinstance(line[-1], Text)
    return blocks


def _line_blocks(script: str, start: int, end: int) -> list[Block]:
    line = script[start:end]
    if not line.strip():
        return [BlankLine(start, end)]
    heading = _HEADING.fullmatch(line)
    title = plain_form(_CLOSING_HASHES.sub("", _PAUSE.sub(" ", heading[1]))).text if heading else ""
    if heading and any(character.isalnum() for character in title):
        return [Heading(start, end, title[:MAX_TITLE_CHARACTERS]), *_pauses(script, start, end)]
    blocks: list[Block] = []
    bullet = _BULLET.match(line)
    text_start = start + (bullet.end() if bullet else 0)
    if script[start:text_start].strip():
        blocks.append(Ornament(start, text_start))
    for pause in _pauses(script, text_start, end):
        blocks += _text_blocks(script, text_start, pause.start)
        blocks.append(pause)
        text_start = pause.end
    return blocks + list(_text_blocks(script, text_start, end))


def _pauses(script: str, start: int, end: int) -> Iterator[Pause]:
    for match in _PAUSE.finditer(script, start, end):
        seconds = float(match[1].replace(",", ".")) if match[1] else DEFAULT_PAUSE_SECONDS
        seconds *= 0.001 if (match[2] or "").lower() == "ms" else 1.0
        if seconds > MAX_PAUSE_SECONDS:
            raise pause_too_long(script, match.start())
        yield Pause(match.start(), match.end(), seconds)


def pause_too_long(script: str, position: int) -> ScriptError:
    return ScriptError(
        f"The pause in line {script.count(chr(10), 0, position) + 1} is too long.",
        code="pause_too_long",
        hint=f"A pause, or several in a row together, can last up to {MAX_PAUSE_SECONDS:g} seconds.",
    )


def _text_blocks(script: str, start: int, end: int) -> Iterator[Block]:
    """Yield the text between two positions without the white space around it; nothing if there is no other text."""
    text = script[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    if start < end:
        speakable = any(character.isalnum() for character in script[start:end])
        yield Text(start, end) if speakable else Ornament(start, end)


def _continues(script: str, last: Text, following: Text) -> bool:
    """Return whether a line break only wraps a sentence in an editor. Short lines (poems, addresses) stand alone."""
    between = script[last.end : following.start]
    if between.strip() or _NUMBERED.match(script, following.start, following.end):
        return False
    line_start = max(script.rfind(mark, last.start, last.end) for mark in "\n\r\v\f") + 1 or last.start
    line = script[max(line_start, last.start) : last.end]
    if _SENTENCE_END.search(line[-8:]):
        # a finished sentence in a wrapped paragraph: the next one belongs to the same paragraph, nothing is lost
        return len(line) >= WRAPPED_LINE_CHARACTERS and line[-1] not in ":;"
    return line[-1] == "," or script[following.start].islower() or len(line) >= WRAPPED_LINE_CHARACTERS
