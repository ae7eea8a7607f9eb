"""A narration from a file of this machine: plain sound, and what is good and bad about it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import MAX_RECORDING_SECONDS, read_flac, unreadable_recordings
from talking_head.media_io.recordings import plain_recording
from talking_head.pipeline.checks.recording_report import (
    NarrationReport,
    refuse_unusable_recording,
    report_on_recording,
)


def read_narration(path: Path) -> tuple[Waveform, int, NarrationReport]:
    """The recording, (samples,), its rate in hertz, and the verdict on its sound: as for one that was uploaded.

    Raises:
        InvalidInput: as :func:`talking_head.media_io.audio.opened_recording` says, or no lesson can be made of it
            (``audio_silent``, ``audio_too_short``, ``audio_cancelled``).
    """
    with tempfile.TemporaryDirectory() as folder, unreadable_recordings(), path.open("rb") as file:
        plain = Path(folder) / "plain.flac"
        report = report_on_recording(plain_recording(file, plain, max_seconds=MAX_RECORDING_SECONDS))
        refuse_unusable_recording(report)
        return (*read_flac(plain), report)
