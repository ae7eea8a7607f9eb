"""What people do on the pages in several tests, and what the tests then wait for."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect

from tests.browser.states import PASSWORDS

STEP_MS = 30_000  # for one step of a test on two busy cores
RENDER_MS = 120_000
TEACHER = "teacher"
STUDENT = "student"
COURSE = "/courses/the-moving-sky/"


def fill_login(page: Page, name: str) -> None:
    """Logs in on the page that asks for it, or on the one that a visitor opens."""
    if "login" not in page.url:
        page.goto("/accounts/login/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORDS[name])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "login" not in url)


def write_lesson(page: Page, title: str, text: str, profile: str = "Fast") -> None:
    """The teacher adds a lesson, types its text and picks a profile; it saves by itself."""
    page.goto(COURSE)
    page.get_by_label("New lesson").fill(title)
    page.get_by_role("button", name="Add lesson").click()
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("radio", name="Astronaut").check()
    page.get_by_role("radio", name=profile).check()
    expect(page.locator("[data-save-state]")).to_have_text("Saved")


def wait_for_state(page: Page, *states: str) -> str:
    result = page.locator("[data-result]")
    expect(result).to_have_attribute("data-state", re.compile("|".join(states)), timeout=RENDER_MS)
    return result.get_attribute("data-state") or ""


def until(page: Page, expression: str) -> None:
    """Waits for a JavaScript expression to be true. Playwright's own wait evaluates strings inside the page, which the
    content security policy forbids from the second look on."""
    deadline = time.monotonic() + STEP_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def playing_past(page: Page, seconds: float) -> None:
    until(page, f"(v => !v.paused && v.currentTime > {seconds})(document.querySelector('video'))")


def published_lesson(page: Page, title: str, text: str) -> str:
    """The teacher makes a lesson, waits for its video and publishes it; its path."""
    write_lesson(page, title, text)
    path = re.sub(r"^https?://[^/]+|edit/$", "", page.url)
    page.get_by_role("button", name="Generate video").click()
    assert wait_for_state(page, "completed", "fallback", "failed") == "completed"
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Students can watch it now.")).to_be_visible(timeout=RENDER_MS)
    return path
