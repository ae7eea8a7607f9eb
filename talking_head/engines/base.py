"""The engine interface: the values that flow between the stages, and the three protocols.

An engine is a plain class with ``name`` and ``version`` that satisfies one of the protocols and is listed in
:mod:`talking_head.engines.registry`. Engines know nothing of Django, jobs, cache files or each other. They are
created once per renderer process and stay warm, so the constructor loads models and the methods only use them.

``version`` takes part in every cache key: raise it whenever the same input would produce different bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, runtime_checkable

from talking_head.profiles import Preprocess
from talking_head.timebase import SAMPLES_PER_VIDEO_FRAME

if TYPE_CHECKING:  # the values also travel through processes that never hold an array
    from talking_head.media_io.arrays import Frame, Waveform

# Where the times of words and phonemes come from: the speech model, forced alignment, or an estimate from the letters.
TimesFrom = Literal["model", "alignment", "estimate"]


@dataclass(frozen=True, slots=True)
class TimedToken:
    """A phoneme and when it sounds, in seconds from the start of its waveform."""

    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A written word, when it is spoken, and its position in the text.

    ``start`` and ``end`` are character offsets into the utterance's text as written, so that a page can highlight it.
    """

    text: str
    start_seconds: float
    end_seconds: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance as a speech engine returns it: at its own rate and loudness, without padding."""

    waveform: Waveform
    sample_rate_hz: int
    phonemes: tuple[TimedToken, ...]
    words: tuple[TimedWord, ...]
    phoneme_alphabet: str  # "misaki" or "arpabet"
    times_from: TimesFrom = "model"


@dataclass(frozen=True, slots=True)
class Take:
    """The speech of one utterance, ready for animation.

    48 kHz mono, loudness normalised, silence at both ends, and a length that is a whole number of clip quanta (see
    :mod:`talking_head.timebase`).
    """

    waveform: Waveform  # (n * 15360,)
    phonemes: tuple[TimedToken, ...]
    words: tuple[TimedWord, ...]
    phoneme_alphabet: str
    times_from: TimesFrom = "model"

    @property
    def frame_count(self) -> int:
        """Return the number of video frames that cover the take exactly."""
        return len(self.waveform) // SAMPLES_PER_VIDEO_FRAME


@dataclass(frozen=True, slots=True)
class PortraitImage:
    """A decoded still picture; ``digest``, the sha256 of the file's bytes, identifies it in cache keys."""

    rgb: Frame
    digest: str


@dataclass(frozen=True, slots=True)
class Framing:
    """The crop and the size of the portrait in the video, from the profile."""

    preprocess: Preprocess
    size_px: int


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a speech engine offers. ``language`` is a BCP 47 tag such as ``en-US``."""

    name: str
    language: str
    label: str


class SpeechEngine(Protocol):
    name: str
    version: str

    def voices(self) -> tuple[Voice, ...]:
        """Return the voices that are usable right now, the default first; never download."""

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        """Return the speech of one utterance.

        ``spoken`` is the text to say, ``written`` the same utterance as it appears in the script (word offsets refer to
        it). Deterministic: the same arguments give the same samples.

        Raises:
            OptionError: ``unknown_voice``. ScriptError: ``nothing_speakable``.
        """


@runtime_checkable
class CloningSpeechEngine(SpeechEngine, Protocol):
    """A speech engine that also speaks with voices cloned from samples.

    A cloned voice belongs to its owner, so ``voices`` does not list it: a caller asks for it by name.
    """

    def cloned_voice(self, name: str) -> Voice | None:
        """Return the voice with that name if it is cloned from a sample that exists here, otherwise None."""


class FaceSource(Protocol):
    """One portrait as a face engine prepared it, in one framing. Both sides are even."""

    @property
    def width_px(self) -> int: ...

    @property
    def height_px(self) -> int: ...


SourceT = TypeVar("SourceT", bound=FaceSource)
MotionT = TypeVar("MotionT")


class FaceEngine(Protocol[SourceT, MotionT]):
    """An engine that draws a talking face. ``SourceT`` and ``MotionT`` are its own; callers only pass them back."""

    name: str
    version: str

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> SourceT:
        """Return everything that depends on the portrait alone: face, mesh, crop, fields, features.

        The caller reuses it for later clips. Only the still engine accepts ``None``.

        Raises:
            PortraitError: ``no_face`` and related codes.
        """

    def motion(self, source: SourceT, take: Take, *, text: str, seed: int, expression_scale: float) -> MotionT:
        """Return the motion of the face during the take, without pixels; it begins and ends in the rest pose."""

    def frames(self, source: SourceT, motion: MotionT) -> Iterator[Frame]:
        """Yield exactly ``take.frame_count`` frames, (height_px, width_px, 3) each.

        A frame's memory may be reused for the next one.
        """


class Enhancer(Protocol):
    name: str
    version: str

    @property
    def seconds_per_frame(self) -> float:
        """Return the estimated wall time of a frame on this machine, in seconds."""

    def enhance(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the same number of frames of the same size, restored: clips with and without it must join."""


# Whether a profile's enhancer is used: only if this machine is fast enough, never, or however long it takes.
EnhancePolicy = Literal["auto", "none", "always"]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings that an engine gets from the caller that creates it."""

    checkpoints_dir: Path
    threads: int = 1
    voice_samples_dir: Path | None = None  # None: voices cannot be cloned
    enhance: EnhancePolicy = "auto"
