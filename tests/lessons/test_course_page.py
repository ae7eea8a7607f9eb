"""The teacher's page of a course: what was typed stays, and messages are where the button was pressed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lessons.models import Course, Lesson
from tests.factories import enrol, make_lesson

Browse = Callable[[User | None], Client]


def focused(html: str) -> str:
    """The one tag that gets the focus when the page opens."""
    tags = re.findall(r"<[^>]* autofocus[^>]*>", html)
    assert len(tags) == 1, tags
    return str(tags[0])


@pytest.mark.parametrize(
    ("name", "field", "typed", "words"),
    [
        ("lesson_create", "title", "x" * 201, "at most 200 characters"),
        ("enrolment_add", "username", "x" * 151, "at most 150 characters"),
    ],
)
def test_a_refused_form_keeps_what_was_typed_and_has_the_focus(
    course: Course, teacher: User, browse: Browse, name: str, field: str, typed: str, words: str
) -> None:
    response = browse(teacher).post(reverse(name, args=[course.slug]), {field: typed})
    html = response.content.decode()
    tag = focused(html)
    assert response.status_code == 400
    assert f'name="{field}"' in tag and f'value="{typed}"' in tag
    assert 'aria-invalid="true"' in tag and f'aria-describedby="id_{field}_error"' in tag
    assert words in html.split(f'id="id_{field}_error"', 1)[1]


def test_a_confirmation_is_shown_at_the_list_of_students_and_has_the_focus(
    course: Course, teacher: User, student: User, browse: Browse
) -> None:
    url = reverse("enrolment_add", args=[course.slug])
    html = browse(teacher).post(url, {"username": student.username}, follow=True).content.decode()
    assert 'id="message-students"' in focused(html)
    assert html.index('id="students-title"') < html.index("is invited")


def test_a_moved_lesson_keeps_the_focus_on_the_pressed_button(
    course: Course, lesson: Lesson, teacher: User, browse: Browse
) -> None:
    make_lesson(course, title="The Sun")
    url = reverse("lesson_move", args=[course.slug, lesson.pk])
    for _ in range(2):  # the second time it is the last one already
        html = browse(teacher).post(url, {"direction": "down"}, follow=True).content.decode()
        tag = focused(html)
        assert 'aria-label="Move The Moon down"' in tag and 'aria-disabled="true"' in tag
        assert f'aria-describedby="message-lesson-{lesson.pk}"' in tag
        assert "Lesson 2 of 2." in html.split(f'id="message-lesson-{lesson.pk}"', 1)[1]


@pytest.mark.parametrize("is_enrolled", [True, False])
def test_publishing_says_whether_any_student_can_watch(
    watchable: Lesson, teacher: User, student: User, browse: Browse, is_enrolled: bool
) -> None:
    if is_enrolled:
        enrol(student, watchable.course)
    url = reverse("lesson_publish", args=[watchable.course.slug, watchable.pk])
    html = browse(teacher).post(url, {"published": "1"}, follow=True).content.decode()
    assert ("Students can watch it now." in html) == is_enrolled
    assert ("no student is enrolled in this course yet" in html) != is_enrolled
    assert (f"{watchable.course.get_absolute_url()}#students" in html) != is_enrolled


def test_errors_of_the_log_in_are_tied_to_its_fields(db: None, browse: Browse) -> None:
    html = browse(None).post(reverse("login"), {"username": "anna", "password": "wrong"}).content.decode()
    assert html.count('aria-invalid="true" aria-describedby="login-error"') == 2
    html = browse(None).post(reverse("login"), {"username": "", "password": ""}).content.decode()
    assert 'aria-describedby="username-error"' in html and 'aria-describedby="password-error"' in html
