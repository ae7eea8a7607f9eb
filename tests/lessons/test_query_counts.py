"""A page costs as many queries for a long list as for a short one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lessons.models import Course
from tests.factories import enrol, make_course, make_lesson, make_portrait, make_user
from tests.lessons.conftest import make_job, show

Browse = Callable[[User | None], Client]


def grow(teacher: User, student: User, course: Course, count: int) -> None:
    """So many more courses, lessons with videos, students and portraits, of one's own and shared by others."""
    for _ in range(count):
        lesson = make_lesson(course)
        show(lesson, make_job(lesson))
        enrol(make_user(), course)
        own = make_course(teacher)
        make_lesson(own)
        enrol(student, own)
        make_portrait(teacher)
        make_portrait(make_user(teacher=True), is_shared=True)


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("student", "/"),
        ("student", "/courses/"),
        ("student", "/courses/the-moving-sky/"),
        ("teacher", "/courses/"),
        ("teacher", "/courses/the-moving-sky/"),
        ("teacher", "/courses/the-moving-sky/lessons/{lesson}/edit/"),
        ("student", "/courses/the-moving-sky/lessons/{lesson}/"),
        ("teacher", "/portraits/"),
        ("admin", "/courses/"),
        ("teacher", "/api/courses/"),
        ("student", "/api/courses/"),
        ("teacher", "/api/courses/the-moving-sky/"),
        ("teacher", "/api/avatars/"),
        ("teacher", "/api/jobs/"),
        ("admin", "/admin/lessons/lesson/"),
        ("admin", "/admin/lessons/course/"),
        ("admin", "/admin/avatars/portrait/"),
    ],
)
def test_the_number_of_queries_does_not_grow(
    course: Course, teacher: User, enrolled: User, admin_user: User, browse: Browse, who: str, address: str
) -> None:
    client = browse({"student": enrolled, "teacher": teacher, "admin": admin_user}[who])
    counts = []
    for _ in range(2):
        grow(teacher, enrolled, course, 3)
        url = address.format(lesson=course.lessons.earliest("pk").pk)
        client.get(url)  # what is read once and kept, such as the content types
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], f"{counts} queries"
