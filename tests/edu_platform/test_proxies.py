"""Whose word counts on where a request comes from, and that plain HTTP leads to TLS."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from pytest_django import Settings

from edu_platform import private_files
from edu_platform.proxies import client_in_chain, forwarded_headers, is_loopback, networks

TRUSTED = networks(("10.0.0.0/8", "::1", "fd00::/8"))


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5, 10.1.2.3, fd00::2", "203.0.113.5"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("203.0.113.5, nonsense, 10.1.2.3", "10.1.2.3"),
        ("nonsense", ""),
        ("", ""),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("[2001:db8::7]", "2001:db8::7"),
        (", ,", ""),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(chain: str, client: str) -> None:
    assert client_in_chain(chain, TRUSTED) == client


def seen(settings: Settings, **meta: str) -> dict[str, Any]:
    """What later middleware sees of a request."""
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = HttpRequest()
    request.META = dict(meta)
    forwarded_headers(lambda request: HttpResponse())(request)
    return request.META


HEADERS = {
    "HTTP_X_FORWARDED_FOR": "203.0.113.5",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_FORWARDED": "for=203.0.113.5",
}


def test_strangers_forward_nothing(settings: Settings) -> None:
    found = seen(settings, REMOTE_ADDR="192.0.2.1", **HEADERS)
    assert not HEADERS.keys() & found.keys()
    assert (found["REMOTE_ADDR"], found["lectern.was_forwarded"]) == ("192.0.2.1", True)


def test_a_trusted_proxy_names_client_and_scheme_but_no_host(settings: Settings) -> None:
    found = seen(settings, REMOTE_ADDR="10.0.0.2", **HEADERS)
    assert HEADERS.keys() & found.keys() == {"HTTP_X_FORWARDED_PROTO"}
    assert found["REMOTE_ADDR"] == "203.0.113.5"


def test_a_request_without_an_address_is_nobody_to_trust(settings: Settings) -> None:
    assert "REMOTE_ADDR" not in seen(settings, **HEADERS)


@pytest.mark.parametrize(
    ("host", "answer"),
    [("localhost", True), ("127.9.9.9", True), ("[::1]", True), ("0.0.0.0", False), ("x.example", False), ("*", False)],
)
def test_what_is_this_machine(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


class TestTls:
    @pytest.fixture(autouse=True)
    def https(self, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        settings.SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def test_plain_http_is_redirected(self) -> None:
        response = Client().get("/accounts/login/?next=/courses/")
        assert response.status_code == 301
        assert response["Location"] == "https://testserver/accounts/login/?next=/courses/"

    def test_probes_are_not(self, db: None) -> None:
        assert [Client().get(url).status_code for url in ("/livez", "/readyz")] == [200, 200]

    def test_only_a_trusted_proxy_says_that_it_was_tls(self, settings: Settings, db: None) -> None:
        claim = {"HTTP_X_FORWARDED_PROTO": "https"}
        assert Client().get("/accounts/login/", **claim).status_code == 301  # type: ignore[arg-type]
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        assert Client().get("/accounts/login/", **claim).status_code == 200  # type: ignore[arg-type]

    async def test_the_same_under_asgi(self, settings: Settings) -> None:
        claim = {"x-forwarded-proto": "https"}
        assert (await AsyncClient().get("/livez", headers=claim)).status_code == 200
        assert (await AsyncClient().get("/accounts/login/", headers=claim)).status_code == 301


def environment_of(**variables: str) -> str:
    """What the settings make of environment variables, in a process of their own."""
    code = (
        "import django; from django.conf import settings as s;"
        "print(s.TRUSTED_PROXIES, s.SITE_IS_LOCAL, getattr(s, 'SECURE_SSL_REDIRECT', False))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "edu_platform.settings", **variables}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=site_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "[] True False"),
        ({"HTTPS": "1"}, "['127.0.0.1', '::1'] False True"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8"}, "['10.0.0.0/8'] False False"),
        ({"ALLOWED_HOSTS": "lectern.example,localhost"}, "[] False False"),
        ({"BIND_HOST": "0.0.0.0"}, "[] False False"),
    ],
)
def test_what_the_environment_says(variables: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert environment_of(DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3", **variables) == expected


class TestDatabaseFile:
    def test_it_is_its_owners_alone_with_all_that_sqlite_puts_beside_it(self, tmp_path: Path) -> None:
        code = (
            "import django; django.setup(); from django.db import connection;"
            "c = connection.cursor(); c.execute('CREATE TABLE t (x)'); c.execute('INSERT INTO t VALUES (1)');"
            "import pathlib; files = pathlib.Path('.').glob('db.sqlite3*');"
            "print(sorted(oct(file.stat().st_mode & 0o777) for file in files))"
        )
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "edu_platform.settings",
            "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
            "PYTHONPATH": str(site_settings.BASE_DIR),
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "['0o600', '0o600', '0o600']"

    def test_the_mode_of_an_existing_one_is_kept(self, tmp_path: Path) -> None:
        file = tmp_path / "db.sqlite3"
        file.write_bytes(b"rows")
        file.chmod(0o640)
        private_files.make_private(str(file))
        assert (file.stat().st_mode & 0o777, file.read_bytes()) == (0o640, b"rows")

    @pytest.mark.parametrize("name", ["", ":memory:", "file:memory?mode=memory", "/nowhere/at/all/db.sqlite3"])
    def test_what_is_no_file_is_left_alone(self, name: str) -> None:
        private_files.make_private(name)
        assert not private_files.is_shared(name)
