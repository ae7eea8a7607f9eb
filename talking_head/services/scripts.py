"""What can be said about a text before anything is rendered. (Stages are imported when used, see ``portraits``.)"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Voice
from talking_head.engines.speech.coqui.voice_names import PREFIX as COQUI
from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.errors import EngineError, OptionError
from talking_head.permissions import Person, own_voices
from talking_head.profiles import AUTO
from talking_head.services.voice_samples import check_sample_is_here, cloning_problem

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance


@dataclass(frozen=True, slots=True)
class ScriptSummary:
    utterance_count: int
    estimated_seconds: float  # of finished video
    utterances: tuple[Utterance, ...] = ()  # what becomes a clip each, with places in the text for a page to mark


def check_script(script: str, language: str = "en") -> ScriptSummary:
    """Whether the text can become a video, and how long about.

    Raises:
        ScriptError: empty, too long, nothing speakable, unsupported language.
    """
    from talking_head.pipeline.script.script_to_utterances import estimated_seconds, script_to_utterances

    parsed = script_to_utterances(script, language)
    return ScriptSummary(len(parsed.utterances), round(estimated_seconds(parsed), 1), parsed.utterances)


def voices() -> tuple[Voice, ...]:
    """Everybody's voices: those of the configured speech engine, its default first, and with ``auto`` also those that
    coqui has here."""
    configured = settings.TALKING_HEAD_SPEECH
    found = voices_of(registry.resolve("speech", configured))
    if configured != AUTO:
        return found
    try:
        return found + voices_of(COQUI)
    except EngineError:  # an extra that is not installed
        return found


def voices_for(user: Person) -> tuple[Voice, ...]:
    """Everybody's voices and those that are this person's own, as far as they can speak here."""
    return voices() if cloning_problem() else voices() + own_voices(user)


def speech_engine_for(voice: str) -> str:
    """The engine that speaks with a voice when none was asked for: a name may say it, otherwise the settings do."""
    return COQUI if parsed(voice) else registry.resolve("speech", settings.TALKING_HEAD_SPEECH)


@lru_cache(maxsize=8)
def voices_of(speech: str) -> tuple[Voice, ...]:
    """Kept for the process's life: asking an engine may mean loading it."""
    engine = registry.create("speech", speech, EngineSettings(checkpoints_dir=settings.CHECKPOINTS_DIR))
    found: tuple[Voice, ...] = engine.voices()
    return found


def check_voice(voice: str, speech: str) -> None:
    """Raises:
    OptionError: ``unknown_voice``. Empty means the default and is always known.
    EngineError, InvalidInput: a cloned voice cannot be used here, or its sample was deleted.
    """
    sample = parsed(voice)
    if isinstance(sample, SampleVoice) and speech == COQUI:
        return check_sample_is_here(sample)
    names = [known.name for known in voices_of(speech)] if voice else []
    if voice and voice not in names:
        raise OptionError(
            f"There is no voice “{voice}”.", code="unknown_voice", hint=f"Choose one of: {', '.join(names)}."
        )
