"""Phonemes to mouth motion: phonemes -> visemes -> one curve per mouth channel, sampled at the video's frames.

Coarticulation is a dominance blend (Cohen & Massaro 1993, "Modeling coarticulation in synthetic visual speech"): every
viseme pulls the mouth towards its shape with a strength that fades around its own span. In addition, lips that must
meet (p, b, m) always meet, however short the phoneme, because viewers notice a missing closure first.

Two alphabets are supported: ``misaki`` (one letter per sound, IPA plus capitals for diphthongs; hibari and Kokoro use
it) and ``arpabet`` (CMUdict, pocketsphinx; stress digits allowed).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from talking_head.engines.base import TimedToken
from talking_head.media_io.arrays import Waveform
from talking_head.timebase import AUDIO_HZ, SAMPLES_PER_VIDEO_FRAME, VIDEO_FPS

Curve = NDArray[np.float32]  # (frames,)


@dataclass(frozen=True, slots=True)
class MouthShape:
    """Drive of each mouth channel, 0..1."""

    jaw: float = 0.0  # lower jaw down; 0.62 is the widest "ah" of ordinary speech
    wide: float = 0.0  # corners apart
    pucker: float = 0.0  # corners together, lips thick
    press: float = 0.0  # lips closed, even if the photo shows them parted
    upper: float = 0.0  # upper lip raised
    tuck: float = 0.0  # lower lip under the upper teeth
    tongue: float = 0.0  # tip of the tongue up
    lower_teeth: float = 0.0  # lower teeth visible


MOUTH_CHANNELS = tuple(field.name for field in fields(MouthShape))

SILENCE = "sil"
VISEME_SHAPES: dict[str, MouthShape] = {
    SILENCE: MouthShape(),
    "PP": MouthShape(pucker=0.08, press=1.0),
    "FF": MouthShape(jaw=0.10, wide=0.10, upper=0.35, tuck=1.0),
    "TH": MouthShape(jaw=0.18, wide=0.15, upper=0.20, tongue=0.8, lower_teeth=0.3),
    "DD": MouthShape(jaw=0.20, wide=0.25, upper=0.25, tongue=0.5, lower_teeth=0.35),
    "kk": MouthShape(jaw=0.24, wide=0.20, upper=0.20, tongue=0.15, lower_teeth=0.3),
    "CH": MouthShape(jaw=0.16, pucker=0.55, upper=0.35, tongue=0.1, lower_teeth=0.6),
    "SS": MouthShape(jaw=0.11, wide=0.45, upper=0.35, tongue=0.1, lower_teeth=0.8),
    "nn": MouthShape(jaw=0.18, wide=0.20, upper=0.20, tongue=0.5, lower_teeth=0.3),
    "RR": MouthShape(jaw=0.20, pucker=0.45, upper=0.20, tongue=0.2, lower_teeth=0.2),
    "aa": MouthShape(jaw=0.62, wide=0.15, upper=0.20, tongue=0.1, lower_teeth=0.2),
    "ah": MouthShape(jaw=0.50, wide=0.18, upper=0.18, tongue=0.1, lower_teeth=0.2),
    "E": MouthShape(jaw=0.43, wide=0.45, upper=0.25, tongue=0.1, lower_teeth=0.3),
    "I": MouthShape(jaw=0.21, wide=0.80, upper=0.40, tongue=0.1, lower_teeth=0.6),
    "O": MouthShape(jaw=0.50, pucker=0.55, upper=0.10),
    "U": MouthShape(jaw=0.21, pucker=0.95, upper=0.10),
    "W": MouthShape(jaw=0.11, pucker=1.0, upper=0.05),
    "ax": MouthShape(jaw=0.28, wide=0.15, upper=0.15, tongue=0.1, lower_teeth=0.2),
}

# How strongly a viseme's shape prevails over its neighbours'; consonants formed inside the mouth hardly do.
_DOMINANCE = {
    **dict.fromkeys(VISEME_SHAPES, 1.0),
    **{"PP": 3.0, "FF": 2.5, "W": 1.8, "U": 1.6, "O": 1.5, "aa": 1.4, "ah": 1.2, "CH": 1.3, "SS": 1.1, "E": 1.1},
    **{"I": 1.1, SILENCE: 0.8, "ax": 0.6, "DD": 0.5, "kk": 0.45, "nn": 0.5, "RR": 0.9},
}


def _letters(groups: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {letter: (viseme,) for viseme, letters in groups.items() for letter in letters}


MISAKI: dict[str, tuple[str, ...]] = {
    **_letters(
        {
            "PP": "pbm",
            "FF": "fvʋɱɸβ",
            "TH": "θð",
            "DD": "tdlTɾɽɖʈʎɫ",
            "kk": "kɡghŋxqcɟçʝɣχʁɰɴʔj",
            "CH": "ʃʒʧʤɕʑʂʐʥʨꭧS",
            "SS": "szʣʦ",
            "nn": "nɲɳ",
            "RR": "ɹrɻɜɚɝ",
            "W": "wɥʍᵝ",
            "aa": "ɑæaɒ",
            "ah": "ʌ",
            "E": "ɛe",
            "I": "iɪ",
            "O": "ɔoœ",
            "U": "uʊyøʏɯ",
            "ax": "əɐᵊɤɨᵻɘ",
        }
    ),
    "A": ("E", "I"),  # day
    "I": ("aa", "I"),  # my
    "W": ("aa", "U"),  # now
    "Y": ("O", "I"),  # boy
    "O": ("O", "U"),  # go
    "Q": ("ax", "U"),  # go, British
}
_MISAKI_BEFORE = frozenset("ˈˌ")  # stress: its time belongs to the following sound
_MISAKI_AFTER = frozenset("ːˑʰʲ\u0303")  # length, aspiration, palatal, nasal: to the preceding sound
_MISAKI_SILENT = frozenset(' ;:,.!?—…"()“”↓→↗↘_')

ARPABET: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("AA", "AE"), ("aa",)),
    "AH": ("ah",),
    **dict.fromkeys(("AX", "IX"), ("ax",)),
    "AO": ("O",),
    "AW": ("aa", "U"),
    "AY": ("aa", "I"),
    "EH": ("E",),
    **dict.fromkeys(("ER", "AXR", "R"), ("RR",)),
    "EY": ("E", "I"),
    **dict.fromkeys(("IH", "IY"), ("I",)),
    "OW": ("O", "U"),
    "OY": ("O", "I"),
    **dict.fromkeys(("UH", "UW", "UX"), ("U",)),
    **dict.fromkeys(("CH", "JH", "SH", "ZH"), ("CH",)),
    **dict.fromkeys(("S", "Z"), ("SS",)),
    **dict.fromkeys(("F", "V"), ("FF",)),
    **dict.fromkeys(("TH", "DH"), ("TH",)),
    **dict.fromkeys(("P", "B", "M", "EM"), ("PP",)),
    **dict.fromkeys(("T", "D", "DX", "L", "EL"), ("DD",)),
    **dict.fromkeys(("N", "EN", "NX"), ("nn",)),
    **dict.fromkeys(("K", "G", "NG", "HH", "Y", "Q"), ("kk",)),
    **dict.fromkeys(("W", "WH"), ("W",)),
}
ALPHABETS = ("misaki", "arpabet")

_FIRST_HALF_OF_DIPHTHONG = 0.55
_SHORT_GAP_SECONDS = 0.075  # a shorter gap is not a pause: the neighbours share it
_LEAD_SECONDS = 0.012  # the mouth leads the sound it makes
_SKIRT_SECONDS = 0.032  # how far a viseme reaches beyond its span
_ROUNDING_SKIRT_SECONDS = 0.060  # lips round earlier and longer than the jaw moves
_CLOSED_SHARE = 0.5  # the middle part of a p/b/m in which the lips are shut
_MIN_CLOSED_SECONDS = 0.020  # half of it; together one video frame, so no closure falls between two frames
_CLOSURE_RAMP_SECONDS = 0.030
_TUCK_RAMP_SECONDS = 0.050
_JAW_AT_REST_ENERGY, _JAW_PER_ENERGY = 0.65, 0.50
_ENERGY_WINDOW_SECONDS = 0.040
_PAUSE_LEAST_SECONDS = 0.14


@dataclass(frozen=True, slots=True)
class VisemeEvent:
    viseme: str
    start_seconds: float
    end_seconds: float


def phonemes_to_visemes(phonemes: Iterable[TimedToken], alphabet: str) -> list[VisemeEvent]:
    """Return visemes in order of time, without overlaps.

    Diphthongs become two visemes; the time of stress and length marks goes to their neighbours.

    Raises:
        ValueError: the alphabet is not in :data:`ALPHABETS`.
    """
    if alphabet not in ALPHABETS:
        raise ValueError(f"unknown phoneme alphabet {alphabet!r}; known: {', '.join(ALPHABETS)}")
    sounds = _misaki_sounds(phonemes) if alphabet == "misaki" else _arpabet_sounds(phonemes)
    events: list[VisemeEvent] = []
    for visemes, start, end in _share_short_gaps(sounds):
        if len(visemes) == 1:
            events.append(VisemeEvent(visemes[0], start, end))
        else:
            middle = start + (end - start) * _FIRST_HALF_OF_DIPHTHONG
            events.append(VisemeEvent(visemes[0], start, middle))
            events.append(VisemeEvent(visemes[1], middle, end))
    return events


_Sound = tuple[tuple[str, ...], float, float]  # visemes, start and end in seconds


def _misaki_sounds(phonemes: Iterable[TimedToken]) -> list[_Sound]:
    sounds: list[_Sound] = []
    mark_start: float | None = None
    for letter, start, end in _single_letters(phonemes):
        if letter in _MISAKI_BEFORE:
            mark_start = start if mark_start is None else mark_start
            continue
        if letter in _MISAKI_AFTER:
            if sounds:
                sounds[-1] = (sounds[-1][0], sounds[-1][1], end)
            continue
        visemes = (SILENCE,) if letter in _MISAKI_SILENT else MISAKI.get(letter, ("ax",))
        sounds.append((visemes, start if mark_start is None else mark_start, end))
        mark_start = None
    return sounds


def _single_letters(phonemes: Iterable[TimedToken]) -> Iterable[tuple[str, float, float]]:
    """Yield letters with start and end in seconds; the letters of one token share its time evenly."""
    for token in phonemes:
        letters = token.text or " "
        step = (token.end_seconds - token.start_seconds) / len(letters)
        for index, letter in enumerate(letters):
            start = token.start_seconds + index * step
            yield letter, start, start + step


def _arpabet_sounds(phonemes: Iterable[TimedToken]) -> list[_Sound]:
    # Every token that is not a phone (SIL, SPN, +NOISE+, sp) is silence.
    return [
        (ARPABET.get(token.text.upper().rstrip("012"), (SILENCE,)), token.start_seconds, token.end_seconds)
        for token in phonemes
    ]


def _share_short_gaps(sounds: list[_Sound]) -> list[_Sound]:
    """Return the sounds with gaps too short to be pauses closed: the sounds on both sides meet in the middle."""
    joined: list[_Sound] = []
    meeting_point: float | None = None
    for visemes, start, end in sounds:
        if visemes == (SILENCE,) and end - start < _SHORT_GAP_SECONDS and joined:
            meeting_point = (start + end) / 2
            joined[-1] = (joined[-1][0], joined[-1][1], meeting_point)
            continue
        joined.append((visemes, start if meeting_point is None else min(meeting_point, start), end))
        meeting_point = None
    return joined


def pauses(events: list[VisemeEvent], duration_seconds: float) -> list[tuple[float, float]]:
    """Return the pauses as start and end in seconds, including the silences at both ends."""
    spoken = [event for event in events if event.viseme != SILENCE]
    edges = [0.0, *(edge for event in spoken for edge in (event.start_seconds, event.end_seconds)), duration_seconds]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in gaps if end - start >= _PAUSE_LEAST_SECONDS]


def loudness_curve(waveform: Waveform, frame_count: int) -> Curve:
    """Return the loudness around each frame, (frame_count,): 1 = a loud vowel of this take, at most 1.3."""
    squares = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    middle = (np.arange(frame_count) * SAMPLES_PER_VIDEO_FRAME) + SAMPLES_PER_VIDEO_FRAME // 2
    half = int(_ENERGY_WINDOW_SECONDS * AUDIO_HZ / 2)
    low, high = np.clip(middle - half, 0, len(waveform)), np.clip(middle + half, 0, len(waveform))
    rms = np.sqrt((squares[high] - squares[low]) / np.maximum(high - low, 1))
    loud = np.percentile(rms, 95)
    return np.asarray(np.clip(rms / max(loud, 1e-4), 0, 1.3), np.float32)


def mouth_curves(events: list[VisemeEvent], loudness: Curve) -> dict[str, Curve]:
    """Return a curve (frames,) per mouth channel, one value per video frame, for as many frames as ``loudness`` has."""
    times = (np.arange(len(loudness)) + 0.5) / VIDEO_FPS + _LEAD_SECONDS
    blend = _dominance_blend(events, times, _SKIRT_SECONDS)
    rounding = _dominance_blend(events, times, _ROUNDING_SKIRT_SECONDS)
    closed, tucked = np.zeros(len(times)), np.zeros(len(times))
    for event in events:
        if event.viseme == "PP":
            closed = np.maximum(closed, _closure(event, times))
        elif event.viseme == "FF":
            tucked = np.maximum(tucked, 1 - np.clip(_distance(event, times) / _TUCK_RAMP_SECONDS, 0, 1))
    jaw_scale = np.clip(_JAW_AT_REST_ENERGY + _JAW_PER_ENERGY * loudness, 0.5, 1.15)
    curves = dict(zip(MOUTH_CHANNELS, blend.T, strict=True))
    curves["pucker"] = rounding[:, MOUTH_CHANNELS.index("pucker")]
    curves["jaw"] = curves["jaw"] * (1 - closed) * (1 - 0.75 * tucked) * jaw_scale
    curves["upper"] = curves["upper"] * (1 - closed)
    curves["press"] = closed
    curves["tuck"] = tucked * (1 - closed)
    return {name: np.asarray(curve, np.float32) for name, curve in curves.items()}


def mouth_curves_from_loudness(loudness: Curve) -> dict[str, Curve]:
    """Return curves for speech without phoneme times: the jaw follows the loudness, which is at least never late."""
    curves = {name: np.zeros_like(loudness) for name in MOUTH_CHANNELS}
    curves["jaw"] = np.asarray(0.5 * np.clip(loudness - 0.08, 0, 1), np.float32)
    curves["wide"] = np.asarray(0.25 * np.clip(loudness, 0, 1), np.float32)
    return curves


def _distance(event: VisemeEvent, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds from each time to the event's span, 0 inside."""
    return np.maximum(np.maximum(event.start_seconds - times, times - event.end_seconds), 0)


def _closure(event: VisemeEvent, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 while the lips are shut, with a ramp on both sides."""
    half = max((event.end_seconds - event.start_seconds) * _CLOSED_SHARE / 2, _MIN_CLOSED_SECONDS)
    from_middle = np.abs(times - (event.start_seconds + event.end_seconds) / 2)
    return 1 - np.clip((from_middle - half) / _CLOSURE_RAMP_SECONDS, 0, 1)


def _dominance_blend(
    events: list[VisemeEvent], times: NDArray[np.float64], skirt_seconds: float
) -> NDArray[np.float64]:
    """Return the weighted mean of the shapes, (frames, channels); the rest shape where no event is near."""
    total = np.full((len(times), 1), 1e-6)
    shapes = np.zeros((len(times), len(MOUTH_CHANNELS)))
    for event in events:
        weight = _DOMINANCE[event.viseme] * np.exp(-((_distance(event, times) / skirt_seconds) ** 2))[:, None]
        shapes += weight * np.array(astuple(VISEME_SHAPES[event.viseme]))
        total += weight
    return shapes / total
