"""A channel layer of the test's own, so that no running server hears it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from channels.layers import channel_layers
from pytest_django import Settings

from talking_head.live.unix_layer import UnixSocketChannelLayer


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
