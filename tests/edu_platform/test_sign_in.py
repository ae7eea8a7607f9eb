"""Guessing passwords and tokens: locked before anything is hashed, for a while, whatever the client claims to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.authtoken.models import Token

from edu_platform import checks
from edu_platform.sign_in import demo_accounts, limits
from talking_head.monitoring.health import readiness
from tests.factories import PASSWORD, make_user

LOGIN, ADMIN_LOGIN = "/accounts/login/", "/admin/login/"
HASHED: list[str] = []


class CountingHasher(MD5PasswordHasher):
    """Notes every password that is hashed."""

    def encode(self, password: str, salt: str) -> str:
        HASHED.append(password)
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def nothing_counted_yet(settings: Settings) -> Iterator[None]:
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


class TestDemoAccounts:
    @pytest.fixture(autouse=True)
    def demo(self, db: None) -> None:
        for _role, name, password in demo_accounts.DEMO_ACCOUNTS:
            User.objects.create_user(name, password=password, is_staff=name == "admin", is_superuser=name == "admin")
        HASHED.clear()

    def test_they_work_on_the_machine_itself(self) -> None:
        for _role, name, password in demo_accounts.DEMO_ACCOUNTS:
            assert log_in(name, password).status_code == 302

    @pytest.mark.parametrize("url", [LOGIN, ADMIN_LOGIN])
    def test_they_do_not_work_where_others_can_reach_the_site(self, settings: Settings, url: str) -> None:
        settings.SITE_IS_LOCAL = False
        response = log_in("admin", "lectern-admin", url)
        assert (response.status_code, HASHED) == (403, [])
        assert "Demo accounts do not work here" in response.content.decode()
        assert not AccessAttempt.objects.exists()

    @pytest.mark.parametrize("extra", [{"REMOTE_ADDR": "192.0.2.4"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}])
    def test_they_do_not_work_for_requests_that_came_from_elsewhere(self, extra: dict[str, str]) -> None:
        assert log_in("admin", "lectern-admin", **extra).status_code == 403

    def test_with_another_password_they_are_accounts_like_all(self, settings: Settings) -> None:
        settings.SITE_IS_LOCAL = False
        admin = User.objects.get(username="admin")
        admin.set_password(PASSWORD)
        admin.save()
        assert log_in("admin", PASSWORD).status_code == 302
        assert demo_accounts.with_published_passwords() == ["teacher", "student"]

    def test_checks_and_probes_say_so(self, settings: Settings) -> None:
        assert checks.check_demo_accounts(None) == []
        assert readiness().warnings == []
        settings.SITE_IS_LOCAL = False
        (problem,) = checks.check_demo_accounts(None)
        assert "teacher, student, admin" in problem.msg
        assert any("Demo accounts" in text for text in readiness().warnings)
        HASHED.clear()
        readiness()
        assert HASHED == []  # probes ask every few seconds

    def test_the_checks_say_nothing_without_a_database(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.db import OperationalError

        def fail(**_values: Any) -> None:
            raise OperationalError

        settings.SITE_IS_LOCAL = False
        monkeypatch.setattr(User.objects, "filter", fail)
        assert checks.check_demo_accounts(None) == []


class TestChecks:
    def test_networks_that_are_none_are_refused(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.0/99"]
        assert [problem.id for problem in checks.check_trusted_proxies(None)] == ["edu_platform.E001"]

    def test_tls_needs_a_proxy(self, settings: Settings) -> None:
        settings.HTTPS, settings.TRUSTED_PROXIES = True, []
        assert [problem.id for problem in checks.check_trusted_proxies(None)] == ["edu_platform.E002"]

    def test_a_database_that_others_can_read_is_reported(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        file = tmp_path / "db.sqlite3"
        file.touch(0o600)
        databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}}
        monkeypatch.setattr(checks, "settings", SimpleNamespace(DATABASES=databases))
        assert checks.check_database_file(None) == []
        file.chmod(0o644)
        assert [problem.id for problem in checks.check_database_file(None)] == ["edu_platform.W002"]


def _alert(response: Any) -> str:
    page = response.content.decode()
    start = page.index('class="alert alert-bad"')
    return page[start : page.index("</form>", start)].split("csrfmiddlewaretoken")[0]
