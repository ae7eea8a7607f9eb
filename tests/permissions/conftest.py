"""The school that every test of permissions visits; nothing here renders."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from rest_framework.throttling import SimpleRateThrottle

from avatars.models import Portrait
from avatars.services import portraits
from talking_head.diagnostics import background
from talking_head.files import uploads
from tests.permissions.people import School, open_school
from tests.talking_head import fakes


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let voices need no model, pages decode no picture and start no diagnosis, and everyone ask without a limit."""
    fakes.install(monkeypatch)
    settings.TALKING_HEAD_SPEECH = fakes.FakeSpeech.name
    settings.TALKING_HEAD_FACE = fakes.FakeFace.name
    settings.METRICS_TOKEN = ""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    monkeypatch.setattr(background, "start", lambda *, measure: None)
    monkeypatch.setattr(portraits, "thumbnail", _stored_picture)
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda self, request, view: True)


def _stored_picture(portrait: Portrait, *, max_side_px: int) -> bytes:
    return uploads.fetch(uploads.UploadKind.PORTRAIT, portrait.digest).read_bytes()


@pytest.fixture
def school(db: None, media_root: Path) -> Iterator[School]:
    logging.disable()  # thousands of refusals, many with a traceback that takes longer than the request
    yield open_school()
    logging.disable(logging.NOTSET)
