"""Transcribes a stored narration chunk by chunk, in the renderer process, before a text can be matched with it.

Transcription is background work: a worker takes a chunk when nothing is to be rendered or published, and looks for that
again after each chunk. A chunk is some ten seconds long, because a video that is requested meanwhile waits for its end;
a crash costs one chunk.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from talking_head.engines.speech.recognition import RECOGNISER_HZ, Recogniser, TranscriptSegment, best_recogniser
from talking_head.errors import InvalidInput
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import read_flac_span, resample

CHUNK_SECONDS = 20.0
_CUT_WITHIN_SECONDS = 8.0  # a chunk ends in the quietest moment of its last seconds
_QUIET_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class TranscribeRequest:
    """The chunk to transcribe: it begins at ``start_seconds`` of the narration."""

    narration_path: str
    start_seconds: float
    language: str  # "" = detect it
    checkpoints_dir: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TranscribedChunk:
    """A chunk's transcript; times count from the start of the recording. The next chunk begins at ``end_seconds``."""

    segments: tuple[TranscriptSegment, ...]
    end_seconds: float
    is_last: bool
    recogniser: str  # "name version"
    language: str
    language_probability: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def transcribe_chunk(request: TranscribeRequest) -> TranscribedChunk:
    """Transcribe one chunk.

    Raises:
        InvalidInput: ``unknown_file``. EngineError: the recogniser cannot be used here.
    """
    recogniser = _warm_recogniser(request.checkpoints_dir)
    start = request.start_seconds
    try:
        waveform, rate_hz = read_flac_span(Path(request.narration_path), start, start + CHUNK_SECONDS)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "The recording is no longer available.", code="unknown_file", hint="Upload it again."
        ) from error
    is_last = len(waveform) < round(CHUNK_SECONDS * rate_hz)
    if not is_last:
        waveform = waveform[: _quietest(waveform, rate_hz)]
    speech = resample(waveform, rate_hz, RECOGNISER_HZ)
    segments, language, probability = recogniser.segments(speech, request.language) if np.any(speech) else ((), "", 0.0)
    return TranscribedChunk(
        segments=tuple(_shifted(segment, start) for segment in segments),
        end_seconds=round(start + len(waveform) / rate_hz, 3),
        is_last=is_last,
        recogniser=f"{recogniser.name} {recogniser.version}",
        language=language,
        language_probability=probability,
    )


@lru_cache(maxsize=1)
def _warm_recogniser(checkpoints_dir: str) -> Recogniser:
    return best_recogniser(Path(checkpoints_dir))


def _quietest(waveform: Waveform, rate_hz: int) -> int:
    """Return the sample at which to end a chunk: the middle of the quietest moment near its end."""
    width = round(_QUIET_SECONDS * rate_hz)
    last = waveform[-round(_CUT_WITHIN_SECONDS * rate_hz) :].astype(np.float64)
    summed = np.concatenate([[0.0], np.cumsum(last**2)])
    power = summed[width:] - summed[:-width]
    return len(waveform) - len(last) + int(np.argmin(power)) + width // 2


def _shifted(segment: TranscriptSegment, seconds: float) -> TranscriptSegment:
    words = tuple(
        replace(
            word,
            start_seconds=round(word.start_seconds + seconds, 3),
            end_seconds=round(word.end_seconds + seconds, 3),
        )
        for word in segment.words
    )
    return replace(
        segment,
        start_seconds=words[0].start_seconds,
        end_seconds=words[-1].end_seconds,
        words=words,
    )
