"""Teachers around portraits, and clients that are logged in as them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from avatars.models import Portrait
from avatars.services import portraits as services
from tests.factories import make_user

LogIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def colleague(db: None) -> User:
    return make_user("colleague", teacher=True)


@pytest.fixture
def log_in() -> LogIn:
    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def portrait(teacher: User, portrait_png: Path) -> Portrait:
    return services.add_portrait(teacher, "Eileen", portrait_png.read_bytes(), consent_given_by="Eileen Collins")


@pytest.fixture
def shared_portrait(teacher: User, portrait: Portrait) -> Portrait:
    return services.change_portrait(portrait, name=portrait.name, is_shared=True)
