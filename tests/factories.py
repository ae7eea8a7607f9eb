"""Small builders for rows that many tests need."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import Group, User

from avatars.models import Portrait
from lessons.models import Course, Enrolment, Lesson

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


def make_user(username: str = "", *, teacher: bool = False, **fields: Any) -> User:
    user = User.objects.create_user(username or f"user{next(_numbers)}", password=PASSWORD, **fields)
    if teacher:
        user.groups.add(Group.objects.get_or_create(name="Teachers")[0])
    return user


def make_course(teacher: User, **fields: Any) -> Course:
    number = next(_numbers)
    values = {"title": f"Course {number}", "slug": f"course-{number}", **fields}
    return Course.objects.create(teacher=teacher, **values)


def make_lesson(course: Course, **fields: Any) -> Lesson:
    values = {"title": f"Lesson {next(_numbers)}", "script": "Hello there. This is the second sentence.", **fields}
    return Lesson.objects.create(course=course, **values)


def enrol(student: User, course: Course) -> Enrolment:
    return Enrolment.objects.create(student=student, course=course)


def make_portrait(owner: User, **fields: Any) -> Portrait:
    values = {
        "name": f"Portrait {next(_numbers)}",
        "digest": f"{next(_numbers):064x}",
        "width_px": 512,
        "height_px": 512,
        "consent_statement": "I agree.",
        "consent_given_by": "The person shown",
        **fields,
    }
    return Portrait.objects.create(owner=owner, **values)
