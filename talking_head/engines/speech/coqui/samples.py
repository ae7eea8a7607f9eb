"""Voice samples on disk: mono FLAC, stored under the sha256 of its bytes.

Owner and consent are not stored with them: the renderer does not need them.
"""

from __future__ import annotations

from pathlib import Path

from talking_head.errors import EngineError, InvalidInput
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import read_flac

LEAST_SECONDS = 10.0
LONGEST_SECONDS = 30.0


def sample_file(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest


def read_sample(folder: Path | None, digest: str) -> tuple[Waveform, int]:
    """Return the sound, (samples,), and its rate.

    Raises:
        InvalidInput: ``voice_withdrawn`` when there is no such sample (any more), ``sample_too_short``.
        EngineError: ``sample_damaged``.
    """
    path = sample_file(folder, digest) if folder is not None else None
    if path is None or not path.is_file():
        raise InvalidInput(
            "This voice cannot be used: its sample does not exist (any more).",
            code="voice_withdrawn",
            hint="Choose another voice.",
        )
    try:
        waveform, sample_rate_hz = read_flac(path)
    except (ValueError, OSError) as error:
        raise EngineError(
            "The sample of this voice is damaged.", code="sample_damaged", hint="Record the voice again."
        ) from error
    seconds = len(waveform) / sample_rate_hz
    if seconds < LEAST_SECONDS:
        raise InvalidInput(
            f"The sample of this voice lasts {seconds:.0f} seconds; {LEAST_SECONDS:.0f} are needed.",
            code="sample_too_short",
            hint="Record a longer one.",
        )
    return waveform, sample_rate_hz
