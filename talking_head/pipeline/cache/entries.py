"""What is inside the cache's entries: the names of kinds and files, and takes and clip figures on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from talking_head.engines.base import Take, TimedToken, TimedWord
from talking_head.errors import RendererError
from talking_head.media_io.audio import read_flac, write_flac
from talking_head.timebase import AUDIO_HZ, CLIP_QUANTUM_SAMPLES

TAKE_SOUND = "take.flac"
TAKE_TIMES = "take.json"
CLIP_VIDEO = "clip.mp4"
CLIP_FIGURES = "clip.json"
CLIP_POSTER = "poster.jpg"


class DamagedEntryError(RendererError):
    """An entry's files contradict each other: something outside has changed or cut them. Whoever can make the entry
    again removes it and does; elsewhere this is the error that a person sees."""

    default_code = "entry_damaged"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"The cache entry {folder.name[:12]} is damaged.", hint="Try again: it will be made anew.")


def store_take(folder: Path, take: Take) -> None:
    """Writes a take. Its samples are whole 16-bit steps, so :func:`load_take` gives back exactly this take."""
    write_flac(folder / TAKE_SOUND, take.waveform, AUDIO_HZ)
    times = {
        "phonemes": [asdict(phoneme) for phoneme in take.phonemes],
        "words": [asdict(word) for word in take.words],
        "alphabet": take.phoneme_alphabet,
        "times_from": take.times_from,
    }
    (folder / TAKE_TIMES).write_text(json.dumps(times, ensure_ascii=False), encoding="utf-8")


def load_take(folder: Path) -> Take:
    """Reads what :func:`store_take` wrote.

    Raises:
        DamagedEntryError: a file is missing, cut or not ours.
    """
    try:
        waveform, sample_rate_hz = read_flac(folder / TAKE_SOUND)
        times = json.loads((folder / TAKE_TIMES).read_text(encoding="utf-8"))
        phonemes = tuple(TimedToken(**values) for values in times["phonemes"])
        words = tuple(TimedWord(**values) for values in times["words"])
        alphabet, times_from = times["alphabet"], times.get("times_from", "model")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedEntryError(folder) from error
    if sample_rate_hz != AUDIO_HZ or not len(waveform) or len(waveform) % CLIP_QUANTUM_SAMPLES:
        raise DamagedEntryError(folder)
    return Take(np.asarray(waveform, np.float32), phonemes, words, alphabet, times_from)


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """``clip.json``: what is known of a finished clip without opening its video."""

    take_key: str
    frame_count: int
    width_px: int
    height_px: int
    video_bytes: int
    engines: dict[str, str]
    notices: tuple[str, ...] = ()


def store_clip_figures(folder: Path, figures: ClipFigures) -> None:
    (folder / CLIP_FIGURES).write_text(json.dumps(asdict(figures), ensure_ascii=False), encoding="utf-8")


def load_clip_figures(folder: Path) -> ClipFigures:
    """Reads what :func:`store_clip_figures` wrote and compares the video's size with it.

    Raises:
        DamagedEntryError: a file is missing, cut or not ours.
    """
    try:
        values: dict[str, Any] = json.loads((folder / CLIP_FIGURES).read_text(encoding="utf-8"))
        figures = ClipFigures(**{**values, "notices": tuple(values["notices"])})
        video_bytes = (folder / CLIP_VIDEO).stat().st_size
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedEntryError(folder) from error
    if video_bytes != figures.video_bytes:
        raise DamagedEntryError(folder)
    return figures
