"""Engines that cost nothing, and people on the staff with exactly the rights a test names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from talking_head.services import scripts
from tests.factories import make_user
from tests.talking_head import fakes


@pytest.fixture(autouse=True)
def quick_engines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    fakes.install(monkeypatch)
    settings.TALKING_HEAD_SPEECH = fakes.FakeSpeech.name
    scripts.voices_of.cache_clear()


@pytest.fixture
def as_admin(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """A client of a member of the staff with exactly these permissions."""

    def make(*permissions: str) -> Client:
        user = make_user(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return make
