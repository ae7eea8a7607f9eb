"""Every page for every kind of person: no violation that axe finds, nothing that sticks out, in both colour schemes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLResolver, get_resolver
from playwright.sync_api import Browser, Page, expect

from tests.browser.access import (
    assert_accessible,
    assert_every_focus_is_in_sight,
    assert_fits,
    assert_focus_stays_in_sight,
    show_as,
)
from tests.browser.conftest import OpenPage, SignIn, Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Whose pages, and which of them: cora and the administrator also have pages that are the teacher's in every way.
PEOPLE = {
    "teacher": ".*",
    "student": ".*",
    "cora": r"^/(courses/([\w-]+/)?)?$",
    "admin": r"^/(admin/.*)?$",
    "": ".*",
}
SMALLEST = {"width": 320, "height": 640}
PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 640, "height": 450}  # 1280 x 900 at 200 %
DESKTOP = {"width": 1280, "height": 800}
# Pages of these are other pages with another button, or have a test of their own (tests/browser/test_admin_pages.py).
ALIKE = re.compile(r"^/admin/.*(/history/|/delete/|/password/|/add/)$|^/admin/(auth|axes|authtoken)/")


@pytest.fixture(scope="module")
def pages_of(site: Site, browser: Browser, sign_in: SignIn) -> Iterator[Callable[[str], list[str]]]:
    """``pages_of(name)``: the path of every page that a person may open, one for each lesson and portrait."""
    contexts = []

    def pages_of(name: str) -> list[str]:
        context = browser.new_context(base_url=site.address, storage_state=sign_in(name) if name else None)
        contexts.append(context)
        answers = {path: context.request.get(path, max_redirects=0) for path in addresses(site)}
        return [
            path
            for path, answer in answers.items()
            if answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html")
        ]

    yield pages_of
    for context in contexts:
        context.close()


def addresses(site: Site) -> list[str]:
    """Every address of the URL table that is complete, or gets complete with what is in the database."""
    lessons = [str(pk) for (pk,) in site.ask("SELECT id FROM lessons_lesson WHERE deleted_at IS NULL ORDER BY id")]
    (job,) = site.ask("SELECT id FROM talking_head_job LIMIT 1")[0]
    ids = {"portraits/": ["1"], "lessons/": lessons, "job/": [job], "failure/": [job]}
    found = []
    for template, names in _url_table():
        if template.startswith("admin/") and not set(names) <= {"object_id"}:
            continue
        values = next((values for part, values in ids.items() if part in template), ["1"])
        for value in values if names and names != ["slug"] else [""]:
            path = template % {name: "the-moving-sky" if name == "slug" else value for name in names}
            found.append(f"/{path}")
    return [path for path in dict.fromkeys(found) if not ALIKE.search(path)]


def _url_table() -> list[tuple[str, list[str]]]:
    """Each address with ``%(name)s`` for its arguments, and their names."""
    site = get_resolver()
    prefix, admin = site.namespace_dict["admin"]
    return [*_named(site), *((prefix + template, names) for template, names in _named(admin))]


def _named(resolver: URLResolver) -> Iterator[tuple[str, list[str]]]:
    for name in resolver.reverse_dict:
        if isinstance(name, str):
            for possibilities, *_ in resolver.reverse_dict.getlist(name):
                yield from possibilities


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who or "visitor")
def test_every_page_is_accessible_and_fits_and_hides_no_focus(
    open_page: OpenPage, pages_of: Callable[[str], list[str]], who: str
) -> None:
    paths = [path for path in pages_of(who) if re.search(PEOPLE[who], path)]
    assert paths
    page = open_page(who, reduced_motion="reduce", bypass_csp=True)  # axe measures with inline style in the admin
    for path in paths:
        show_as(page, SMALLEST, "light")
        page.goto(path)
        if path.startswith("/admin/"):
            assert_fits(page)
            continue
        assert_accessible(page)
        for viewport in (SMALLEST, PHONE, ZOOMED, DESKTOP):
            show_as(page, viewport, "dark")
            assert_fits(page)
            assert_every_focus_is_in_sight(page)
        assert_accessible(page)


@pytest.mark.parametrize(("who", "path"), [("teacher", "/courses/the-moving-sky/"), ("", "/accounts/login/")])
def test_the_tab_key_goes_through_a_whole_page_and_out(open_page: OpenPage, who: str, path: str) -> None:
    page = open_page(who, viewport=SMALLEST, reduced_motion="reduce")
    page.goto(path)
    assert_focus_stays_in_sight(page)


def test_the_keyboard_reaches_the_content_and_the_chosen_colours_stay(open_page: OpenPage) -> None:
    page: Page = open_page("student", color_scheme="light")
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("button", name="Dark theme").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_javascript_a_lesson_is_written_and_saved(open_page: OpenPage) -> None:
    with_script: Page = open_page("teacher")
    cookies: Any = with_script.context.cookies()
    page: Page = open_page(java_script_enabled=False)
    page.context.add_cookies(cookies)
    page.goto("/courses/the-moving-sky/lessons/2/edit/")
    page.get_by_label("Text", exact=True).fill("Saved by a plain form.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Saved by a plain form.")


def test_typing_saves_itself_and_can_be_undone(open_page: OpenPage) -> None:
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


def test_two_windows_do_not_overwrite_each_other(open_page: OpenPage) -> None:
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
