"""Splits a lesson's text into utterances: each is said in one breath and becomes one clip.

Headings (``# Title``) become chapters and are **not** read aloud: they name what follows on the player's timeline.
Blank lines and ``[pause 1.5s]`` become silence. Every character of the script belongs to exactly one utterance or to
exactly one markup span, so a page can show the text and highlight what is being said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from talking_head.engines.speech.reading.spoken_form import primary_language, spoken_form
from talking_head.errors import ScriptError
from talking_head.pipeline.script.blocks import (
    MAX_PAUSE_SECONDS,
    BlankLine,
    Block,
    Heading,
    Pause,
    Text,
    pause_too_long,
    script_blocks,
)
from talking_head.pipeline.script.language import check_language
from talking_head.pipeline.script.sentences import sentence_spans, short_spans
from talking_head.timebase import CLIP_QUANTUM_SECONDS

MAX_SCRIPT_CHARACTERS = 60_000  # about an hour and a quarter
MAX_UTTERANCES = 3_000
PARAGRAPH_PAUSE_SECONDS = 0.4
CHAPTER_PAUSE_SECONDS = 0.7
# Numbers become longer when they are spoken. A sentence that becomes longer than this is cut again.
MAX_SPOKEN_CHARACTERS = 480
_SMALLEST_CUT_CHARACTERS = 16

# Measured with the embedded voice over ordinary teaching text at speed 1.
CHARACTERS_PER_SECOND = 18.0
JOINT_SECONDS = 0.3 + CLIP_QUANTUM_SECONDS / 2  # silence at both ends of a take, and half a quantum of rounding

MarkupKind = Literal["space", "heading", "pause", "ornament"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """An utterance; ``text`` is ``script[start:end]``, ``spoken`` is empty when the utterance is only a pause."""

    index: int
    text: str
    spoken: str
    start: int
    end: int
    pause_seconds: float = 0.0  # silence after it
    chapter: str = ""  # title of the chapter that it opens


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter; ``start`` and ``end`` are the position of its heading."""

    title: str
    start: int
    end: int
    utterance_index: int


@dataclass(frozen=True, slots=True)
class MarkupSpan:
    start: int
    end: int
    kind: MarkupKind


@dataclass(frozen=True, slots=True)
class Script:
    utterances: tuple[Utterance, ...]
    chapters: tuple[Chapter, ...]
    markup: tuple[MarkupSpan, ...]


def script_to_utterances(script: str, language: str = "en") -> Script:
    """Split a script. The same script always gives the same utterances.

    Raises:
        ScriptError: ``empty_script``, ``script_too_long``, ``invalid_characters``, ``pause_too_long``,
            ``nothing_speakable``, ``unsupported_language``.
    """
    _check_characters(script)
    writer = _Writer(script, primary_language(language))
    for block in script_blocks(script):
        writer.add(block)
    result = writer.result()
    check_language((utterance.spoken for utterance in result.utterances), language)
    return result


def estimated_seconds(script: Script, speed: float = 1.0) -> float:
    """Return the approximate length of the finished video."""
    return sum(
        len(utterance.spoken) / CHARACTERS_PER_SECOND / speed + JOINT_SECONDS + utterance.pause_seconds
        for utterance in script.utterances
    )


def _check_characters(script: str) -> None:
    if not script.strip():
        raise ScriptError("The text is empty.", code="empty_script", hint="Write what the teacher should say.")
    if len(script) > MAX_SCRIPT_CHARACTERS:
        raise ScriptError(
            f"The text has {len(script):,} characters; one lesson can have {MAX_SCRIPT_CHARACTERS:,}.",
            code="script_too_long",
            hint="Divide it into several lessons.",
        )
    position = next((index for index, character in enumerate(script) if _cannot_be_stored(character)), None)
    if position is not None:
        raise ScriptError(
            f"Line {script.count(chr(10), 0, position) + 1} contains a character that is not text "
            f"(code {ord(script[position]):#x}).",
            code="invalid_characters",
            hint="Delete it: paste the text without formatting, or type that line again.",
        )


def _cannot_be_stored(character: str) -> bool:
    """Return whether it is NUL, which databases refuse, or half of a surrogate pair, which has no UTF-8."""
    return character == "\0" or "\ud800" <= character <= "\udfff"


