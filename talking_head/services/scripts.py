"""What can be said about a text before anything is rendered. (Stages are imported when used, see ``portraits``.)"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Voice
from talking_head.errors import OptionError

if TYPE_CHECKING:
    from talking_head.pipeline.script_to_utterances import Utterance


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
    from talking_head.pipeline.script_to_utterances import estimated_seconds, script_to_utterances

    parsed = script_to_utterances(script, language)
    return ScriptSummary(len(parsed.utterances), round(estimated_seconds(parsed), 1), parsed.utterances)


def voices() -> tuple[Voice, ...]:
    """The voices of the configured speech engine, its default first."""
    return voices_of(registry.resolve("speech", settings.TALKING_HEAD_SPEECH))


@lru_cache(maxsize=8)
def voices_of(speech: str) -> tuple[Voice, ...]:
    """Kept for the process's life: asking an engine may mean loading it."""
    engine = registry.create("speech", speech, EngineSettings(checkpoints_dir=settings.CHECKPOINTS_DIR))
    found: tuple[Voice, ...] = engine.voices()
    return found


def check_voice(voice: str, speech: str) -> None:
    """Raises:
    OptionError: ``unknown_voice``. Empty means the default and is always known.
    """
    names = [known.name for known in voices_of(speech)] if voice else []
    if voice and voice not in names:
        raise OptionError(
            f"There is no voice “{voice}”.", code="unknown_voice", hint=f"Choose one of: {', '.join(names)}."
        )
