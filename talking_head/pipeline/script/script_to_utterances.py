"""Lesson text -> utterances: what is said in one breath and becomes one clip.

Headings (``# Title``) become chapters and are **not** read aloud: they name what follows, on the player's timeline.
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
# Numbers grow when they are said. What grows beyond this is cut again.
MAX_SPOKEN_CHARACTERS = 480
_SMALLEST_CUT_CHARACTERS = 16

# Measured with the embedded voice over ordinary teaching text at speed 1.
CHARACTERS_PER_SECOND = 18.0
JOINT_SECONDS = 0.3 + CLIP_QUANTUM_SECONDS / 2  # silence at both ends of a take, and half a quantum of rounding

MarkupKind = Literal["space", "heading", "pause", "ornament"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """``text`` is ``script[start:end]``; ``spoken`` is empty when the utterance is only a pause."""

    index: int
    text: str
    spoken: str
    start: int
    end: int
    pause_seconds: float = 0.0  # silence after it
    chapter: str = ""  # title of the chapter that it opens


@dataclass(frozen=True, slots=True)
class Chapter:
    """``start`` and ``end`` are where its heading stands."""

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
    """Splits a script. The same script gives the same utterances.

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
    """About how long the finished video will be."""
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
    position = next((place for place, character in enumerate(script) if _cannot_be_stored(character)), None)
    if position is not None:
        raise ScriptError(
            f"Line {script.count(chr(10), 0, position) + 1} contains a character that is not text "
            f"(code {ord(script[position]):#x}).",
            code="invalid_characters",
            hint="Delete it: paste the text without formatting, or type that line again.",
        )


def _cannot_be_stored(character: str) -> bool:
    """NUL, which databases refuse, and halves of surrogate pairs, which have no UTF-8."""
    return character == "\0" or "\ud800" <= character <= "\udfff"


@dataclass
class _Writer:
    """Collects utterances block by block, and what stands between them."""

    script: str
    language: str
    utterances: list[Utterance] = field(default_factory=list)
    chapters: list[Chapter] = field(default_factory=list)
    markup: list[MarkupSpan] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)  # seen since the last utterance
    break_seconds: float = 0.0  # the longest of the breaks since the last utterance
    asked_seconds: float = 0.0  # the sum of the pauses since the last utterance
    asked_span: tuple[int, int] = (0, 0)

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
            self._close(asked_only=True)
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
        self.asked_span = (self.asked_span[0] if self.asked_seconds else whole.start, whole.end)
        self.asked_seconds += pause.seconds
        if self.asked_seconds > MAX_PAUSE_SECONDS:
            raise pause_too_long(self.script, pause.start)
        if not in_heading:
            self.markup.append(MarkupSpan(pause.start, pause.end, "pause"))

    def _add_text(self, block: Text) -> None:
        spoken = [
            (start, end, said)
            for sentence in sentence_spans(self.script, block.start, block.end, self.language)
            for start, end, said in self._spoken_parts(*sentence)
        ]
        for start, end, said in _merge_unspeakable(spoken):
            if not said:
                self.markup.append(MarkupSpan(start, end, "ornament"))
                continue
            self._close()
            self._append(start, end, said)

    def _spoken_parts(self, start: int, end: int) -> list[tuple[int, int, str]]:
        said = spoken_form(self.script[start:end], self.language).text
        if len(said) <= MAX_SPOKEN_CHARACTERS or end - start <= _SMALLEST_CUT_CHARACTERS:
            return [(start, end, said)]
        halves = short_spans(self.script, start, end, -(-(end - start) // 2))
        return [part for half in halves for part in self._spoken_parts(*half)]

    def _append(self, start: int, end: int, said: str) -> None:
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
        self.utterances.append(Utterance(index, self.script[start:end], said, start, end, chapter=title))

    def _close(self, *, asked_only: bool = False) -> None:
        """Gives the silence since the last utterance to that utterance; at the beginning, to one of its own."""
        seconds = self.asked_seconds + (0.0 if asked_only else self.break_seconds)
        if self.utterances:
            last = self.utterances[-1]
            self.utterances[-1] = replace(last, pause_seconds=last.pause_seconds + seconds)
        elif self.asked_seconds:
            start, end = self.asked_span
            self.markup = [span for span in self.markup if not start <= span.start < end]
            later = [heading for heading in self.headings if heading.start >= end]
            self.headings = self.headings[: len(self.headings) - len(later)]
            self._append(start, end, "")
            self.headings = later
            self.utterances[-1] = replace(self.utterances[-1], pause_seconds=self.asked_seconds)
        self.break_seconds = self.asked_seconds = 0.0

    def _whole_markup(self) -> list[MarkupSpan]:
        """The spans collected, and the white space between them and the utterances."""
        taken = [(span.start, span.end) for span in self.markup] + [(each.start, each.end) for each in self.utterances]
        whole = list(self.markup)
        position = 0
        for start, end in [*sorted(taken), (len(self.script), len(self.script))]:
            if position < start:
                whole.append(MarkupSpan(position, start, "space"))
            position = max(position, end)
        return sorted(whole, key=lambda span: span.start)


def _merge_unspeakable(parts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Parts that cannot be said (an emoji, three dots) join the sentence before them, or after them."""
    joined: list[tuple[int, int, str]] = []
    for start, end, said in parts:
        if joined and (not said or not joined[-1][2]):
            first, _, said_before = joined[-1]
            joined[-1] = (first, end, said_before or said)
        else:
            joined.append((start, end, said))
    return joined
