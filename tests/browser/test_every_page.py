"""Every page for every kind of person: no violation that axe finds, nothing that sticks out, in both colour schemes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import assert_accessible, assert_fits, assert_focus_stays_in_sight

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ADDRESSES = {
    "teacher": (
        "/courses/",
        "/courses/new/",
        "/courses/the-moving-sky/",
        "/courses/the-moving-sky/edit/",
        "/courses/the-moving-sky/lessons/1/edit/",
        "/courses/the-moving-sky/lessons/2/",
        "/portraits/",
        "/portraits/new/",
        "/portraits/1/edit/",
        "/voices/",
    ),
    "student": ("/", "/courses/", "/courses/the-moving-sky/", "/courses/nowhere/", "/portraits/"),
    "": ("/accounts/login/",),
}
SMALLEST = {"width": 320, "height": 640}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.mark.parametrize("who", ADDRESSES)
@pytest.mark.parametrize(("viewport", "colours"), [(SMALLEST, "light"), (DESKTOP, "dark")], ids=["phone", "desktop"])
def test_pages_are_accessible_and_fit(open_page: Any, who: str, viewport: dict[str, int], colours: str) -> None:
    page: Page = open_page(who, viewport=viewport, color_scheme=colours)
    for address in ADDRESSES[who]:
        page.goto(address)
        assert_accessible(page)
        assert_fits(page)


@pytest.mark.parametrize("who", [who for who in ADDRESSES if who])  # a visitor's only page puts the focus into its form
@pytest.mark.parametrize("viewport", [SMALLEST, PHONE, DESKTOP], ids=["smallest", "phone", "desktop"])
def test_the_focus_is_never_hidden(open_page: Any, who: str, viewport: dict[str, int]) -> None:
    page: Page = open_page(who, viewport=viewport, reduced_motion="reduce")
    for address in ADDRESSES[who]:
        page.goto(address)
        assert_fits(page)
        assert_focus_stays_in_sight(page)


def test_the_keyboard_reaches_the_content_and_the_chosen_colours_stay(open_page: Any) -> None:
    page: Page = open_page("student", color_scheme="light")
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("button", name="Dark theme").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_javascript_a_lesson_is_written_and_saved(open_page: Any) -> None:
    with_script: Page = open_page("teacher")
    cookies: Any = with_script.context.cookies()
    page: Page = open_page(java_script_enabled=False)
    page.context.add_cookies(cookies)
    page.goto("/courses/the-moving-sky/lessons/2/edit/")
    page.get_by_label("Text", exact=True).fill("Saved by a plain form.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Saved by a plain form.")


def test_typing_saves_itself_and_can_be_undone(open_page: Any) -> None:
    page: Page = open_page("teacher")
    page.goto("/courses/the-moving-sky/lessons/2/edit/")
    text, state = page.get_by_label("Text", exact=True), page.locator("[data-save-state]")
    before = text.input_value()
    text.fill("Something else entirely.")
    expect(state).to_have_text("Not saved yet")
    expect(state).to_have_text("Saved")
    page.get_by_role("button", name="Undo").click()
    expect(text).to_have_value(before)
    expect(state).to_have_text("Saved")
    page.reload()
    expect(text).to_have_value(before)
    page.get_by_label("Text", exact=True).fill("Typed in two windows.")
    expect(state).to_have_text("Saved")


def test_two_windows_do_not_overwrite_each_other(open_page: Any) -> None:
    first: Page = open_page("teacher")
    second: Page = first.context.new_page()
    for page in (first, second):
        page.goto("/courses/the-moving-sky/lessons/2/edit/")
    first.get_by_label("Text", exact=True).fill("From the first window.")
    expect(first.locator("[data-save-state]")).to_have_text("Saved")
    second.get_by_label("Text", exact=True).fill("From the second window.")
    expect(second.get_by_text("This lesson was changed in another window.")).to_be_visible()
    first.reload()
    expect(first.get_by_label("Text", exact=True)).to_have_value("From the first window.")
    # Leaving the page that could not save asks first.
    second.once("dialog", lambda dialog: dialog.accept())
    second.goto("/courses/")
