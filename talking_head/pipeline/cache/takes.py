"""Takes on disk: the sound as FLAC, the times as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from talking_head.engines.base import Take, TimedToken, TimedWord
from talking_head.media_io.audio import read_flac, write_flac
from talking_head.pipeline.cache.entries import TAKE_SOUND, TAKE_TIMES, DamagedEntryError
from talking_head.timebase import AUDIO_HZ, CLIP_QUANTUM_SAMPLES


def store_take(folder: Path, take: Take) -> None:
    """Write a take. Its samples are whole 16-bit steps, so :func:`load_take` returns exactly this take."""
    write_flac(folder / TAKE_SOUND, take.waveform, AUDIO_HZ)
    times = {
        "phonemes": [asdict(phoneme) for phoneme in take.phonemes],
        "words": [asdict(word) for word in take.words],
        "alphabet": take.phoneme_alphabet,
        "times_from": take.times_from,
    }
    (folder / TAKE_TIMES).write_text(json.dumps(times, ensure_ascii=False), encoding="utf-8")


def load_take(folder: Path) -> Take:
    """Return the take that :func:`store_take` wrote.

    Raises:
        DamagedEntryError: a file is missing, truncated or foreign.
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
