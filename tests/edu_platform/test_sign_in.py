"""Guessing passwords and tokens: locked before anything is hashed, for a while, under any name it claims."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.authtoken.models import Token

from edu_platform.sign_in import backends, limits
from tests.factories import PASSWORD, make_user

LOGIN, ADMIN_LOGIN = "/accounts/login/", "/admin/login/"
HASHED: list[str] = []


class CountingHasher(MD5PasswordHasher):
    """Notes every password that is hashed."""

    def encode(self, password: str, salt: str) -> str:
        HASHED.append(password)
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def nothing_counted_yet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # No window of the limits ends in the middle of a test, however long it takes.
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_000_000_200.0))
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    cache.clear()
    HASHED.clear()
    yield
    cache.clear()


def log_in(username: str, password: str, url: str = LOGIN, **extra: Any) -> Any:
    return Client().post(url, {"username": username, "password": password}, **extra)


class TestWrongPasswords:
    @pytest.mark.parametrize("url", [LOGIN, ADMIN_LOGIN])
    def test_46_an_account_is_locked_whatever_address_the_client_claims(self, admin_user: User, url: str) -> None:
        for number in range(20):
            forged = {"HTTP_X_FORWARDED_FOR": f"203.0.113.{number}", "HTTP_USER_AGENT": f"guesser {number}"}
            response = log_in("admin", f"guess {number}", url, **forged)
        assert response.status_code == 429
        assert 0 < int(response["Retry-After"]) <= 15 * 60
        HASHED.clear()
        right = log_in("admin", PASSWORD, url, HTTP_X_FORWARDED_FOR="198.51.100.7")
        assert (right.status_code, HASHED) == (429, [])
        assert "sessionid" not in right.cookies

    def test_46_a_locked_page_says_how_long_and_what_to_do(self, teacher: User) -> None:
        for _ in range(10):
            response = log_in("teacher", "wrong")
        assert response.status_code == 429
        page = response.content.decode()
        assert "Please wait 15 minutes" in page
        assert "administrator of your school" in page
        answer = log_in("teacher", "wrong", HTTP_ACCEPT="application/json")
        assert answer.status_code == 429
        assert set(json.loads(answer.content)) == {"code", "message", "hint"}

    def test_trying_on_does_not_prolong_the_lock(self, teacher: User) -> None:
        for _ in range(10):
            log_in("teacher", "wrong")
        before = AccessAttempt.objects.get()
        log_in("teacher", "wrong")
        after = AccessAttempt.objects.get()
        assert (before.attempt_time, before.failures_since_start) == (after.attempt_time, after.failures_since_start)

    def test_another_address_of_the_same_account_and_other_accounts_still_get_in(
        self, teacher: User, student: User
    ) -> None:
        for _ in range(12):
            log_in("teacher", "wrong", REMOTE_ADDR="203.0.113.9")
        assert log_in("teacher", PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 302
        assert log_in("student", PASSWORD, REMOTE_ADDR="203.0.113.9").status_code == 302

    def test_an_administrator_unlocks(self, teacher: User) -> None:
        for _ in range(10):
            log_in("teacher", "wrong")
        call_command("axes_reset_username", "teacher", verbosity=0)
        assert log_in("teacher", PASSWORD).status_code == 302

    def test_an_administrator_unlocks_on_the_admin_pages(self, teacher: User, admin_user: User) -> None:
        for _ in range(10):
            log_in("teacher", "wrong")
        client = Client()
        client.force_login(admin_user)
        row = AccessAttempt.objects.get()
        client.post(reverse("admin:axes_accessattempt_delete", args=[row.pk]), {"post": "yes"})
        assert log_in("teacher", PASSWORD).status_code == 302

    def test_a_success_forgets_the_failures(self, teacher: User) -> None:
        for _ in range(3):
            for _ in range(9):
                log_in("teacher", "wrong")
            assert log_in("teacher", PASSWORD).status_code == 302

    def test_unknown_accounts_are_answered_like_known_ones(self, teacher: User) -> None:
        known, unknown = (log_in(name, "wrong") for name in ("teacher", "nobody-here"))
        assert known.status_code == unknown.status_code == 200
        assert _alert(known) == _alert(unknown)
        HASHED.clear()
        log_in("teacher", "wrong")
        of_known = len(HASHED)
        HASHED.clear()
        log_in("nobody-here", "wrong")
        assert len(HASHED) == of_known
        for name in ("teacher", "nobody-here"):
            for _ in range(10):
                last = log_in(name, "wrong")
            assert last.status_code == 429


@pytest.mark.django_db(transaction=True)
class TestParallelGuesses:
    """Thirty at once must neither take all cores nor all pass before the first has failed."""

    def test_46_one_core_is_left_to_the_pages(
        self, teacher: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.AXES_ENABLED = False  # the tests' database cannot wait for another thread that writes
        turns = CountedTurns()
        monkeypatch.setattr(backends, "_hashing", turns)
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(guess, range(8)))
        assert (answers, turns.most_at_once) == ([200] * 8, max(1, (os.cpu_count() or 2) - 1))

    def test_46_who_waited_while_the_account_was_locked_is_refused(
        self, teacher: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        guess(0)
        HASHED.clear()
        turns = CountedTurns()
        monkeypatch.setattr(backends, "_hashing", turns)
        while turns.acquire(blocking=False):
            pass
        turns.is_waited_for.clear()
        with ThreadPoolExecutor(1) as client:
            answer = client.submit(guess, 1)
            assert turns.is_waited_for.wait(30)
            AccessAttempt.objects.update(failures_since_start=10)
            turns.release()
            assert answer.result() == 429
        assert HASHED == []

    def test_46_who_would_wait_too_long_is_asked_to_come_back(
        self, teacher: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backends, "_hashing", threading.BoundedSemaphore(1))
        monkeypatch.setattr(backends, "LONGEST_TURN_SECONDS", 0.0)
        backends._hashing.acquire()
        HASHED.clear()
        response = log_in("teacher", PASSWORD)
        assert (response.status_code, response["Retry-After"], HASHED) == (429, "10", [])
        backends._hashing.release()
        assert log_in("teacher", PASSWORD).status_code == 302


class CountedTurns(threading.Semaphore):
    """The turns of the backend, which can tell how many were taken at once and whether a client waits for one."""

    def __init__(self) -> None:
        self.size = max(1, (os.cpu_count() or 2) - 1)
        super().__init__(self.size)
        self.most_at_once = 0
        self.is_waited_for = threading.Event()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        self.is_waited_for.set()
        is_taken = super().acquire(blocking, timeout)
        self.most_at_once = max(self.most_at_once, self.size - self._value)
        return is_taken


def guess(_number: int) -> int:
    try:
        return int(log_in("teacher", "wrong").status_code)
    finally:
        connection.close()


class TestManyAccountsOrAddresses:
    def test_one_address_cannot_try_account_after_account(self, db: None) -> None:
        for number in range(limits.LOGINS_OF_ADDRESS.attempts):
            assert log_in(f"user{number}", "wrong").status_code == 200
        HASHED.clear()
        response = log_in("another", "wrong")
        assert (response.status_code, HASHED) == (429, [])
        assert int(response["Retry-After"]) > 0
        assert not AccessAttempt.objects.filter(username="another").exists()

    def test_many_addresses_cannot_try_one_account(self, teacher: User) -> None:
        for number in range(limits.LOGINS_OF_USER.attempts):
            log_in("teacher", "wrong", REMOTE_ADDR=f"10.0.{number}.1")
        HASHED.clear()
        assert log_in("teacher", PASSWORD, REMOTE_ADDR="192.0.2.77").status_code == 429
        assert HASHED == []

    def test_an_ipv6_network_is_one_address(self, teacher: User) -> None:
        for number in range(10):
            response = log_in("teacher", "wrong", REMOTE_ADDR=f"2001:db8::{number + 1:x}")
        assert response.status_code == 429

    def test_a_class_that_logs_in_is_not_counted(self, db: None) -> None:
        pupils = [make_user() for _ in range(limits.LOGINS_OF_ADDRESS.attempts + 5)]
        assert {log_in(pupil.username, PASSWORD).status_code for pupil in pupils} == {302}


class TestTrustedProxies:
    @pytest.fixture(autouse=True)
    def behind_a_proxy(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = ["127.0.0.1", "10.0.0.0/8"]

    def test_the_address_that_a_trusted_proxy_names_is_locked(self, teacher: User) -> None:
        for _ in range(10):
            response = log_in("teacher", "wrong", HTTP_X_FORWARDED_FOR="203.0.113.5")
        assert response.status_code == 429
        assert AccessAttempt.objects.get().ip_address == "203.0.113.5"
        assert log_in("teacher", PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.6").status_code == 302

    def test_what_the_client_wrote_before_the_proxy_does_not_count(self, teacher: User) -> None:
        for number in range(10):
            chain = f"198.51.100.{number}, 203.0.113.5, 10.0.0.2"
            response = log_in("teacher", "wrong", HTTP_X_FORWARDED_FOR=chain)
        assert response.status_code == 429
        assert AccessAttempt.objects.get().ip_address == "203.0.113.5"


class TestTokens:
    def test_guesses_are_refused_before_the_database_is_asked(
        self, teacher: User, django_assert_num_queries: Any
    ) -> None:
        client = Client()
        for number in range(limits.TOKENS_OF_ADDRESS.attempts):
            assert client.get("/api/jobs/", HTTP_AUTHORIZATION=f"Token {number:040d}").status_code == 401
        with django_assert_num_queries(0):
            response = client.get("/api/jobs/", HTTP_AUTHORIZATION="Token guess")
        assert (response.status_code, response.json()["code"]) == (429, "throttled")
        assert int(response["Retry-After"]) > 0

    def test_guesses_at_files_and_at_the_api_are_counted_together(self, teacher: User) -> None:
        client = Client()
        for number in range(limits.TOKENS_OF_ADDRESS.attempts):
            client.get("/api/jobs/", HTTP_AUTHORIZATION=f"Token {number:040d}")
        url = "/media/jobs/00000000-0000-4000-8000-000000000000/video.mp4"
        assert client.get(url, HTTP_AUTHORIZATION="Token guess").status_code == 429

    def test_guesses_at_the_metrics_are_limited(self, db: None, settings: Settings) -> None:
        settings.METRICS_TOKEN = "right"
        client = Client()
        for _ in range(limits.TOKENS_OF_ADDRESS.attempts):
            assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer wrong").status_code == 401
        response = client.get("/metrics", HTTP_AUTHORIZATION="Bearer right")
        assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True)

    def test_a_right_token_is_never_counted(self, teacher: User) -> None:
        token, client = Token.objects.create(user=teacher), Client()
        for _ in range(limits.TOKENS_OF_ADDRESS.attempts + 1):
            assert client.get("/api/jobs/", HTTP_AUTHORIZATION=f"Token {token.key}").status_code == 200


def _alert(response: Any) -> str:
    page = response.content.decode()
    start = page.index('class="alert alert-bad"')
    return page[start : page.index("</form>", start)].split("csrfmiddlewaretoken")[0]
