"""The administrators' dashboard and review of failures in a real browser: accessible, fitting, by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from talking_head.admin import dashboard
from talking_head.models import Job, JobState
from talking_head.services import reviews
from tests.browser.access import assert_accessible, assert_fits
from tests.browser.steps import STEP_MS
from tests.factories import PASSWORD, make_user
from tests.talking_head.admin.failures import make_failure

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
FAILURES, JOBS = "/admin/talking_head/failure/", "/admin/talking_head/job/"
DASHBOARD = "/admin/talking_head/job/dashboard/?span=week"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
def failed(admin_user: User) -> list[Job]:
    """Three failures, the newest first; the newest was reviewed and taken back."""
    owner, now = make_user("curie", first_name="Marie", last_name="Curie"), timezone.now()
    titles, codes = ("Gravity", "Light", "Sound"), ("job_timeout", "poisoned", "no_space")
    jobs = [
        make_failure(owner, title=title, code=code, finished_at=now - timedelta(hours=hours))
        for hours, title, code in zip((1, 2, 3), titles, codes, strict=True)
    ]
    Job.objects.filter(pk=jobs[1].pk).update(state=JobState.FALLBACK)
    reviews.act(jobs[0], "review", admin_user, seen=0, reason="The machine was busy.")
    reviews.act(jobs[0], "reopen", admin_user, seen=1)
    dashboard.forget()
    return jobs


@pytest.fixture
def open_admin(live_server: Any, browser: Browser, failed: list[Job]) -> Iterator[Callable[..., Page]]:
    """A page of a fresh browser, logged in as the administrator; nothing may complain in its console."""
    contexts, problems = [], list[str]()

    def open_admin(address: str, **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(STEP_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"/admin/login/?next={address}")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda url: "login" not in url)
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        return page

    yield open_admin
    for context in contexts:
        context.close()
    dashboard.forget()
    assert not problems


@pytest.mark.parametrize(("viewport", "colours"), [(PHONE, "light"), (DESKTOP, "dark"), (PHONE, "dark")])
def test_dashboard_and_failure_are_accessible_and_fit(
    open_admin: Callable[..., Page], failed: list[Job], viewport: dict[str, int], colours: str
) -> None:
    page = open_admin("/admin/", viewport=viewport, color_scheme=colours)
    addresses = [DASHBOARD, *(f"{FAILURES}{job.pk}/change/" for job in failed)]
    for address in addresses:
        page.goto(address)
        assert_accessible(page)
        assert_fits(page)
    page.goto(DASHBOARD)
    for summary in page.locator("figure summary").all():
        summary.click()
    assert_accessible(page)


@pytest.mark.parametrize(("viewport", "colours"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_lists_and_a_jobs_page_are_accessible_and_fit(
    open_admin: Callable[..., Page], failed: list[Job], viewport: dict[str, int], colours: str
) -> None:
    # What axe measures with is inline style, which our policy would refuse and report.
    page = open_admin("/admin/", viewport=viewport, color_scheme=colours, bypass_csp=True)
    for address in ("/admin/", FAILURES, JOBS, f"{JOBS}{failed[0].pk}/change/", "/admin/talking_head/jobaction/"):
        page.goto(address)
        assert_accessible(page, except_for=("label-title-only",))  # Django's search has a picture as its label
        assert_fits(page)


def test_one_works_through_the_failures_with_the_keyboard(open_admin: Callable[..., Page], failed: list[Job]) -> None:
    page = open_admin(f"{FAILURES}{failed[0].pk}/change/")
    title = page.get_by_role("heading", level=1)
    page.keyboard.press("j")
    expect(title).to_contain_text("“Light”")
    page.keyboard.press("j")
    expect(title).to_contain_text("“Sound”")
    page.keyboard.press("k")
    expect(title).to_contain_text("“Light”")
    page.get_by_label("Finished?").fill("just j and k")
    expect(title).to_contain_text("“Light”")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Marked as reviewed.")).to_be_visible()
    expect(title).to_contain_text("“Sound”")
    page.get_by_label("Keys:").uncheck()
    page.keyboard.press("k")
    page.reload()
    expect(title).to_contain_text("“Sound”")
    expect(page.get_by_label("Keys:")).not_to_be_checked()


def test_two_open_pages_do_not_undo_each_other(open_admin: Callable[..., Page], failed: list[Job]) -> None:
    first = open_admin(f"{FAILURES}{failed[2].pk}/change/")
    second = first.context.new_page()
    second.goto(f"{FAILURES}{failed[2].pk}/change/")
    first.get_by_label("Finished?").fill("Freed some space.")
    first.get_by_role("button", name="Mark as reviewed").click()
    expect(first.get_by_text("Marked as reviewed.")).to_be_visible()
    second.get_by_role("button", name="Retry", exact=True).click()
    expect(second.get_by_text("admin did this: marked as reviewed.")).to_be_visible()
    expect(second.get_by_text("Freed some space.")).to_be_visible()
    assert Job.objects.count() == len(failed)


def test_several_are_reviewed_with_one_reason(open_admin: Callable[..., Page]) -> None:
    page = open_admin(FAILURES)
    page.get_by_label("Select all objects on this page for an action").check()
    page.get_by_label("Action:").select_option("review_selected")
    page.get_by_role("button", name="Go").click()
    assert_accessible(page)
    page.get_by_label("Say briefly").fill("All of one bad night.")
    page.get_by_role("button", name="Mark as reviewed").click()
    expect(page.get_by_text("3 of 3 jobs marked as reviewed.")).to_be_visible()
    expect(page.get_by_text("0 failures")).to_be_visible()
