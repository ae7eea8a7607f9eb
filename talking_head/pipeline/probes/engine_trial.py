"""A trial of one engine: whether it works here, and how fast. It is meant for a process of its own: models are loaded
and may take the process down, and the caller does not want torch in memory.

``python -m talking_head.pipeline.probes.engine_trial KIND NAME CHECKPOINTS_DIR [--portrait P] [--measure] [--seconds
N]`` prints one JSON object, a :class:`~talking_head.pipeline.probes.trial.Trial`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Speech, Take, TimedToken, TimedWord
from talking_head.errors import TalkingHeadError
from talking_head.media_io.arrays import Waveform
from talking_head.pipeline.portrait_to_source import load_portrait, portrait_to_source
from talking_head.pipeline.probes.trial import Trial
from talking_head.pipeline.utterance_to_take import speech_to_take
from talking_head.profiles import FAST
from talking_head.timebase import AUDIO_HZ, VIDEO_FPS

SYLLABLE_SECONDS = 0.25
SYLLABLES = 4  # with the silence at both ends, the shortest take that is at least a second
SENTENCE = "This is how the voice sounds on this machine."


def try_engine(
    kind: str, name: str, settings: EngineSettings, *, portrait: PortraitImage | None, measure: bool, seconds: float
) -> Trial:
    """Create the engine and, with ``measure``, let it work for a second of result or for ``seconds``."""
    trial = Trial(kind, name)
    try:
        started = time.perf_counter()
        engine = registry.create(kind, name, settings)
        trial.load_seconds = _since(started)
        trial.version = engine.version
        if measure:
            {"speech": _speak, "face": _animate, "enhancer": _enhance}[kind](engine, portrait, seconds, trial)
        elif kind == "speech":
            engine.voices()
        trial.usable = True
    except TalkingHeadError as error:
        trial.error = {"code": error.code, "message": error.message, "hint": error.hint}
    return trial


def _speak(engine: Any, _portrait: PortraitImage | None, _seconds: float, trial: Trial) -> None:
    voice = engine.voices()[0].name
    started = time.perf_counter()
    engine.speak("Hello.", "Hello.", voice=voice, speed=1.0)  # loads the voice
    trial.prepare_seconds = _since(started)
    started = time.perf_counter()
    speech = engine.speak(SENTENCE, SENTENCE, voice=voice, speed=1.0)
    _record(trial, _since(started), len(speech.waveform) / speech.sample_rate_hz)


def _animate(engine: Any, portrait: PortraitImage | None, seconds: float, trial: Trial) -> None:
    started = time.perf_counter()
    source = portrait_to_source(engine, portrait, Framing(FAST.preprocess, FAST.size_px))
    trial.prepare_seconds = _since(started)
    take = babble(SYLLABLES)
    started = time.perf_counter()
    motion = engine.motion(source, take, text="ma " * SYLLABLES, seed=1, expression_scale=FAST.expression_scale)
    motion_seconds = _since(started)
    trial.frames = 0
    started = time.perf_counter()
    for _frame in engine.frames(source, motion):
        trial.frames += 1
        if _since(started) > seconds:
            break
    drawn_share = trial.frames / take.frame_count  # a slow engine is not charged for motion it did not draw
    _record(trial, motion_seconds * drawn_share + _since(started), trial.frames / VIDEO_FPS)


def _enhance(engine: Any, portrait: PortraitImage | None, seconds: float, trial: Trial) -> None:
    frame = portrait.rgb if portrait else np.zeros((FAST.size_px, FAST.size_px, 3), np.uint8)
    started = time.perf_counter()
    trial.frames = sum(1 for _ in engine.enhance(iter([frame])))
    _record(trial, _since(started), trial.frames / VIDEO_FPS)


def babble(syllables: int) -> Take:
    """Return a take of "ma ma ma ..." from a buzzing tone, so that a face can be tried without a voice."""
    times = np.arange(round(syllables * SYLLABLE_SECONDS * AUDIO_HZ)) / AUDIO_HZ  # (samples,)
    loudness = 1 - np.cos(2 * np.pi * times / SYLLABLE_SECONDS)
    tones = [np.sin(2 * np.pi * 120 * harmonic * times) / harmonic for harmonic in range(1, 20)]
    waveform: Waveform = (0.1 * loudness * np.sum(tones, axis=0)).astype(np.float32)
    phonemes, words = [], []
    for index in range(syllables):
        start = index * SYLLABLE_SECONDS
        middle, end = start + SYLLABLE_SECONDS * 0.4, start + SYLLABLE_SECONDS
        phonemes += [TimedToken("m", start, middle), TimedToken("ɑ", middle, end)]
        words.append(TimedWord("ma", start, end, 3 * index, 3 * index + 2))
    return speech_to_take(Speech(waveform, AUDIO_HZ, tuple(phonemes), tuple(words), "misaki"))


def _record(trial: Trial, work_seconds: float, result_seconds: float) -> None:
    trial.work_seconds = round(work_seconds, 4)
    trial.result_seconds = round(result_seconds, 4)
    trial.real_time_factor = round(work_seconds / result_seconds, 4) if result_seconds else None


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 4)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="engine_trial")
    parser.add_argument("kind", choices=list(registry.ENGINES))
    parser.add_argument("name")
    parser.add_argument("checkpoints_dir", type=Path)
    parser.add_argument("--portrait", type=Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args(arguments)
    portrait = load_portrait(options.portrait) if options.portrait else None
    trial = try_engine(
        options.kind,
        options.name,
        EngineSettings(checkpoints_dir=options.checkpoints_dir),
        portrait=portrait,
        measure=options.measure,
        seconds=options.seconds,
    )
    json.dump(trial.to_json(), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
