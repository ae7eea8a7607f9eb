"""Turns a passage of a recorded narration into a take: one utterance, with the times of its words and sounds.

The recording is aligned with the utterance's words here, in the renderer, a sentence at a time: a change of the text
costs the alignment of that sentence, and a sentence that does not fit is a problem of its clip alone.
"""

from __future__ import annotations

from pathlib import Path

from talking_head.engines.base import Speech, Take
from talking_head.engines.speech.recorded import RecordedSpeech
from talking_head.errors import InvalidInput
from talking_head.media_io.audio import read_flac_span
from talking_head.pipeline.requests import ClipRequest
from talking_head.pipeline.utterance_to_take import silent_take, speech_to_take

RECORDED_LABEL = f"{RecordedSpeech.name} {RecordedSpeech.version}"


def passage_to_take(request: ClipRequest) -> Take:
    """Return the take of a request with a narration. A fallback whose words do not fit keeps the voice, without times.

    Raises:
        InvalidInput: ``audio_text_mismatch``, ``unknown_file``. ScriptError: ``unsupported_language``.
    """
    if not request.spoken.strip():
        return silent_take(request.pause_seconds)
    try:
        waveform, sample_rate_hz = read_flac_span(
            Path(request.narration_path), request.narration_start_seconds, request.narration_end_seconds
        )
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "The recording is no longer available.", code="unknown_file", hint="Upload it again."
        ) from error
    try:
        recorded = RecordedSpeech(waveform, sample_rate_hz, [request.spoken], request.language)
        speech = recorded.speak(request.spoken, request.text, voice=recorded.passage(0), speed=1.0)
    except InvalidInput as error:
        if request.fallback:
            return speech_to_take(Speech(waveform, sample_rate_hz, (), (), ""), request.pause_seconds)
        if error.code != "audio_text_mismatch":
            raise
        seconds = int(request.narration_start_seconds)
        raise InvalidInput(
            f"At {seconds // 60}:{seconds % 60:02d} the recording differs from the text.",
            code=error.code,
            hint="Listen to it there and correct the sentence to match, or record it again.",
        ) from error
    return speech_to_take(speech, request.pause_seconds)


def narration_key(request: ClipRequest) -> dict[str, str]:
    """Return the narration's part of a take's cache key; empty for takes without one, whose keys must not change."""
    if not request.narration_path:
        return {}
    span = f"{request.narration_start_seconds:.3f}-{request.narration_end_seconds:.3f}"
    return {"narration": f"{request.narration_digest} {span}"}
