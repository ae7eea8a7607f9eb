"""Misconfiguration is said at the start, each with its own number and a hint."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as real_settings
from pytest_django import Settings

from talking_head import checks
from talking_head.checks import (
    check_channel_layer,
    check_database,
    check_engines,
    check_media_folder,
    check_models,
    check_open_files,
    check_queue,
    check_tracing,
)
from talking_head.monitoring import tracing

ALL = (
    check_channel_layer,
    check_database,
    check_engines,
    check_media_folder,
    check_models,
    check_open_files,
    check_queue,
)
SQLITE: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x", "OPTIONS": {"timeout": 20}}


def ids() -> list[str]:
    found = [message for check in ALL for message in check(None)]
    assert all(message.hint or message.id == "talking_head.E004" for message in found)
    return [str(message.id) for message in found]


def test_the_shipped_settings_have_nothing_to_complain_about() -> None:
    assert ids() == []


def test_33_too_few_open_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (64, 64))
    assert ids() == ["talking_head.E008"]


@pytest.mark.parametrize(
    ("changes", "id_"),
    [
        ({"Q_CLUSTER": {**real_settings.Q_CLUSTER, "timeout": 7_200, "retry": 3_600}}, "talking_head.E001"),
        ({"Q_CLUSTER": {**real_settings.Q_CLUSTER, "timeout": None}}, "talking_head.E001"),
        ({"Q_CLUSTER": {**real_settings.Q_CLUSTER, "timeout": 60}}, "talking_head.E002"),
        ({"TALKING_HEAD_FACE": "pupet"}, "talking_head.E003"),
        ({"TALKING_HEAD_SPEECH": "nobody"}, "talking_head.E003"),
        ({"TALKING_HEAD_SLOTS": 0}, "talking_head.E004"),
        ({"CHANNEL_LAYERS": {}}, "talking_head.W002"),
        ({"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}}, "talking_head.W003"),
    ],
)
def test_37_each_mistake_has_its_number(settings: Settings, changes: dict[str, Any], id_: str) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert ids() == [id_]


def test_37_a_media_folder_that_is_a_file_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file"
    assert ids() == ["talking_head.E005"]


def test_37_deferred_transactions_on_sqlite_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(real_settings.DATABASES["default"], "OPTIONS", {"timeout": 20})
    monkeypatch.setitem(real_settings.DATABASES["default"], "ENGINE", SQLITE["ENGINE"])
    assert ids() == ["talking_head.E006"]


def test_traces_that_nobody_could_send_are_warned_of(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_tracing(None) == []
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:4318"
    assert check_tracing(None) == []
    monkeypatch.setattr(tracing, "find_spec", lambda name: None)
    assert [message.id for message in check_tracing(None)] == ["talking_head.W005"]


def test_missing_face_models_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MODEL_PACKAGES", ("no_such_package",))
    assert ids() == ["talking_head.E007"]
