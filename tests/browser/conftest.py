"""The real thing: web server, worker and renderer as processes on an empty database; and a real browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.steps import STEP_MS, fill_login, published_lesson
from tests.faults.locks import can_write

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGUMENTS = [
    "--no-sandbox",  # CI runs as root, where the sandbox does not start
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SET_UP = """
import django
django.setup()
from django.core.management import call_command
from tests.browser import states
call_command("migrate", verbosity=0)
call_command("load_demo", verbosity=0)
states.fill()
"""
START_SECONDS = 90
STOP_SECONDS = 30


@dataclass(frozen=True)
class Site:
    """A running platform."""

    address: str
    database: Path
    process: subprocess.Popen[bytes]
    log: Path

    def renderer(self) -> psutil.Process | None:
        """The process that renders clips right now."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any("talking_head.renderer.child" in part for part in process.cmdline()):
                    return process
        return None

    def part(self, name: str) -> psutil.Process:
        """The part of `manage.py serve` with this name."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if child.name() == f"lectern-{name}")

    @contextlib.contextmanager
    def rendering_held(self) -> Iterator[None]:
        """Stop everything that renders, so that a video does not get ready before a test has done its steps."""
        work = self.part("workers")
        workers = [work, *work.children(recursive=True)]
        while True:
            for process in workers:
                process.suspend()
            if can_write(self.database):
                break
            _go_on(workers)
        try:
            yield
        finally:
            _go_on(workers)

    def ask(self, question: str) -> list[Any]:
        """Rows of the site's own database, read past the site."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(question).fetchall()


def _go_on(processes: list[psutil.Process]) -> None:
    for process in reversed(processes):
        process.resume()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        words = "No Chromium was found (apt-get install chromium)."
        if os.environ.get("CI"):
            pytest.fail(f"{words} CI does not skip the browser tests.")
        pytest.skip(words)
    return {"executable_path": path, "args": BROWSER_ARGUMENTS}


@pytest.fixture(scope="session")
def site(browser_type_launch_args: dict[str, Any]) -> Iterator[Site]:
    # Not pytest's folder: the sockets in RUN_DIR must have short paths.
    with tempfile.TemporaryDirectory(prefix="lectern-") as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "MEDIA_ROOT": str(folder / "media"),
            "RUN_DIR": str(folder / "run"),
            "SECRET_KEY": "only for this test",
            "DJANGO_SETTINGS_MODULE": "edu_platform.settings",
            "DEBUG": "false",
        }
        subprocess.run([sys.executable, "-c", SET_UP], env=environment, check=True, cwd=settings.BASE_DIR)
        port = _free_port()
        log = folder / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _manage("serve", "--bind", f"127.0.0.1:{port}"),
                env=environment,
                cwd=settings.BASE_DIR,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        site = Site(f"http://127.0.0.1:{port}", folder / "db.sqlite3", process, log)
        try:
            _wait_until_it_answers(site)
            yield site
        finally:
            _stop(process)


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(site: Site) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and site.process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{site.address}/livez", timeout=5).close()
            return
        # Polls another process, which has no way to tell us.
        time.sleep(0.1)
    pytest.fail(f"The site did not start:\n{site.log.read_text(errors='replace')[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    everything = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for pid in everything:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


SignIn = Callable[[str], Any]


@pytest.fixture(scope="session")
def sign_in(site: Site, browser: Browser) -> SignIn:
    """``sign_in(name)``: the cookies of a person who has logged in, once for all tests."""
    states: dict[str, Any] = {}

    def sign_in(name: str) -> Any:
        if name not in states:
            context = browser.new_context(base_url=site.address)
            page = context.new_page()
            fill_login(page, name)
            states[name] = context.storage_state()
            context.close()
        return states[name]

    return sign_in


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(site: Site, browser: Browser, sign_in: SignIn) -> Iterator[OpenPage]:
    """``open_page(name)``: an empty page of a fresh browser where that person is logged in, with no errors in its
    console; a visitor's without a name."""
    contexts = []
    problems: list[str] = []

    def open_page(name: str = "", **options: Any) -> Page:
        state = sign_in(name) if name else None
        context = browser.new_context(base_url=site.address, storage_state=state, **options)
        context.set_default_timeout(STEP_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        page.on("console", lambda said: problems.extend(_problem_in(said)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def _problem_in(said: ConsoleMessage) -> list[str]:
    """The browser also logs every answer with an error status and every lost socket, and some tests ask for those."""
    expected = said.text.startswith(("Failed to load resource", "WebSocket connection to"))
    return [f"{said.location['url']}: {said.text}"] if said.type == "error" and not expected else []


SENTENCES = [f"This is sentence number {number} of the lesson that is watched." for number in range(1, 10)]


@pytest.fixture(scope="session")
def watched(site: Site, browser: Browser, sign_in: SignIn) -> str:
    """The path of a published lesson of two chapters with a square picture, for all tests that watch one."""
    context = browser.new_context(base_url=site.address, storage_state=sign_in("teacher"))
    context.set_default_timeout(STEP_MS)
    text = "# Beginning\n\n" + " ".join(SENTENCES[:5]) + "\n\n# End\n\n" + " ".join(SENTENCES[5:])
    path = published_lesson(context.new_page(), "Watched", text)
    context.close()
    return path
