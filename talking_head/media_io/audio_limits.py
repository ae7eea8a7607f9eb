"""Limits of uploaded recordings, separate from the decoder so that reading a limit loads no codec."""

from __future__ import annotations

from typing import Final

from talking_head.errors import InvalidInput

MAX_FILE_BYTES: Final = 512 * 1024 * 1024
MAX_RECORDING_SECONDS: Final = 2 * 60 * 60.0
ACCEPTED_FORMATS: Final = "WAV, FLAC, MP3, M4A, OGG or WebM"


def unreadable_recording() -> InvalidInput:
    """Return the error for a recording that no decoder can read."""
    return InvalidInput(
        "The recording could not be read.", code="audio_unreadable", hint=f"Save it again as {ACCEPTED_FORMATS}."
    )


def too_complex_recording() -> InvalidInput:
    """Return the error for a recording that takes more time or memory than a decoder is given."""
    return InvalidInput(
        "The recording takes too long to open.",
        code="audio_too_complex",
        hint="Open it on your computer, save it again as MP3 or WAV, then upload that file.",
    )
