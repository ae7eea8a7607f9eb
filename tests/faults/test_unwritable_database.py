"""Case 65: a database that can be read and not written. Pages and API answer 503 and keep what was typed."""

from __future__ import annotations

import re
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from edu_platform.unavailable import is_unavailable
from lessons.models import Course
from tests.factories import PASSWORD, make_course, make_lesson, make_user
from tests.faults.web import FIRST_TEACHER, Web
from tests.lessons.test_editor import values
from tests.talking_head.jobs.site import Site

SCRIPT = "Plants eat light.\n\n<b>They</b> turn it into sugar & oxygen."
PAGE_BYTES = 4_096
FAULTS = ("read-only", "disk full")


@contextmanager
def unwritable(how: str) -> Iterator[None]:
    """SQLite itself reports what it does for a read-only file and for a full disk."""
    with connection.cursor() as cursor:
        if how == "read-only":
            cursor.execute("PRAGMA query_only = 1")
        else:
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        yield
        cursor.execute("PRAGMA query_only = 0")
        cursor.execute("PRAGMA max_page_count = 1073741823")


@pytest.fixture
def client_of_tina(transactional_db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user("tina", teacher=True))
    return client


@pytest.fixture
def course(client_of_tina: Client) -> Course:
    return make_course(User.objects.get(username="tina"))


def posts(course: Course) -> dict[str, dict[str, Any]]:
    """Forms of the site with what a teacher would type."""
    lesson = make_lesson(course)
    edit = f"{lesson.get_absolute_url()}edit/"
    long = "A rather long summary of this course. " * 400
    return {
        reverse("course_create"): {"title": "Botany for beginners", "description": long},
        reverse("course_edit", args=[course.slug]): {"title": "Botany for all", "description": long},
        reverse("lesson_create", args=[course.slug]): {"title": "A new lesson"},
        edit: {**values(lesson, title="Leaves and light", script=SCRIPT + long), "action": "save"},
    }


@pytest.mark.parametrize("how", FAULTS)
def test_65_every_form_answers_503_and_shows_the_typed_text_again(
    how: str, client_of_tina: Client, course: Course
) -> None:
    for url, fields in posts(course).items():
        with unwritable(how):
            response = client_of_tina.post(url, fields)
        if how == "disk full" and response.status_code == 302:
            assert len(str(fields)) < PAGE_BYTES, "there was room left in the last page"
            continue
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10"), url
        html = response.content.decode()
        assert f'action="{url}"' in html
        for name, value in fields.items():
            written = re.search(rf'name="{name}"[^>]*?(?: value="([^"]*)"|>\n(.*?)</textarea>)', html, re.DOTALL)
            assert written, name
            assert unescape(written[1] or written[2] or "") == str(value)
        assert "nonce" not in html and "style=" not in html


def test_65_the_page_that_comes_back_can_be_sent_again(client_of_tina: Client, course: Course) -> None:
    url, fields = reverse("course_create"), {"title": "Botany for beginners", "description": "What grows, and why."}
    with unwritable("read-only"):
        html = client_of_tina.post(url, fields).content.decode()
    again = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', html)}
    assert client_of_tina.post(url, again).status_code == 302
    assert Course.objects.get(title=fields["title"]).description == fields["description"]


def test_65_passwords_are_not_shown_again(client_of_tina: Client) -> None:
    client_of_tina.logout()
    with unwritable("read-only"):
        response = client_of_tina.post(reverse("login"), {"username": "tina", "password": PASSWORD})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert PASSWORD not in response.content.decode()


def test_65_programs_are_told_as_json(client_of_tina: Client, course: Course) -> None:
    with unwritable("read-only"):
        api = client_of_tina.post("/api/courses/", {"title": "T"}, content_type="application/json")
        script = client_of_tina.post(reverse("course_create"), {"title": "T"}, headers={"Accept": "application/json"})
    for response in (api, script):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10"), response.content
        assert set(response.json()) == {"code", "message", "hint"}


@pytest.mark.parametrize("how", FAULTS[:1])
def test_65_readiness_writes(how: str, client_of_tina: Client) -> None:
    assert client_of_tina.get("/readyz").json()["checks"]["database"] == "ok"
    with unwritable(how):
        response = client_of_tina.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "cannot be written"
    assert client_of_tina.get("/readyz").json()["checks"]["database"] == "ok"


def test_65_other_errors_remain_errors_of_the_site(db: None) -> None:
    assert not is_unavailable(ValueError("locked"))
    with pytest.raises(Exception, match="no such table") as caught, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM missing_table")
    assert not is_unavailable(caught.value)


@pytest.mark.faults
def test_27_65_pages_of_a_running_site_keep_what_was_typed(site: Site) -> None:
    """A lock that outlasts every patience."""
    with Web(site) as web, closing(sqlite3.connect(site.database, isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        token = "a" * 32
        body = urllib.parse.urlencode({"title": "Botany", "description": SCRIPT, "csrfmiddlewaretoken": token})
        headers = {
            "Cookie": f"{web.cookie(FIRST_TEACHER)['Cookie']}; csrftoken={token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        ready = web.get("/readyz")
        assert (ready.status, ready.json()["checks"]["database"]) == (503, "cannot be written")
        page = web._ask("POST", "/courses/new/", body.encode(), headers)
        assert (page.status, page.headers["Retry-After"]) == (503, "10")
        assert SCRIPT.splitlines()[0] in page.body.decode()
        answer = web.post_job("While it cannot be written.")
        assert answer.status == 503
        assert answer.headers["Retry-After"]
