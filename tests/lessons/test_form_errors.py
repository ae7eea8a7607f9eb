"""A form that is refused: every error is tied to its field, the first wrong field has the focus, and what was typed is
still there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lessons.models import Lesson
from tests.factories import make_portrait

Browse = Callable[[User | None], Client]
LONG = "x" * 5_000


@dataclass
class Form(HTMLParser):
    """What matters of a page: its fields and what describes them, its errors, and where the focus is."""

    fields: list[dict[str, str]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)  # the open elements of the error that is being read

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in ("input", "select", "textarea", "fieldset"):
            self.fields.append({"tag": tag, **found})
        is_error = "field-error" in found.get("class", "") or found.get("role") == "alert"
        if is_error and "hidden" not in found:
            self.errors.append({"says": "", **found})
            self.inside = [tag]
        elif self.inside:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.errors[-1]["says"] += data.strip()

    def described_by(self, error_id: str) -> list[dict[str, str]]:
        return [found for found in self.fields if error_id in found.get("aria-describedby", "").split()]


def forms(lesson: Lesson, portrait_id: int) -> dict[str, tuple[str, dict[str, Any], set[str]]]:
    """Address, what is sent, and the fields that are wrong."""
    course, in_lesson = [lesson.course.slug], [lesson.course.slug, lesson.pk]
    good = {"title": lesson.title, "script": "Hello.", "speed": "1", "profile": "fast", "version": lesson.version}
    edit = reverse("lesson_edit", args=in_lesson)
    return {
        "no course title": (reverse("course_create"), {"title": " ", "description": "Kept"}, {"title"}),
        "a long course title": (reverse("course_edit", args=course), {"title": LONG}, {"title"}),
        "no lesson title": (reverse("lesson_create", args=course), {"title": ""}, {"title"}),
        "no student": (reverse("enrolment_add", args=course), {"username": ""}, {"username"}),
        "an empty portrait form": (
            reverse("portrait_upload"), {"name": "Kept", "consent_given_by": ""},
            {"picture", "consent_given_by", "consent"},
        ),
        "a long portrait name": (reverse("portrait_edit", args=[portrait_id]), {"name": LONG}, {"name"}),
        "an empty lesson title": (edit, {**good, "title": "", "script": "Kept"}, {"title"}),
        "an impossible speed": (edit, {**good, "speed": "9", "script": "Kept"}, {"speed"}),
        "an unknown voice": (edit, {**good, "voice": "unknown", "script": "Kept"}, {"voice"}),
        "an unknown portrait": (edit, {**good, "portrait": "99999", "script": "Kept"}, {"portrait"}),
        "an unknown profile": (edit, {**good, "profile": "best", "script": "Kept"}, {"profile"}),
    }  # fmt: skip


NAMES = (
    "no course title", "a long course title", "no lesson title", "no student",
    "an empty portrait form", "a long portrait name", "an empty lesson title", "an impossible speed",
    "an unknown voice", "an unknown portrait", "an unknown profile",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_error_is_tied_to_its_field(lesson: Lesson, teacher: User, browse: Browse, name: str) -> None:
    address, values, wrong = forms(lesson, make_portrait(teacher).pk)[name]
    answer = browse(teacher).post(address, values)
    page, html = Form(), answer.content.decode()
    page.feed(html)
    assert answer.status_code == 400
    errors = [error for error in page.errors if error["says"]]
    assert len(errors) >= len(wrong), html
    for error in errors:
        assert page.described_by(error.get("id", "")), f"no field is described by: {error['says']}"
    invalid = {found["name"] for found in page.fields if found.get("aria-invalid") == "true"}
    assert invalid == wrong
    focused = [found.get("name", "") for found in page.fields if "autofocus" in found]
    assert focused and focused[0] in wrong, "the first wrong field has the focus, or it may be far out of sight"
    if "Kept" in values.values():
        assert "Kept" in html


@pytest.mark.parametrize("name", ["anna", ""])
def test_the_errors_of_the_login_are_tied_to_its_fields(db: None, browse: Browse, name: str) -> None:
    page = Form()
    page.feed(browse(None).post(reverse("login"), {"username": name, "password": "wrong"}).content.decode())
    (error,) = page.errors
    assert error["says"]
    described = [found["name"] for found in page.described_by(error["id"])]
    assert described == (["username", "password"] if name else ["username"])
