"""The web server of a site, and a teacher who talks to its API."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from uuid import UUID

from tests.scale_out.servers import free_port
from tests.talking_head.jobs.site import ROOT, Site, wait_for

MAKE_TEACHER = """
import sys
from django.conf import settings
from django.test import Client
from rest_framework.authtoken.models import Token
from tests.factories import make_user
user, browser = make_user(sys.argv[1], teacher=True), Client()
browser.force_login(user)
print(Token.objects.create(user=user).key, browser.cookies[settings.SESSION_COOKIE_NAME].value)
"""
REQUEST_SECONDS = 60.0
FIRST_TEACHER = "tina"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """``with Web(site) as web:`` the server runs and answers; ``prefix`` is for commands such as ``prlimit``."""

    def __init__(self, site: Site, prefix: tuple[str, ...] = ()) -> None:
        self.site = site
        self.port = free_port()
        self.prefix = prefix
        self.process: subprocess.Popen[bytes] | None = None
        self.tokens: dict[str, str] = {}
        self.sessions: dict[str, str] = {}

    def __enter__(self) -> Web:
        self.add_teacher(FIRST_TEACHER)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        words = [
            *self.prefix,
            sys.executable,
            "-m",
            "edu_platform.web",
            "-v",
            "0",
            "-b",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        with (self.site.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                words,
                cwd=ROOT, env=self.site.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.site.started.append(self.process)
        wait_for(self._listens, "the web server")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def add_teacher(self, name: str) -> None:
        self.tokens[name], self.sessions[name] = self.site.python(MAKE_TEACHER, name).split()

    def get(self, path: str, teacher: str = FIRST_TEACHER) -> Answer:
        return self._ask("GET", path, None, self._headers(teacher))

    def get_page(self, path: str, teacher: str = FIRST_TEACHER) -> Answer:
        """As their browser asks for it."""
        return self._ask("GET", path, None, self.cookie(teacher))

    def cookie(self, teacher: str) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.sessions[teacher]}"}

    def post_job(self, script: str, key: str = "", teacher: str = FIRST_TEACHER) -> Answer:
        headers = self._headers(teacher) | ({"Idempotency-Key": key} if key else {})
        body = {"script": script, "face": "still", "profile": "fast"}
        return self._ask("POST", "/api/jobs/", json.dumps(body).encode(), headers)

    def retry(self, job: UUID, teacher: str = FIRST_TEACHER) -> Answer:
        return self._ask("POST", f"/api/jobs/{job}/retry", b"{}", self._headers(teacher))

    def _headers(self, teacher: str) -> dict[str, str]:
        return {"Authorization": f"Token {self.tokens[teacher]}", "Content-Type": "application/json"}

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
