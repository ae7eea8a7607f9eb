"""Small, fast, deterministic stand-ins for the real engines, for tests of what surrounds them.

``FakeSpeech`` beeps once per word and says exactly when; ``FakeFace`` moves a bar that rests at both ends of a clip.
:func:`install` puts them into the registry under their own names (with ``monkeypatch``, so that they vanish again).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Speech, Take, TimedToken, TimedWord, Voice
from talking_head.engines.speech.pace import check_speed
from talking_head.errors import OptionError, PortraitError, RendererError, ScriptError
from talking_head.media_io.arrays import Frame

WORD_SECONDS = 0.20
GAP_SECONDS = 0.05
SAMPLE_RATE_HZ = 24_000
BEEP_AMPLITUDE = 0.2
UNSPEAKABLE = "Mxyzptlk"
FACELESS_DIGEST = "f" * 64


class FakeSpeech:
    """One beep per word, its pitch from the word's letters."""

    name = "fakespeech"
    version = "1"
    spoken: list[str] = []  # what was really said since the last ``install``: a test sees whether the cache was used

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings

    def voices(self) -> tuple[Voice, ...]:
        return (Voice("beep", "en-US", "Beep"), Voice("boop", "en-GB", "Boop"))

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        if voice not in ("", "beep", "boop"):
            raise OptionError(f"There is no voice “{voice}”.", code="unknown_voice")
        check_speed(speed)
        if UNSPEAKABLE in spoken:
            raise ScriptError("This cannot be said.", code="nothing_speakable")
        type(self).spoken.append(spoken)
        octave = 2.0 if voice == "boop" else 1.0
        matches = list(re.finditer(r"\w+", written))
        step_seconds = (WORD_SECONDS + GAP_SECONDS) / speed
        waveform = np.zeros(round(len(matches) * step_seconds * SAMPLE_RATE_HZ), np.float32)
        phonemes: list[TimedToken] = []
        words: list[TimedWord] = []
        for position, match in enumerate(matches):
            start_seconds = position * step_seconds
            end_seconds = start_seconds + WORD_SECONDS / speed
            _beep(waveform, match.group(), start_seconds, end_seconds, octave)
            words.append(TimedWord(match.group(), start_seconds, end_seconds, match.start(), match.end()))
            middle_seconds = (start_seconds + end_seconds) / 2
            phonemes.append(TimedToken("M", start_seconds, middle_seconds))
            phonemes.append(TimedToken("AA", middle_seconds, end_seconds))
        return Speech(waveform, SAMPLE_RATE_HZ, tuple(phonemes), tuple(words), "arpabet")


def _beep(waveform: np.ndarray, word: str, start_seconds: float, end_seconds: float, octave: float) -> None:
    start, end = round(start_seconds * SAMPLE_RATE_HZ), round(end_seconds * SAMPLE_RATE_HZ)
    end = min(end, len(waveform))
    time_seconds = np.arange(end - start) / SAMPLE_RATE_HZ
    pitch_hz = octave * (220 + 20 * (sum(map(ord, word)) % 20))
    envelope = np.sin(np.pi * np.linspace(0, 1, end - start))
    waveform[start:end] += (BEEP_AMPLITUDE * envelope * np.sin(2 * np.pi * pitch_hz * time_seconds)).astype(np.float32)


@dataclass(frozen=True)
class FakeSource:
    width_px: int
    height_px: int
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class FakeMotion:
    offsets: np.ndarray  # (frames,) 0 at both ends


class FakeFace:
    """A bar in the portrait's mean colour that swings while the take lasts."""

    name = "fakeface"
    version = "1"
    prepared: list[str] = []  # digests prepared since the last ``install``
    fail_at_frame: int | None = None  # a test sets it to see a clip fail in mid-render

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> FakeSource:
        if portrait is None or portrait.digest == FACELESS_DIGEST:
            raise PortraitError("There is no face in this picture.", code="no_face", hint="Choose another picture.")
        type(self).prepared.append(portrait.digest)
        red, green, blue = (int(value) for value in portrait.rgb.reshape(-1, 3).mean(axis=0))
        return FakeSource(framing.size_px // 2, framing.size_px // 2, (red, green, blue))

    def motion(self, source: FakeSource, take: Take, *, text: str, seed: int, expression_scale: float) -> FakeMotion:
        phase = np.sin(np.pi * np.linspace(0, 1, take.frame_count))
        swing = np.sin(np.arange(take.frame_count) * (0.2 + (seed % 7) / 50))
        return FakeMotion(phase * swing * expression_scale)

    def frames(self, source: FakeSource, motion: FakeMotion) -> Iterator[Frame]:
        frame = np.empty((source.height_px, source.width_px, 3), np.uint8)
        bar_px = source.width_px // 8
        for index, offset in enumerate(motion.offsets):
            if index == type(self).fail_at_frame:
                raise RendererError("The fake face was told to fail.", code="told_to_fail")
            left = round(source.width_px / 2 + offset * source.width_px / 4)
            frame[:] = 40
            frame[:, left : left + bar_px] = source.colour
            yield frame  # one buffer for all frames, as the protocol allows


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers both fakes as engines ``fakespeech`` and ``fakeface``."""
    monkeypatch.setitem(registry.ENGINES["speech"], FakeSpeech.name, f"{__name__}:FakeSpeech")
    monkeypatch.setitem(registry.ENGINES["face"], FakeFace.name, f"{__name__}:FakeFace")
    monkeypatch.setattr(FakeSpeech, "spoken", [])
    monkeypatch.setattr(FakeFace, "prepared", [])
    monkeypatch.setattr(FakeFace, "fail_at_frame", None)
