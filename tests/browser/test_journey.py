"""From a typed text to a student who watches it, through the real pages, processes and engines."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.access import assert_accessible, assert_fits
from tests.browser.conftest import Site
from tests.browser.steps import RENDER_MS, STEP_MS, STUDENT, TEACHER, playing_past, until, wait_for_state, write_lesson

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
expect.set_options(timeout=STEP_MS)

TEXT = """# Tides

Twice a day the sea rises and falls. The Moon pulls at the water as it travels around us.

# Waves

The wind blows over the open sea and makes the waves.
"""


def test_a_teacher_makes_a_lesson_and_a_student_watches_it(open_page: Any) -> None:
    teacher = open_page(TEACHER)
    write_lesson(teacher, "Tides", TEXT)
    expect(teacher.locator("[data-script-figures]")).to_contain_text("3 sentences")
    assert_accessible(teacher)

    # Generate: the state of every sentence and live pictures, without reloading.
    teacher.get_by_role("button", name="Generate video").click()
    expect(teacher.locator("[data-running]")).to_be_visible()
    assert_accessible(teacher)
    expect(teacher.locator(".sentence")).to_have_count(3)
    expect(teacher.locator("[data-preview]")).to_have_attribute("data-frames", re.compile(r"\d+"), timeout=RENDER_MS)

    # A finished sentence can be watched at once.
    first = teacher.locator(".sentence").first.get_by_role("button")
    expect(first).to_be_enabled(timeout=RENDER_MS)
    first.click()
    playing_past(teacher, 0.1)
    assert re.search(r"/clips/\d+\.mp4$", teacher.locator("video").get_attribute("src") or "")

    # Done: the whole video with captions is on the page.
    assert wait_for_state(teacher, "completed", "fallback", "failed") == "completed"
    back = teacher.get_by_role("button", name="Back to the video")
    if back.is_visible():
        back.click()
    expect(teacher.locator("video")).to_have_attribute("src", re.compile(r"video\.mp4$"))
    until(teacher, "document.querySelector('video').textTracks[0]?.cues?.length > 0")
    assert_accessible(teacher)
    teacher.get_by_role("button", name="Publish").click()
    expect(teacher.get_by_text("Students can watch it now.")).to_be_visible()

    student = open_page(STUDENT, viewport={"width": 390, "height": 844})
    student.goto("/")
    assert_accessible(student)
    student.get_by_role("link", name="The Moving Sky", exact=True).click()
    assert_accessible(student)
    student.get_by_role("link", name=re.compile("Tides")).click()
    assert_accessible(student)
    assert_fits(student)
    expect(student.get_by_text("Synthetic video", exact=True)).to_be_visible()

    # The transcript follows the words, and a click on a word goes there.
    student.get_by_role("button", name="Play", exact=True).click()
    playing_past(student, 0.3)
    expect(student.locator(".word.is-current")).to_have_count(1)
    last_word = student.locator(".word", has_text="waves")
    start_seconds = float(last_word.get_attribute("data-start") or 0)
    assert start_seconds > 3
    last_word.click()
    playing_past(student, start_seconds)
    expect(last_word).to_have_class(re.compile("is-current"))
    expect(student.locator(".chapter[aria-current]")).to_contain_text("Waves")

    # Digits lead to tenths of the video, signs change its speed.
    student.locator("video").press("5")
    until(student, "(v => Math.abs(v.currentTime / v.duration - 0.5) < 0.1)(document.querySelector('video'))")
    student.locator("video").press(">")
    expect(student.get_by_label("Playback speed")).to_have_value("1.25")
    student.locator("video").press("<")
    expect(student.get_by_label("Playback speed")).to_have_value("1")

    # Captions by key; back to the middle and pause: that place is remembered.
    expect(student.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "true")
    student.locator("video").press("c")
    expect(student.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "false")
    student.evaluate("document.querySelector('video').pause()")
    with student.expect_response(lambda answer: '"position":3.5,' in (answer.request.post_data or "")) as saved:
        student.evaluate("document.querySelector('video').currentTime = 3.5")
    assert saved.value.json() == {"position": 3.5, "completed": False}
    student.reload()
    student.get_by_role("button", name="Resume at 0:03").click()
    playing_past(student, 3.5)


def test_a_renderer_killed_in_mid_job_still_ends_with_a_video(site: Site, open_page: Any) -> None:
    page = open_page(TEACHER)
    sentences = [f"This is sentence number {number} of a lesson that goes on and on for a while." for number in "1234"]
    write_lesson(page, "Interrupted", " ".join(sentences))
    page.get_by_role("button", name="Generate video").click()
    expect(page.locator(".sentence[data-state=rendering]").first).to_be_visible(timeout=RENDER_MS)
    renderer = site.renderer()
    assert renderer is not None
    os.kill(renderer.pid, signal.SIGKILL)
    assert wait_for_state(page, "completed", "fallback", "failed") in ("completed", "fallback")
    expect(page.locator("video")).to_have_attribute("src", re.compile(r"video\.mp4$"))
    until(page, "document.querySelector('video').duration > 8")
    outcomes = {outcome for (outcome,) in site.ask("SELECT outcome FROM talking_head_attempt")}
    assert "crashed" in outcomes


def test_where_sockets_do_not_get_through_the_page_asks_for_the_state(open_page: Any) -> None:
    page = open_page(TEACHER)
    page.route_web_socket(re.compile("/ws/jobs/"), lambda socket: socket.close())
    write_lesson(page, "Without sockets", "Only one sentence here.")
    page.get_by_role("button", name="Generate video").click()
    assert wait_for_state(page, "completed", "fallback", "failed") == "completed"
    expect(page.locator("video")).to_have_attribute("src", re.compile(r"video\.mp4$"))


def test_only_the_changed_sentence_is_rendered_again(open_page: Any) -> None:
    page = open_page(TEACHER)
    write_lesson(page, "Edited", "This one stays as it is. That one will be changed.")
    page.get_by_role("button", name="Generate video").click()
    assert wait_for_state(page, "completed", "fallback", "failed") == "completed"
    page.get_by_label("Text", exact=True).fill("This one stays as it is. That one was changed.")
    expect(page.locator("[data-sentence-summary]")).to_have_text("1 sentence new or changed")
    expect(page.locator("[data-outdated]")).to_be_visible()
    page.get_by_role("button", name="Update the video").click()
    expect(page.locator(".sentence").nth(0)).to_have_attribute("data-state", "cached", timeout=RENDER_MS)
    expect(page.locator(".sentence").nth(1)).to_have_attribute("data-state", "done", timeout=RENDER_MS)
    expect(page.locator("[data-outdated]")).to_be_hidden(timeout=RENDER_MS)


def test_a_render_is_cancelled_and_the_page_says_so(site: Site, open_page: Any) -> None:
    page = open_page(TEACHER)
    write_lesson(page, "Cancelled", "This is never heard, because the teacher thinks again.")
    with site.rendering_held():
        page.get_by_role("button", name="Generate video").click()
        page.get_by_role("button", name="Cancel").click()
        assert wait_for_state(page, "completed", "fallback", "failed", "cancelled") == "cancelled"
    expect(page.locator("[data-outcome-message]")).to_have_text("The video was cancelled.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert_accessible(page)
