"""A renderer with engines that are quick and exact, and a real portrait in front of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from talking_head.engines.base import EngineSettings
from talking_head.pipeline.cache.store import ContentCache
from talking_head.pipeline.render_clip import ClipRenderer
from talking_head.pipeline.requests import ClipRequest
from tests.talking_head import fakes


@pytest.fixture
def fake_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch)


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache")


@pytest.fixture
def engine_settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(checkpoints_dir=tmp_path / "checkpoints")


@pytest.fixture
def renderer(cache: ContentCache, engine_settings: EngineSettings, fake_engines: None) -> ClipRenderer:
    return ClipRenderer(cache, engine_settings)


@pytest.fixture
def clip_request(portrait_png: Path) -> ClipRequest:
    text = "The leaf is green."
    return ClipRequest(
        text=text,
        spoken=text,
        portrait_path=str(portrait_png),
        portrait_digest=hashlib.sha256(portrait_png.read_bytes()).hexdigest(),
        profile="fast",
        speech="fakespeech",
        face="fakeface",
    )
