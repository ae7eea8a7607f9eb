"""Case 36: the web process is killed while pages watch a video in the making."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.steps import RENDER_MS, TEACHER, until, wait_for_state, write_lesson

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = 4
SENTENCES = 3
# When each socket of a page was asked for, opened and closed, in its own clock.
RECORD_SOCKETS = """
window.socketTimes = [];
const Original = window.WebSocket;
window.WebSocket = class extends Original {
  constructor(...words) {
    super(...words);
    const times = { asked: performance.now(), opened: null, closed: null };
    window.socketTimes.push(times);
    this.addEventListener("open", () => { times.opened = performance.now(); });
    this.addEventListener("close", () => { times.closed = performance.now(); });
  }
};
"""
FIRST_PAUSE = "socketTimes[1].asked - socketTimes[0].closed"


def test_36_pages_come_back_one_by_one_when_the_web_process_was_killed(site: Site, open_page: Any) -> None:
    pages = [open_page(TEACHER) for _ in range(PAGES)]
    for page in pages:
        page.add_init_script(RECORD_SOCKETS)
    sentences = [f"This is sentence number {number} of a lesson." for number in range(1, SENTENCES + 1)]
    write_lesson(pages[0], "Restarted", " ".join(sentences))
    with site.rendering_held():
        pages[0].get_by_role("button", name="Generate video").click()
        expect(pages[0].locator("[data-running]")).to_be_visible()
        for page in pages[1:]:
            page.goto(pages[0].url)
        for page in pages:
            until(page, "socketTimes.length === 1 && socketTimes[0].opened !== null")
            expect(page.locator("[data-running]")).to_be_visible()
        site.part("web").kill()

    pauses_ms = []
    for page in pages:
        until(page, "socketTimes.length > 1")
        pauses_ms.append(page.evaluate(FIRST_PAUSE))
    assert all(pause > 480 for pause in pauses_ms), pauses_ms  # as job_channel.js says; browsers' clocks are coarse
    assert len({round(pause / 10) for pause in pauses_ms}) > 1, f"all at once: {pauses_ms}"
    for page in pages:
        assert wait_for_state(page, "completed", "fallback", "failed") == "completed"
        expect(page.locator("video")).to_have_attribute("src", re.compile(r"\.mp4$"), timeout=RENDER_MS)
        expect(page.locator(".sentence[data-state=done]")).to_have_count(SENTENCES)
