"""docs/deploy.md's section on one server, in a folder of its own: the environment file as systemd reads it, the wrapper
around manage.py, the units, PostgreSQL, and nginx in front of the web unit's command."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType

import environ
import pytest

from tests.scale_out.servers import Nginx, Postgres, free_port
from tests.scale_out.test_deploy_files import UNITS, unit
from tests.talking_head.jobs.site import ROOT, wait_for

pytestmark = pytest.mark.xdist_group("servers")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
SECTION = DEPLOY[DEPLOY.index("## One server") : DEPLOY.index("## Many machines")]
WRAPPER = ROOT / "deploy" / "lectern-manage"


@pytest.fixture(scope="module")
def wrapper() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("lectern_manage", str(WRAPPER))
    spec = importlib.util.spec_from_loader("lectern_manage", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def environment_block() -> str:
    found = re.search(r"```\n(# .*?SECRET_KEY=.*?)```", SECTION, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=b  # a comment", "b  # a comment"),
        ("  A = b  ", "b"),
        ('A="b c "', "b c "),
        ("A='$b'", "$b"),
        ("A=$b", "$b"),
        ("A=b\\\nc", "bc"),
        ("# comment\n; comment\nA=", ""),
    ],
)
def test_environment_files_are_read_as_systemd_reads_them(wrapper: ModuleType, line: str, value: str) -> None:
    assert wrapper.read_environment_file(line) == {"A": value}


def test_the_environment_file_of_the_document_has_no_comment_in_a_value(wrapper: ModuleType) -> None:
    values = wrapper.read_environment_file(environment_block())
    assert {"SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "METRICS_TOKEN"} <= values.keys()
    assert not [value for value in values.values() if "#" in value or value != value.strip()]
    assert environ.Env.db_url_config(values["DATABASE_URL"])["NAME"] == "lectern"
    example = wrapper.read_environment_file((ROOT / "deploy" / "env.example").read_text())
    assert not [value for value in example.values() if "#" in value]


def test_the_units_share_their_user_and_folders_with_the_wrapper() -> None:
    for name in ("User", "WorkingDirectory", "EnvironmentFile", "Environment"):
        assert len({unit(path)[name] for path in UNITS}) == 1, name


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for path in (*UNITS, ROOT / "deploy" / "systemd" / "lectern.target"):
        text = path.read_text().replace("/opt/lectern/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text)
    names = [str(path) for path in sorted(tmp_path.glob("lectern*"))]
    done = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    problems = [line for line in done.stderr.splitlines() if "lectern" in line]
    assert (done.returncode, problems) == (0, []), done.stderr


class Server:
    """The section's steps, with its paths below a folder."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        postgres.execute("DROP DATABASE IF EXISTS lectern")
        postgres.execute("CREATE DATABASE lectern")
        self.port = free_port()
        self.folder = folder
        text = environment_block().replace("postgres:///lectern", postgres.url("lectern")).replace("...", "s3cret" * 8)
        (folder / "env").write_text(text)
        user = unit(UNITS[0])["User"]
        self.unit = folder / "lectern-web.service"
        changed = (ROOT / "deploy" / "systemd" / self.unit.name).read_text()
        for old, new in {
            f"User={user}": "User=root",
            "/etc/lectern/env": str(folder / "env"),
            "/opt/lectern/.venv/bin/python": sys.executable,
            "/opt/lectern": str(ROOT),
            "/var/lib/lectern": str(folder / "var"),
            "/run/lectern": str(folder / "run"),
            "-p 8000": f"-p {self.port}",
        }.items():
            changed = changed.replace(old, new)
        self.unit.write_text(changed)
        self.web: subprocess.Popen[bytes] | None = None

    def manage(self, *words: str, **variables: str) -> str:
        """``lectern-manage`` from a folder of an administrator's, who has none of the site's variables."""
        clean = {"PATH": os.environ["PATH"], "LECTERN_UNIT": str(self.unit), **variables}
        command = [sys.executable, str(WRAPPER), *words]
        done = subprocess.run(command, cwd="/", env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_web(self, wrapper: ModuleType) -> None:
        values = wrapper.unit_values(self.unit)
        folders = dict(word.split("=", 1) for word in values["Environment"].split())
        settings = wrapper.read_environment_file(Path(values["EnvironmentFile"]).read_text())
        with (self.folder / "log.txt").open("wb") as log:
            self.web = subprocess.Popen(
                shlex.split(values["ExecStart"]), cwd=values["WorkingDirectory"], stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], **folders, **settings},
            )  # fmt: skip
        wait_for(lambda: _get(self.port, "/livez")[0] == 200, "the web process")

    def end(self) -> None:
        if self.web is not None:
            self.web.kill()
            self.web.wait()


@pytest.fixture
def server(tmp_path: Path, postgres: Postgres) -> Iterator[Server]:
    for name in ("var/media", "var/checkpoints", "run"):
        (tmp_path / name).mkdir(parents=True, mode=0o700)
    server = Server(tmp_path, postgres)
    yield server
    server.end()
    postgres.execute("DROP DATABASE lectern WITH (FORCE)")


def _get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": "lectern.example.org"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def test_after_the_steps_of_the_document_a_site_answers_and_has_an_administrator(
    server: Server, wrapper: ModuleType
) -> None:
    steps = re.findall(r"^lectern-manage (\w+)", SECTION, re.MULTILINE)
    assert steps == ["migrate", "createsuperuser"]
    server.manage("migrate")
    server.manage(
        "createsuperuser", "--noinput", "--username", "admin", "--email", "a@example.org",
        DJANGO_SUPERUSER_PASSWORD="correct horse battery",
    )  # fmt: skip
    shown = server.manage(
        "shell", "-v", "0", "-c",
        "from django.conf import settings; from django.contrib.auth.models import Group, User;"
        "print(settings.MEDIA_ROOT, User.objects.get().username, *Group.objects.values_list('name', flat=True))",
    )  # fmt: skip
    assert shown.split()[:2] == [str(server.folder / "var" / "media"), "admin"]
    assert "Teachers" in shown.split()
    server.start_web(wrapper)
    nginx = Nginx(server.port, server.folder / "var" / "media")
    try:
        test = subprocess.run([*nginx.command(), "-t"], cwd=nginx.folder, capture_output=True, text=True, check=False)
        assert test.returncode == 0, test.stderr
        nginx.start()
        status, body = _get(nginx.port, "/readyz")
        assert status == 200, body
        status, page = _get(nginx.port, "/accounts/login/")
        assert status == 200
        assert "Log in" in page
    finally:
        nginx.end()


def test_the_proxy_answers_for_every_host_name_and_the_document_removes_the_welcome_page() -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    assert "listen 80 default_server;" in text
    assert "server_name _;" in text
    assert "rm -f /etc/nginx/sites-enabled/default" in SECTION
    assert "systemctl reload nginx" in SECTION
    assert "**Teachers**" in SECTION
