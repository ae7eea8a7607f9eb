"""Clients of the API, engines that are quick, and counters that start at nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from talking_head.services import scripts
from tests.talking_head import fakes


@pytest.fixture(autouse=True)
def no_requests_counted_yet() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def quick_engines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    fakes.install(monkeypatch)
    settings.TALKING_HEAD_SPEECH = fakes.FakeSpeech.name
    settings.TALKING_HEAD_FACE = fakes.FakeFace.name
    scripts.voices_of.cache_clear()


@pytest.fixture
def as_teacher(teacher: User) -> Client:
    return _client(teacher)


@pytest.fixture
def as_student(student: User) -> Client:
    return _client(student)


@pytest.fixture
def as_outsider(outsider: User) -> Client:
    return _client(outsider)


@pytest.fixture
def as_admin(admin_user: User) -> Client:
    return _client(admin_user)


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
