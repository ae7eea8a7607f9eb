"""The lesson editor by keyboard, screen reader, zoom and phone. No sentence is rendered: the page's server and socket
answer what the test says."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.access import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
EDITOR = "/courses/the-moving-sky/lessons/1/edit/"
PHONE = {"width": 390, "height": 844}
JOB: dict[str, Any] = {
    "id": "6d0c1f4e-5f0c-4b7e-9d0e-2b1f0c9d8e7a",
    "seq": 1,
    "state": "running",
    "stage": "frames",
    "profile": "balanced",
    "clips_done": 0,
    "clips_total": 2,
    "seconds_left": 10,
    "error": None,
    "video": None,
    "clips": [
        {"index": index, "text": f"Sentence {index}.", "state": "waiting", "is_fallback": False, "cached": False,
         "url": None, "error": None, "notices": []}
        for index in range(2)
    ],
}  # fmt: skip


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(data, "JPEG")
    return data.getvalue()


@pytest.fixture
def rendering(open_page: Any) -> Callable[..., tuple[Page, list[WebSocketRoute]]]:
    """An editor whose *Generate* is answered with ``JOB``, and the sockets that it then opens."""

    def start(**options: Any) -> tuple[Page, list[WebSocketRoute]]:
        page: Page = open_page("teacher", **options)
        sockets: list[WebSocketRoute] = []
        page.route_web_socket("**/ws/jobs/**", lambda socket: sockets.append(socket))

        def answer(route: Route) -> None:
            if route.request.method != "POST":
                route.continue_()
            elif 'name="action"\r\n\r\ngenerate' in (route.request.post_data or ""):
                route.fulfill(json={"version": 1, "job": JOB})
            else:
                route.fulfill(json={"cancelled": True, "version": 1, "job": None, "forecast": None})

        page.route("**/lessons/1/**", answer)
        page.goto(EDITOR)
        return page, sockets

    return start


def tell(socket: WebSocketRoute, **changes: Any) -> None:
    socket.send(json.dumps({"type": "snapshot", "job": {**JOB, **changes}}))


def test_the_focus_survives_generate_cancel_and_the_end_of_the_history(rendering: Any) -> None:
    page, sockets = rendering()
    page.get_by_label("Text", exact=True).press_sequentially("x")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_have_attribute("aria-disabled", "false")
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_have_attribute("aria-disabled", "true")
    expect(undo).to_be_focused()
    generate = page.locator("[data-generate]")
    generate.focus()
    page.keyboard.press("Enter")
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    expect(generate).to_be_focused()
    cancel.focus()
    page.keyboard.press("Enter")
    tell(sockets[0], seq=2, state="cancelled")
    expect(cancel).to_be_hidden()
    expect(generate).to_be_focused()
    assert page.locator(".sentences").get_by_text("Rendering").count() == 0


def test_a_job_that_failed_says_nothing_of_still_pictures(rendering: Any) -> None:
    page, sockets = rendering()
    page.locator("[data-generate]").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    clips = [{**clip, "state": "failed", "is_fallback": True} for clip in JOB["clips"]]
    error = {"code": "no_space", "message": "The server’s disk is full.", "hint": "Tell an administrator."}
    tell(sockets[0], seq=2, state="failed", clips=clips, error=error)
    outcome = page.locator("[data-outcome-message]")
    expect(outcome).to_have_text("The server’s disk is full.")


def test_the_start_a_lost_connection_and_the_end_are_said(rendering: Any) -> None:
    page, sockets = rendering()
    said = page.locator("[data-announce]")
    page.locator("[data-generate]").click()
    expect(said).to_have_text("The video is being made: 2 sentences.")
    tell(sockets[0], seq=2, clips_done=1)
    tell(sockets[0], seq=3, state="cancelled", clips_done=1)
    expect(said).to_have_text("Cancelled.")
    expect(page.locator("[data-forecast]")).to_have_attribute("aria-live", "off")


def test_the_preview_can_be_paused_and_starts_paused_where_motion_is_unwelcome(rendering: Any) -> None:
    page, sockets = rendering(reduced_motion="reduce")
    page.locator("[data-generate]").click()
    canvas = page.locator("[data-preview]")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    sockets[0].send(picture())
    expect(canvas).to_have_attribute("data-frames", "1")
    sockets[0].send(picture())
    tell(sockets[0], seq=2, clips_done=1)
    expect(page.locator("[data-count]")).to_contain_text("1 of 2")
    expect(canvas).to_have_attribute("data-frames", "1")
    page.get_by_role("button", name="Play the preview").click()
    sockets[0].send(picture())
    expect(canvas).to_have_attribute("data-frames", "2")
    expect(page.get_by_role("button", name="Pause the preview")).to_be_visible()
    assert_accessible(page)


def test_on_a_phone_generate_and_the_video_are_at_hand(open_page: Any) -> None:
    page: Page = open_page("teacher", viewport=PHONE)
    page.goto(EDITOR)
    expect(page.locator("[data-generate]")).to_be_in_viewport()
    for fold in page.locator("[data-fold]").all():
        expect(fold).not_to_have_attribute("open", "")
        expect(fold.locator("[data-fold-chosen]")).not_to_be_empty()
    page.get_by_role("link", name="Video", exact=True).click()
    expect(page.locator("[data-stage]")).to_be_in_viewport()
    page.get_by_text("Video quality").first.click()
    page.get_by_role("radio", name="Fast").check()
    assert_accessible(page)
    assert_fits(page)


def test_the_bar_hides_no_focused_control_at_double_size(open_page: Any) -> None:
    page: Page = open_page("teacher", viewport={"width": 640, "height": 512})  # 1280 at 200 %
    page.goto(EDITOR)
    page.locator("#id_script").focus()
    hidden = """() => {
      const focused = document.activeElement, bar = document.querySelector(".action-bar");
      if (!focused || focused === document.body || bar.contains(focused) || focused.id === "id_script") return "";
      const at = focused.getBoundingClientRect();
      return at.height && at.top > bar.getBoundingClientRect().top && at.bottom < bar.getBoundingClientRect().bottom
        ? focused.outerHTML.slice(0, 120) : "";
    }"""
    for _ in range(14):
        page.keyboard.press("Tab")
        assert page.evaluate(hidden) == ""
