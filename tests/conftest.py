"""Fixtures shared by all tests: the people, a media folder of their own, a real portrait."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.factories import make_user
from tests.object_store import bucket_name, network, object_store  # noqa: F401 - fixtures
from tests.pictures import ASTRONAUT

# Playwright's synchronous API keeps an event loop running in the test's thread; the ORM would refuse to work there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# A shell starts what it runs in the background with Ctrl-C ignored, and everything below inherits that; the tests of
# interruptions need it as it is at a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def media_root(settings: Settings, tmp_path: Path) -> Path:
    """No test ever writes into the real media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def plain_static_names(settings: Settings, tmp_path: Path) -> None:
    """Pages name static files as their sources are called, whether or not this machine has a build of them."""
    settings.STATIC_ROOT = tmp_path / "static"


@pytest.fixture(autouse=True)
def no_presenters(settings: Settings) -> None:
    """The portraits of a test are those that it makes; tests/avatars/test_presenters.py is about the others."""
    settings.STOCK_PRESENTERS = False


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Slow hashes are for attackers; here every person would cost a third of a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def teacher(db: None) -> User:
    return make_user("teacher", teacher=True)


@pytest.fixture
def student(db: None) -> User:
    return make_user("student")


@pytest.fixture
def outsider(db: None) -> User:
    """A user with an account and no business here."""
    return make_user("outsider")


@pytest.fixture
def admin_user(db: None) -> User:
    return make_user("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def portrait_png() -> Path:
    return ASTRONAUT
