"""A channel layer of the test's own, so that no running server hears it, and a job that is watched."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from channels.layers import channel_layers
from django.contrib.auth.models import User
from pytest_django import Settings

from talking_head.live.consumers import JobSocket
from talking_head.live.unix_layer import UnixSocketChannelLayer
from talking_head.models import Job, JobState
from tests.talking_head.rows import make_job


@pytest.fixture
def run_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="layer-") as folder:  # pytest's own folders are too long for a socket
        yield Path(folder) / "run"


@pytest.fixture
def live(settings: Settings, run_dir: Path) -> Iterator[UnixSocketChannelLayer]:
    """The layer that consumers and ``progress`` use during the test."""
    backend = "talking_head.live.unix_layer.UnixSocketChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"run_dir": str(run_dir)}}}
    layer = channel_layers["default"]
    yield layer
    layer.close_now()


@pytest.fixture
def job(teacher: User) -> Job:
    return make_job(teacher, state=JobState.RUNNING, seq=5)


@pytest.fixture
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds in earnest takes none."""
    monkeypatch.setattr(JobSocket, "poll_every_seconds", 0.01)
    monkeypatch.setattr(JobSocket, "check_rights_every_seconds", 0.0)
    monkeypatch.setattr(JobSocket, "between_updates_seconds", 0.0)
    monkeypatch.setattr(JobSocket, "between_previews_seconds", 0.0)
