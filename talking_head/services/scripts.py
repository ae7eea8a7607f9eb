"""Checks of a text and its voice before anything is rendered. (Stages are imported when used, see ``portraits``.)"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Voice
from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.errors import EngineError, OptionError
from talking_head.permissions import Person, own_voices
from talking_head.profiles import AUTO
from talking_head.services.voice_samples import check_sample_exists, cloning_problem

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance


@dataclass(frozen=True, slots=True)
class ScriptSummary:
    utterance_count: int
    estimated_seconds: float  # of finished video
    utterances: tuple[Utterance, ...] = ()  # each becomes a clip; with positions in the text for a page to mark
    notices: tuple[str, ...] = ()  # what the voice cannot say, though the text can become a video


def check_script(script: str, language: str = "en") -> ScriptSummary:
    """Check that the text can become a video, and return its sentences and the estimated length.

    Raises:
        ScriptError: empty, too long, nothing speakable, unsupported language.
    """
    from talking_head.pipeline.script.language import foreign_word_notices
    from talking_head.pipeline.script.script_to_utterances import estimated_seconds, script_to_utterances

    parsed = script_to_utterances(script, language)
    notices = foreign_word_notices((utterance.spoken for utterance in parsed.utterances), language)
    return ScriptSummary(len(parsed.utterances), round(estimated_seconds(parsed), 1), parsed.utterances, notices)


def voices() -> tuple[Voice, ...]:
    """Return the voices that every user has: those of the configured speech engine, its default first, and with
    ``auto`` also those that the other engines have here."""
    configured = settings.TALKING_HEAD_SPEECH
    first = registry.resolve("speech", configured)
    every_voice = voices_of(first)
    others = [name for name in registry.ENGINES["speech"] if name != first] if configured == AUTO else []
    for engine in others:
        with contextlib.suppress(EngineError):  # an optional engine that is not installed
            every_voice += voices_of(engine)
    return every_voice


def voices_for(user: Person) -> tuple[Voice, ...]:
    """Return the voices that every user has and, where cloned voices work, the user's own."""
    return voices() if cloning_problem() else voices() + own_voices(user)


def speech_engine_for(voice: str) -> str:
    """Return the engine for a voice if the request names none: the voice's name may imply it, else the settings do."""
    return registry.speech_engine_of(voice) or registry.resolve("speech", settings.TALKING_HEAD_SPEECH)


@lru_cache(maxsize=8)
def voices_of(speech: str) -> tuple[Voice, ...]:
    """Return the engine's voices, cached for the life of the process: asking an engine may mean loading it."""
    engine = registry.create("speech", speech, EngineSettings(checkpoints_dir=settings.CHECKPOINTS_DIR))
    engine_voices: tuple[Voice, ...] = engine.voices()
    return engine_voices


def check_voice(voice: str, speech: str) -> None:
    """Check that the engine has the voice. An empty name means the default and is always valid.

    Raises:
        OptionError: ``unknown_voice``.
        EngineError, InvalidInput: a cloned voice cannot be used here, or its sample was deleted.
    """
    sample = parsed(voice)
    if isinstance(sample, SampleVoice) and speech == registry.speech_engine_of(voice):
        return check_sample_exists(sample)
    names = [known.name for known in voices_of(speech)] if voice else []
    if voice and voice not in names:
        message = (
            "Cloned voices cannot speak here." if isinstance(sample, SampleVoice) else f"There is no voice “{voice}”."
        )
        raise OptionError(message, code="unknown_voice", hint=f"Choose one of: {', '.join(names)}.")
