"""Forced alignment with pocketsphinx: the times of the words and phonemes of a known text in a recording.

Its acoustic model (US English, inside the wheel) finds lip closures within 10-15 ms of the sound. Two passes, as its
API requires: words first, then the phonemes inside them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talking_head.engines.base import TimedToken
from talking_head.errors import EngineError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import to_pcm16

ALIGNER_HZ = 16_000
FRAMES_PER_SECOND = 100
LEVEL = 0.5  # peak of the input, so that the recording level does not matter
# Tried in this order: narrow beams are fast, wide ones tolerate a cough or a slip of the tongue.
BEAMS = (None, 1e-80)
SILENT_PHONES = frozenset({"SIL", "+SPN+", "+NSN+"})

# English spelling to ARPAbet, longest first: a guess for names and terms that the dictionary lacks.
_SPELLINGS = {
    "tion": "SH AH N", "sch": "SH", "tch": "CH", "igh": "AY", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W",
    "ng": "NG", "ck": "K", "qu": "K W", "oo": "UW", "ee": "IY", "ea": "IY", "ai": "EY", "ay": "EY", "oa": "OW",
    "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "au": "AO", "er": "ER", "ar": "AA R", "or": "AO R", "a": "AE",
    "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "AA", "p": "P", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S",
    "y": "IY", "z": "Z",
}  # fmt: skip
_SPELLING = re.compile("|".join(_SPELLINGS))


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word in the recording, with its phonemes (ARPAbet without stress)."""

    text: str
    start_seconds: float
    end_seconds: float
    phonemes: tuple[TimedToken, ...]


class MisfitError(Exception):
    """The recording does not contain these words."""


def aligner_words(text: str) -> list[str]:
    """Return the words of a spoken text as the dictionary spells them."""
    return [word.strip("'") for word in re.findall(r"[a-z']+", text.lower().replace("’", "'")) if word.strip("'")]


class Aligner:
    """Finds words in recordings. It reuses its decoders: loading model and dictionary takes longer than a sentence.

    Raises:
        EngineError: pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        self._decoders: dict[float | None, Any] = {}

    def align(self, waveform: Waveform, words: Sequence[str]) -> list[AlignedWord]:
        """Return the words with their times in the recording, in order.

        Args:
            waveform: (samples,) at ``ALIGNER_HZ``. Sound before and after the words may be something else.
            words: from :func:`aligner_words`.

        Raises:
            MisfitError: no path through the recording matches the words.
        """
        peak = float(np.abs(waveform).max(initial=0.0))
        if not words or peak == 0:
            raise MisfitError
        pcm = to_pcm16(waveform * (LEVEL / peak)).tobytes()
        for beam in BEAMS:
            decoder = self._decoder(beam)
            for word in sorted(set(words)):
                if decoder.lookup_word(word) is None:
                    decoder.add_word(word, _pronunciation(decoder, word), True)
            try:
                return _two_passes(decoder, pcm, words)
            except (RuntimeError, MisfitError):  # pocketsphinx raises it when no path is left
                continue
        raise MisfitError

    def _decoder(self, beam: float | None) -> Any:
        if beam not in self._decoders:
            self._decoders[beam] = _make_decoder(beam)
        return self._decoders[beam]


def _make_decoder(beam: float | None) -> Any:
    try:
        import pocketsphinx
    except ImportError as error:
        raise EngineError(
            "Recorded narration needs the package pocketsphinx.", hint="Install requirements.txt again."
        ) from error
    beams = {"beam": beam, "wbeam": beam, "pbeam": beam} if beam else {}
    return pocketsphinx.Decoder(samprate=ALIGNER_HZ, lm=None, bestpath=False, dither=False, loglevel="FATAL", **beams)


def _two_passes(decoder: Any, pcm: bytes, words: Sequence[str]) -> list[AlignedWord]:
    decoder.set_align_text(" ".join(words))
    _decode(decoder, pcm)
    if decoder.hyp() is None:
        raise MisfitError
    decoder.set_alignment()
    _decode(decoder, pcm)
    entries = [_aligned(entry) for entry in decoder.get_alignment() or ()]
    spoken = [word for word in entries if word.phonemes]
    if [word.text for word in spoken] != list(words):
        raise MisfitError
    return spoken


def _decode(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _aligned(word: Any) -> AlignedWord:
    phonemes = tuple(
        TimedToken(phone.name, phone.start / FRAMES_PER_SECOND, (phone.start + phone.duration) / FRAMES_PER_SECOND)
        for phone in word
        if phone.name not in SILENT_PHONES
    )
    name = re.sub(r"\(\d+\)$", "", word.name)  # "the(2)" is the second pronunciation of "the"
    start, end = word.start / FRAMES_PER_SECOND, (word.start + word.duration) / FRAMES_PER_SECOND
    return AlignedWord(name, start, end, phonemes)


def _pronunciation(decoder: Any, word: str) -> str:
    stem = decoder.lookup_word(word[:-2]) if word.endswith("'s") else None
    if stem:
        return f"{stem} {'S' if stem.split()[-1] in ('P', 'T', 'K', 'F', 'TH') else 'Z'}"
    return " ".join(_SPELLINGS[part] for part in _SPELLING.findall(word)) or "AH"