@dataclass
class _Writer:
    """The utterances collected so far, block by block, and the markup between them."""

    script: str
    language: str
    utterances: list[Utterance] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    markup: list[MarkupSpan] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)  # since the last utterance
    break_seconds: float = 0.0  # the longest of the breaks since the last utterance
    requested_seconds: float = 0.0  # the sum of the pauses since the last utterance
    pause_span: tuple[int, int] = (0, 0)

    def add(self, block: Block) -> None:
        match block:
            case Text():
                self._add_text(block)
            case Heading():
                self.headings.append(block)
                self.break_seconds = max(self.break_seconds, CHAPTER_PAUSE_SECONDS)
                self.markup.append(MarkupSpan(block.start, block.end, "heading"))
            case Pause():
                self._add_pause(block)
            case BlankLine():
                self.break_seconds = max(self.break_seconds, PARAGRAPH_PAUSE_SECONDS)
            case _:
                self.markup.append(MarkupSpan(block.start, block.end, "ornament"))

    def result(self) -> Script:
        if self.utterances:
            self._close(pauses_only=True)
        if not any(utterance.spoken for utterance in self.utterances):
            raise ScriptError(
                "There is nothing to say in this text.",
                code="nothing_speakable",
                hint="Write at least one sentence. (Headings become chapters and are not read aloud.)",
            )
        return Script(tuple(self.utterances), tuple(self.chapters), tuple(self._whole_markup()))

    def _add_pause(self, pause: Pause) -> None:
        in_heading = bool(self.headings) and pause.start < self.headings[-1].end  # part of that heading's markup
        whole = self.headings[-1] if in_heading else pause
        self.pause_span = (self.pause_span[0] if self.requested_seconds else whole.start, whole.end)
        self.requested_seconds += pause.seconds
        if self.requested_seconds > MAX_PAUSE_SECONDS:
            raise pause_too_long(self.script, pause.start)
        if not in_heading:
            self.markup.append(MarkupSpan(pause.start, pause.end, "pause"))

    def _add_text(self, block: Text) -> None:
        spoken = [
            (start, end, spoken_text)
            for sentence in sentence_spans(self.script, block.start, block.end, self.language)
            for start, end, spoken_text in self._spoken_parts(*sentence)
        ]
        for start, end, spoken_text in _merge_unspeakable(spoken):
            if not spoken_text:
                self.markup.append(MarkupSpan(start, end, "ornament"))
                continue
            self._close()
            self._append(start, end, spoken_text)

    def _spoken_parts(self, start: int, end: int) -> list[tuple[int, int, str]]:
        spoken_text = spoken_form(self.script[start:end], self.language).text
        if len(spoken_text) <= MAX_SPOKEN_CHARACTERS or end - start <= _SMALLEST_CUT_CHARACTERS:
            return [(start, end, spoken_text)]
        halves = short_spans(self.script, start, end, -(-(end - start) // 2))
        return [part for half in halves for part in self._spoken_parts(*half)]

    def _append(self, start: int, end: int, spoken_text: str) -> None:
        index = len(self.utterances)
        if index >= MAX_UTTERANCES:
            raise ScriptError(
                f"The text has more than {MAX_UTTERANCES:,} sentences.",
                code="script_too_long",
                hint="Divide it into several lessons.",
            )
        title = " – ".join(heading.title for heading in self.headings)
        if self.headings:
            self.chapters.append(Chapter(title, self.headings[0].start, self.headings[-1].end, index))
            self.headings = []
        self.utterances.append(Utterance(index, self.script[start:end], spoken_text, start, end, chapter=title))

    def _close(self, *, pauses_only: bool = False) -> None:
        """Add the silence since the last utterance to that utterance; at the beginning, to one of its own."""
        seconds = self.requested_seconds + (0.0 if pauses_only else self.break_seconds)
        if self.utterances:
            last = self.utterances[-1]
            self.utterances[-1] = replace(last, pause_seconds=last.pause_seconds + seconds)
        elif self.requested_seconds:
            start, end = self.pause_span
            self.markup = [span for span in self.markup if not start <= span.start < end]
            later = [heading for heading in self.headings if heading.start >= end]
            self.headings = self.headings[: len(self.headings) - len(later)]
            self._append(start, end, "")
            self.headings = later
            self.utterances[-1] = replace(self.utterances[-1], pause_seconds=self.requested_seconds)
        self.break_seconds = self.requested_seconds = 0.0

    def _whole_markup(self) -> list[MarkupSpan]:
        """Return the collected spans, and the white space between them and the utterances."""
        taken = [(span.start, span.end) for span in self.markup]
        taken += [(utterance.start, utterance.end) for utterance in self.utterances]
        whole = list(self.markup)
        position = 0
        for start, end in [*sorted(taken), (len(self.script), len(self.script))]:
            if position < start:
                whole.append(MarkupSpan(position, start, "space"))
            position = max(position, end)
        return sorted(whole, key=lambda span: span.start)


def _merge_unspeakable(parts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Join parts that cannot be spoken (an emoji, three dots) to the sentence before them, or after them."""
    joined: list[tuple[int, int, str]] = []
    for start, end, spoken_text in parts:
        if joined and (not spoken_text or not joined[-1][2]):
            first, _, text_before = joined[-1]
            joined[-1] = (first, end, text_before or spoken_text)
        else:
            joined.append((start, end, spoken_text))
    return joined
