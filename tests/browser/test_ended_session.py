"""The session ends while a form is open, on its own or by a login in another window: what was typed is not lost, and
after the login its user is back on the page of the form."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.steps import COURSE, fill_login, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

EDITOR = f"{COURSE}lessons/2/edit/"
FORMS = {
    "a lesson is added": (COURSE, "New lesson", "Add lesson"),
    "a student is invited": (COURSE, "Invite a student", "Invite student"),
    "a course is changed": (f"{COURSE}edit/", "Title", "Save"),
    "a course is made": ("/courses/new/", "Title", "Create course"),
    "a portrait is renamed": ("/portraits/1/edit/", "Name", "Save"),
}


def end_session(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")


def log_in_elsewhere(page: Page) -> None:
    """Django makes a new CSRF token at every login."""
    end_session(page)
    other = page.context.new_page()
    fill_login(other, "teacher")
    other.close()


def fill(page: Page, form: str) -> None:
    address, label, _button = FORMS[form]
    page.goto(address)
    page.get_by_label(label).first.fill("Typed before it ended")


def assert_is_back(page: Page, form: str) -> None:
    address, label, _button = FORMS[form]
    note = page.get_by_text("What you typed is here again")
    expect(note).to_be_focused()
    expect(note).to_be_in_viewport()
    assert page.evaluate("location.pathname") == address
    expect(page.get_by_label(label).first).to_have_value("Typed before it ended")


@pytest.mark.parametrize("form", FORMS)
def test_after_the_login_the_form_is_back_with_what_was_typed(open_page: OpenPage, form: str) -> None:
    page = open_page("teacher")
    fill(page, form)
    end_session(page)
    page.get_by_role("button", name=FORMS[form][2]).click()
    fill_login(page, "teacher")
    assert_is_back(page, form)
    assert_accessible(page)
    page.reload()
    expect(page.get_by_text("What you typed is here again")).to_have_count(0)


def test_a_form_that_a_login_elsewhere_made_invalid_is_back_too(open_page: OpenPage) -> None:
    page, form = open_page("teacher"), "a lesson is added"
    fill(page, form)
    log_in_elsewhere(page)
    page.get_by_role("button", name=FORMS[form][2]).click()
    expect(page.get_by_role("heading", name="This form has expired")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Back to the form").click()
    assert_is_back(page, form)


def test_another_person_of_the_same_window_does_not_find_it(open_page: OpenPage) -> None:
    page, form = open_page("teacher"), "a lesson is added"
    fill(page, form)
    end_session(page)
    page.get_by_role("button", name=FORMS[form][2]).click()
    fill_login(page, "cora")
    expect(page.get_by_label("New lesson")).to_have_value("")


def test_the_editor_offers_to_log_in_and_keeps_the_text(open_page: OpenPage) -> None:
    page = open_page("teacher")
    page.goto(EDITOR)
    text, before = page.get_by_label("Text", exact=True), page.get_by_label("Text", exact=True).input_value()
    end_session(page)
    text.fill("Typed after the session ended.")
    expect(page.get_by_text("You have been logged out, so this is not saved.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Log in again").click()
    fill_login(page, "teacher")
    expect(text).to_have_value("Typed after the session ended.")
    expect(page.locator("[data-save-state]")).to_have_text("Saved")
    page.get_by_role("button", name="Undo").click()
    expect(text).to_have_value(before)
    expect(page.locator("[data-save-state]")).to_have_text("Saved")


def test_the_editor_saves_after_a_login_in_another_window(open_page: OpenPage) -> None:
    page = open_page("teacher")
    page.goto(EDITOR)
    text, before = page.get_by_label("Text", exact=True), page.get_by_label("Text", exact=True).input_value()
    log_in_elsewhere(page)
    for words in ("Typed after a login elsewhere.", before):
        text.fill(words)
        expect(page.locator("[data-save-state]")).to_have_text("Saved")
    until(page, "document.querySelector('[data-form-error]').hidden")
