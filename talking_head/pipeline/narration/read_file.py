"""Reads a narration from a file on this machine: its plain sound, and the report on it."""

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
    """Return the recording, (samples,), its rate in hertz, and the report on its sound, as for an upload.

    Raises:
        InvalidInput: as by :func:`talking_head.media_io.audio.opened_recording`, or no lesson can be made of it
            (``audio_silent``, ``audio_too_short``, ``audio_cancelled``).
    """
    with tempfile.TemporaryDirectory() as folder, unreadable_recordings(), path.open("rb") as file:
        plain = Path(folder) / "plain.flac"
        report = report_on_recording(plain_recording(file, plain, max_seconds=MAX_RECORDING_SECONDS))
        refuse_unusable_recording(report)
        return (*read_flac(plain), report)
