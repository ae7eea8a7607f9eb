"""Turns takes into captions (WebVTT with a time for every word) and the transcript that a page follows.

WebVTT: https://www.w3.org/TR/webvtt1/. Time stamps inside a cue (``<00:00:01.200>``) let players show the words as they
are said; players that do not know them show the whole cue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from talking_head.engines.base import Take, TimedWord
from talking_head.pipeline.caption_cues import Cue, cues_of
from talking_head.timebase import AUDIO_HZ

HOLD_SECONDS = 0.35  # how long the last words stay


class Spoken(Protocol):
    """What captions need of an utterance, such as a :class:`.script.script_to_utterances.Utterance`."""

    @property
    def index(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def spoken(self) -> str: ...
    @property
    def chapter(self) -> str: ...


@dataclass(frozen=True, slots=True)
class CaptionedUtterance:
    """An utterance with its position in the finished video. Times count from the video's start."""

    index: int
    text: str
    is_pause: bool  # nothing is said: no caption
    chapter: str
    start_seconds: float
    end_seconds: float
    words: tuple[TimedWord, ...]
    is_fallback: bool = False


def takes_to_captions(utterances: Sequence[Spoken], takes: Sequence[Take]) -> str:
    """Return the WebVTT file of a video that joins these takes."""
    return captions(captioned_utterances(utterances, takes))


def captioned_utterances(
    utterances: Sequence[Spoken], takes: Iterable[Take], fallbacks: Collection[int] = ()
) -> Iterator[CaptionedUtterance]:
    """Yield the utterances at the times at which their clips follow each other. Takes are used one at a time.

    Args:
        fallbacks: indices of the utterances whose clips are fallbacks.
    """
    samples = 0
    for utterance, take in zip(utterances, takes, strict=True):
        start_seconds = samples / AUDIO_HZ
        samples += len(take.waveform)
        yield CaptionedUtterance(
            index=utterance.index,
            text=utterance.text,
            is_pause=not utterance.spoken,
            chapter=utterance.chapter,
            start_seconds=start_seconds,
            end_seconds=samples / AUDIO_HZ,
            words=tuple(_shifted(word, start_seconds) for word in take.words),
            is_fallback=utterance.index in fallbacks,
        )


def captions(utterances: Iterable[CaptionedUtterance]) -> str:
    """Return WebVTT with one or more cues for each utterance that says something."""
    blocks = ["WEBVTT"]
    for utterance in utterances:
        if utterance.is_pause:
            continue
        for cue in cues_of(
            utterance.text, utterance.words, utterance.start_seconds, utterance.end_seconds, HOLD_SECONDS
        ):
            blocks.append(f"{len(blocks)}\n{_cue_text(cue)}")
    return "\n\n".join(blocks) + "\n"


def transcript(utterances: Iterable[CaptionedUtterance]) -> dict[str, Any]:
    """Return the content of ``transcript.json`` (docs/architecture.md)."""
    return {
        "utterances": [
            {
                "index": utterance.index,
                "text": utterance.text,
                "start_seconds": round(utterance.start_seconds, 3),
                "end_seconds": round(utterance.end_seconds, 3),
                "chapter": utterance.chapter,
                "is_fallback": utterance.is_fallback,
                "words": [
                    {
                        "text": word.text,
                        "start": word.start,
                        "end": word.end,
                        "start_seconds": round(word.start_seconds, 3),
                        "end_seconds": round(word.end_seconds, 3),
                    }
                    for word in utterance.words
                ],
            }
            for utterance in utterances
        ]
    }


def _shifted(word: TimedWord, seconds: float) -> TimedWord:
    return replace(word, start_seconds=word.start_seconds + seconds, end_seconds=word.end_seconds + seconds)


def _cue_text(cue: Cue) -> str:
    """Return a cue's time line and its text with word times.

    Times inside a cue must lie within it and increase (WebVTT, 4.2.2): words that begin together share one.
    """
    start_ms, end_ms = _milliseconds(cue.start_seconds), _milliseconds(cue.end_seconds)
    reached_ms = start_ms
    lines = []
    for line in cue.lines:
        parts = []
        for word in line:
            word_ms = _milliseconds(word.start_seconds)
            if reached_ms < word_ms < end_ms:
                reached_ms = word_ms
                parts.append(f"<{_timestamp(word_ms)}>{_escaped(word.text)}")
            else:
                parts.append(_escaped(word.text))
        lines.append(" ".join(parts))
    return "\n".join([f"{_timestamp(start_ms)} --> {_timestamp(end_ms)}", *lines])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _timestamp(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
