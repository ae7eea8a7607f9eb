"""Reads a narration from a file on this machine: its plain sound, and the report on it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from talking_head.errors import InvalidInput
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import read_flac
from talking_head.media_io.audio_limits import MAX_RECORDING_SECONDS
from talking_head.media_io.recordings import plain_recording
from talking_head.pipeline.checks.recording_report import refuse_unusable_recording, report_on_recording
from talking_head.pipeline.checks.reports import NarrationReport


class NarrationFile(NamedTuple):
    """A recording as it was read: (samples,), its rate in hertz, and the report on its sound, as for an upload."""

    waveform: Waveform
    sample_rate_hz: int
    report: NarrationReport


def read_narration(path: Path) -> NarrationFile:
    """Read a recording in this process.

    Raises:
        InvalidInput: as by :func:`opened_narration` and :func:`talking_head.media_io.audio.opened_recording`, or no
            lesson can be made of it (``audio_silent``, ``audio_too_short``, ``audio_cancelled``).
    """
    with tempfile.TemporaryDirectory() as folder, opened_narration(path) as file:
        plain = Path(folder) / "plain.flac"
        report = report_on_recording(plain_recording(file, plain, max_seconds=MAX_RECORDING_SECONDS))
        refuse_unusable_recording(report)
        return NarrationFile(*read_flac(plain), report)


@contextlib.contextmanager
def opened_narration(path: Path) -> Iterator[BinaryIO]:
    """Yield the open file.

    Raises:
        InvalidInput: ``audio_missing``, or ``audio_unreadable`` when it may not be opened.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InvalidInput(
            f"There is no recording “{path.name}”.", code="audio_missing", hint="Check the file's name and place."
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"The recording “{path.name}” cannot be opened: {error.strerror}.",
            code="audio_unreadable",
            hint="Check the file and its permissions.",
        ) from error
    with file:
        yield file
