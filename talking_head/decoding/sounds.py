"""What the child does with recordings. Each function writes its file into ``folder`` and returns a JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from talking_head.decoding.results import PLAIN_FLAC
from talking_head.media_io.audio import read_flac
from talking_head.media_io.recordings import plain_recording
from talking_head.pipeline.checks.recording_report import refuse_unusable_recording, report_on_recording
from talking_head.pipeline.checks.reports import NarrationReport
from talking_head.pipeline.checks.voice_sample_report import report_on_sample


def preload() -> None:
    """Do nothing: importing this module has loaded all that is needed."""


def narration(source: BinaryIO, folder: Path, max_seconds: float) -> dict[str, Any]:
    """Write the recording as plain FLAC, if a lesson can be made of it.

    Raises:
        InvalidInput: it is not a recording, longer than ``max_seconds``, or the report says stop.
    """
    return _kept(report_on_recording(plain_recording(source, folder / PLAIN_FLAC, max_seconds=max_seconds)))


def voice_sample(source: BinaryIO, folder: Path, max_seconds: float) -> dict[str, Any]:
    """Write the recorded voice as plain FLAC, if it can be cloned.

    Raises:
        InvalidInput: it is not a recording, longer than ``max_seconds``, or the report says stop.
    """
    figures = plain_recording(source, folder / PLAIN_FLAC, max_seconds=max_seconds)
    return _kept(report_on_sample(figures, *read_flac(folder / PLAIN_FLAC)))


def _kept(report: NarrationReport) -> dict[str, Any]:
    refuse_unusable_recording(report)
    return {"report": report.to_json()}
