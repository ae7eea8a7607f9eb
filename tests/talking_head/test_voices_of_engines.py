"""Voices come from the registry: a new speech engine needs one line there."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Voice
from talking_head.errors import EngineError
from talking_head.services import scripts

POLLY = Voice("parrot:polly", "en-GB", "Polly")


class Parrot:
    name = "parrot"
    version = "1"

    def __init__(self, settings: EngineSettings) -> None: ...

    def voices(self) -> tuple[Voice, ...]:
        return (POLLY,)


class Absent(Parrot):
    def voices(self) -> tuple[Voice, ...]:
        raise EngineError("It is not installed.")


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.TALKING_HEAD_SPEECH = "auto"
    for name, cls in (("parrot", "Parrot"), ("absent", "Absent")):
        monkeypatch.setitem(registry.ENGINES["speech"], name, f"{__name__}:{cls}")
    scripts.voices_of.cache_clear()


def test_its_voices_are_offered_after_the_default_ones() -> None:
    names = [voice.name for voice in scripts.voices()]
    assert names[-1] == POLLY.name
    assert ":" not in names[0]


def test_a_voice_finds_its_engine_by_its_name() -> None:
    assert scripts.speech_engine_for(POLLY.name) == "parrot"
    assert scripts.speech_engine_for("coqui:en:ana-florence") == "coqui"
    assert scripts.speech_engine_for("") == scripts.speech_engine_for("unknown:voice") == "hibari"
    scripts.check_voice(POLLY.name, "parrot")
