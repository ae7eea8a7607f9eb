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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGUMENTS = [
    "--no-sandbox",  # CI runs as root, where the sandbox does not start
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 90
STOP_SECONDS = 30
STEP_MS = 30_000  # for one step of a test on two busy cores
RENDER_MS = 120_000


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

    def ask(self, question: str) -> list[Any]:
        """Rows of the site's own database, read past the site."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(question).fetchall()


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
            "DEBUG": "false",
        }
        for command in (("migrate", "-v0"), ("load_demo", "-v0")):
            subprocess.run(_manage(*command), env=environment, check=True, cwd=settings.BASE_DIR)
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


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Any]:
    """``open_page(username, password)``: a page of a fresh browser, logged in, with no errors in its console."""
    contexts = []
    problems: list[str] = []

    def open_page(username: str = "", password: str = "", **options: Any) -> Page:
        context = browser.new_context(base_url=site.address, **options)
        context.set_default_timeout(STEP_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        page.on("console", lambda said: problems.extend(_problem_in(said)))
        if username:
            page.goto("/accounts/login/")
            page.get_by_label("User name").fill(username)
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url(lambda url: "login" not in url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


def _problem_in(said: ConsoleMessage) -> list[str]:
    """The browser also logs every answer with an error status and every lost socket, and some tests ask for those."""
    expected = said.text.startswith(("Failed to load resource", "WebSocket connection to"))
    return [f"{said.location['url']}: {said.text}"] if said.type == "error" and not expected else []


def assert_accessible(page: Page, *, except_for: tuple[str, ...] = ()) -> None:
    """No violation of any of axe's rules on the page as it is now, except for the rules named."""
    violations = [rule for rule in Axe().run(page).response["violations"] if rule["id"] not in except_for]
    found = [f"{rule['id']}: {node['html'][:200]}" for rule in violations for node in rule["nodes"]]
    assert not found, f"{page.url}\n" + "\n".join(found)


def assert_fits(page: Page) -> None:
    """Nothing sticks out to the right of the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"


# The element with the focus if something hides it; "" when it is in sight, null on the page itself. A frame later:
# where motion is reduced, transitions last that long.
FOCUS_IN_SIGHT = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const transitions = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  await Promise.allSettled(transitions.map((transition) => transition.finished));
  const element = document.activeElement;
  if (element === document.body) return null;
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const x = (Math.max(left, 0) + Math.min(right, document.documentElement.clientWidth)) / 2;
  const [from, to] = [Math.max(top, 0), Math.min(bottom, innerHeight)];
  const ys = from < to ? [0.1, 0.5, 0.9].map((part) => from + part * (to - from)) : [];
  const isSeen = ys.some((y) => {
    const hit = document.elementFromPoint(x, y);
    return hit && (element.contains(hit) || hit.contains(element) || hit.closest('label')?.control === element);
  });
  return isSeen ? '' : element.outerHTML.slice(0, 120);
}"""
MOST_STOPS = 150


def assert_focus_stays_in_sight(page: Page, key: str = "Tab") -> None:
    """Wherever the key leads, through the whole page, what has the focus is in the window and nothing covers it."""
    page.evaluate("document.activeElement?.blur?.()")
    stops: list[str | None] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        hidden = page.evaluate(FOCUS_IN_SIGHT)
        if hidden is None and stops:
            break
        stops.append(hidden)
    assert len(stops) > 2, f"{page.url}: the keyboard reaches nothing"
    hidden_stops = [element for element in stops if element]
    assert not hidden_stops, f"{page.url}: {key}: " + "\n".join(hidden_stops)
