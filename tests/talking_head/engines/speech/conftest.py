"""The real voice, loaded once: it takes a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from talking_head.engines.base import EngineSettings
from talking_head.engines.speech.hibari import HibariSpeech


@pytest.fixture(scope="session")
def hibari() -> HibariSpeech:
    return HibariSpeech(EngineSettings(checkpoints_dir=Path("checkpoints")))
