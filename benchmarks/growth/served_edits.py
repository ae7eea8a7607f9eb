"""One sentence of a lesson edited, through the served site: from *Generate* until the editor has the new video.

``manage.py serve`` runs as on any site, with the puppet. A client does what the editor does: it posts the form with the
id of the job that it shows, opens the socket from the state that the answer has, and puts the messages together. The
lesson has a hundred different sentences at most, repeated, because rendering a thousand would take longer than all
edits; a job has a clip for each sentence all the same.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from websockets.sync.client import connect
from websockets.typing import Origin

from benchmarks.growth.databases import ROOT
from benchmarks.growth.edits import MOST_SENTENCES, short_sentences
from benchmarks.growth.figures import Figure
from tests.talking_head.live.client import after_edit, with_changes

DIFFERENT_SENTENCES = 100
EDITS = 5
START_SECONDS = 120.0
ENDED = ("completed", "fallback", "failed", "cancelled")
Json = dict[str, Any]


def measure(scale: int) -> Iterator[Figure]:
    """Measure edits of a lesson of 20 sentences times ``scale``, 1,000 at most."""
    count = min(20 * scale, MOST_SENTENCES)
    different = short_sentences(min(count, DIFFERENT_SENTENCES))
    editor = Editor([different[number % len(different)] for number in range(count)])
    with _served() as (port, server):
        editor.port = port
        editor.generate()
        seconds, cpu_seconds, sizes = [], [], []
        for number in range(EDITS):
            started, cpu_started = time.perf_counter(), _cpu_seconds(server)
            editor.texts[count // 2] = f"This sentence was changed for the {number + 1}th time."
            editor.generate()
            seconds.append(time.perf_counter() - started)
            cpu_seconds.append(_cpu_seconds(server) - cpu_started)
            sizes.append(editor.bytes_received)
    size_bytes = sorted(sizes)[len(sizes) // 2]
    yield Figure("one sentence edited, served", count, "sentences", tuple(seconds), "wall", bytes=size_bytes)
    yield Figure("one sentence edited, served, all processes", count, "sentences", tuple(cpu_seconds), "cpu")


class Editor:
    """A teacher's open editor: the lesson, the session, and the job that it shows."""

    def __init__(self, texts: list[str]) -> None:
        from django.conf import settings
        from django.contrib.auth.models import User
        from django.test import Client

        from avatars.services import portraits
        from lessons.models import Course, Lesson

        teacher = User.objects.create_superuser("teacher", password="unused in the benchmark")
        picture = (settings.BASE_DIR / "edu_platform/demo/astronaut.png").read_bytes()
        portrait = portraits.add_portrait(teacher, "Astronaut", picture, consent_given_by="NASA")
        course = Course.objects.create(teacher=teacher, title="Growth", slug="growth")
        lesson = Lesson.objects.create(course=course, title="Long", portrait=portrait, profile="fast")
        client = Client()
        client.force_login(teacher)
        self.address = f"/courses/{course.slug}/lessons/{lesson.pk}/edit/"
        client.get(self.address)
        self.cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self.token = client.cookies["csrftoken"].value
        self.portrait_id, self.version, self.texts = portrait.pk, lesson.version, texts
        self.port, self.bytes_received = 0, 0
        self.job: Json | None = None

    def generate(self) -> None:
        """Save the text, generate the video, and return when the page would show it."""
        self.bytes_received = 0
        answer = self._post()
        self.version, told = answer["version"], answer["job"]
        edited = after_edit(self.job, told) if told.get("type") == "edit" and self.job else told
        assert edited is not None
        self.job = self._follow(edited)
        if self.job["state"] != "completed":
            raise SystemExit(f"The video was not completed: {self.job['error']}")

    def _post(self) -> Json:
        values = {
            "title": "Long", "script": " ".join(self.texts), "voice": "", "speed": "1.0", "profile": "fast",
            "portrait": str(self.portrait_id), "version": str(self.version), "action": "generate",
            "known_job": self.job["id"] if self.job else "",
        }  # fmt: skip
        headers = {
            "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": self.cookies, "X-CSRFToken": self.token,
        }  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        connection.request("POST", self.address, urlencode(values), headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise SystemExit(f"The editor answered {response.status}: {body[:500]!r}")
        self.bytes_received += len(body)
        answer: Json = json.loads(body)
        return answer

    def _follow(self, job: Json) -> Json:
        address = f"ws://127.0.0.1:{self.port}/ws/jobs/{job['id']}/?since={job['seq']}"
        origin = Origin(f"http://127.0.0.1:{self.port}")
        with connect(address, additional_headers={"Cookie": self.cookies}, origin=origin, proxy=None) as messages:
            for message in messages:
                if isinstance(message, bytes):  # a preview
                    continue
                self.bytes_received += len(message.encode())
                told = json.loads(message)
                if told["type"] == "changes":
                    job = with_changes(job, told) or job
                if job["state"] in ENDED and (job["video"] or job["state"] not in ENDED[:2]):
                    break
        return job


@contextmanager
def _served() -> Iterator[tuple[int, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = Path(os.environ["MEDIA_ROOT"]).with_name("serve.log")
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}"]
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait_until_it_answers(port, log)
        yield port, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=START_SECONDS)


def _wait_until_it_answers(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"The site did not start.\n{log.read_text(errors='replace')[-2_000:]}")


def _cpu_seconds(server: psutil.Process) -> float:
    """Return the processor seconds of a process and all that it started, so far."""
    total = 0.0
    for process in (server, *server.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
