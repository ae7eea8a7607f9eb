"""Accounts with published passwords work on the machine itself only; checks and probes say so."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import OperationalError
from pytest_django import Settings

from edu_platform import checks
from edu_platform.sign_in import demo_accounts
from talking_head.monitoring.health import readiness
from tests.edu_platform.test_sign_in import (  # noqa: F401 - the fixture is used by all
    ADMIN_LOGIN,
    HASHED,
    LOGIN,
    log_in,
    nothing_counted_yet,
)
from tests.factories import PASSWORD


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
