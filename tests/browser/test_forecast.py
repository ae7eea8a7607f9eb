"""The forecast as a teacher meets it: a line beside the button, reasons in words, and a question before a long wait."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.browser.access import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

EDITOR = "/courses/the-moving-sky/lessons/1/edit/"
LONG = {
    "profile": "balanced",
    "profile_reason": "Not quality: it needs a GPU or 4 processor cores.",
    "face": "puppet",
    "face_reason": "The engine sadtalker cannot be used here: its checkpoints are missing.",
    "start_seconds": 2_000.0,
    "ready_seconds": 2_400.0,
    "jobs_ahead": 3,
    "is_long": True,
    "refusal": "",
    "words": "Ready in about 40 minutes. 3 videos are ahead of yours.",
}


def answer_with(page: Page, forecast: dict[str, Any]) -> None:
    def answer(route: Route) -> None:
        route.fulfill(json={"forecast": forecast})

    page.route("**/forecast/", answer)


@pytest.mark.parametrize(("width", "colours"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")])
def test_a_long_wait_is_said_and_asked_about_before_anything_is_queued(
    open_page: Any, width: int, colours: str
) -> None:
    page: Page = open_page("teacher", viewport={"width": width, "height": 800}, color_scheme=colours)
    answer_with(page, LONG)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if request.method == "POST" else None)
    page.goto(EDITOR)
    expect(page.get_by_text("Ready in about 40 minutes. 3 videos are ahead of yours.").first).to_be_visible()
    expect(page.get_by_text("Not quality: it needs a GPU")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.locator("[data-generate]").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 videos are ahead of yours")
    assert_accessible(page)
    assert_fits(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("[data-generate]").click()
    dialog.get_by_role("button", name="Not now").click()
    expect(dialog).to_be_hidden()
    assert not [body for body in asked if 'name="action"' in body and "generate" in body], "it was queued unasked"


def test_a_full_queue_says_so_beside_the_button(open_page: Any) -> None:
    page: Page = open_page("teacher")
    refusal = "The queue is full; a new video would start in about 2 hours."
    answer_with(page, {**LONG, "refusal": refusal})
    page.goto(EDITOR)
    expect(page.get_by_text(refusal)).to_be_visible()


def _is_about_auto(response: Response) -> bool:
    return "/forecast/" in response.url and "auto" in (response.request.post_data or "")


def test_the_real_forecast_follows_the_choice_of_profile(open_page: Any) -> None:
    page: Page = open_page("teacher")
    page.goto(EDITOR)
    with page.expect_response(_is_about_auto) as answered:
        page.get_by_role("radio", name="Automatic").check()
    assert answered.value.json()["forecast"]["profile_reason"]
    expect(page.locator("[data-forecast-choice]")).to_contain_text("Automatic profile: ")
