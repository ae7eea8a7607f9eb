"""The admin pages of courses, lessons, enrolments and progress."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lessons import learning
from lessons.models import Lesson
from tests.factories import enrol


@pytest.fixture
def client(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.mark.parametrize("model", ["course", "lesson", "enrolment", "progress"])
def test_lists_and_forms_open(client: Client, watchable: Lesson, student: User, model: str) -> None:
    enrolment = enrol(student, watchable.course)
    progress = learning.save_progress(student, watchable, 5.0)
    row = {"course": watchable.course, "lesson": watchable, "enrolment": enrolment, "progress": progress}[model]
    assert client.get(reverse(f"admin:lessons_{model}_changelist"), {"q": "moon"}).status_code == 200
    assert client.get(reverse(f"admin:lessons_{model}_change", args=[row.pk])).status_code == 200
    assert client.get(reverse(f"admin:lessons_{model}_add")).status_code == 200


def test_a_text_changed_by_hand_raises_the_version(client: Client, lesson: Lesson) -> None:
    form = {"course": lesson.course.pk, "position": 0, "title": "The Moon", "language": "en", "speed": 1.0}
    for script, version in (("Changed by hand.", 2), ("Changed by hand.", 2)):
        sent = {**form, "profile": "balanced", "script": script, "portrait": "", "voice": ""}
        response = client.post(reverse("admin:lessons_lesson_change", args=[lesson.pk]), sent)
        assert response.status_code == 302
        lesson.refresh_from_db()
        assert (lesson.script, lesson.version) == (script, version)
