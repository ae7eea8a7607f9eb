"""Where a login leads after a form was refused because the session had ended."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

FORM = "/courses/any-course/students/add/"  # answers 405 to GET
ADMIN_FORM = "/admin/auth/user/"


def login_after(address: str, referrer: str | None) -> tuple[str, list[str]]:
    """The page that asks to log in, and where it leads."""
    headers: dict[str, Any] = {} if referrer is None else {"HTTP_REFERER": referrer}
    answer = Client().post(address, {"username": "anna"}, **headers)
    assert answer.status_code == 302
    location = urlsplit(answer["Location"])
    return location.path, parse_qs(location.query).get("next", [])


@pytest.mark.parametrize(("address", "login"), [(FORM, "login"), (ADMIN_FORM, "admin:login")])
def test_it_leads_to_the_page_of_the_form(db: None, address: str, login: str) -> None:
    page = "http://testserver/courses/any-course/?moved=2&direction=up#students"
    assert login_after(address, page) == (reverse(login), ["/courses/any-course/?moved=2&direction=up"])


@pytest.mark.parametrize(
    "referrer", [None, "", "https://elsewhere.example/courses/", "//elsewhere.example/", "javascript:alert(1)"]
)
def test_it_leads_to_no_other_site_and_to_no_address_of_a_form(db: None, referrer: str | None) -> None:
    assert login_after(FORM, referrer) == (reverse("login"), [])


def test_a_page_that_was_only_opened_is_where_it_leads(db: None) -> None:
    answer = Client().get("/courses/any-course/")
    assert answer["Location"] == f"{reverse('login')}?next=/courses/any-course/"
