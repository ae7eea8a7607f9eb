"""The demo course: real, complete, and harmless to load again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from avatars.models import Portrait
from lessons.management.commands.load_demo import DEMO_ACCOUNTS, DEMO_LESSON_TITLE
from lessons.models import Course, Enrolment, Lesson
from talking_head.services import check_script


@pytest.fixture
def demo(db: None) -> None:
    call_command("load_demo", verbosity=0)


@pytest.mark.usefixtures("demo")
def test_the_accounts_can_log_in() -> None:
    for _role, username, password in DEMO_ACCOUNTS:
        assert Client().login(username=username, password=password)


@pytest.mark.usefixtures("demo")
def test_the_lesson_is_a_real_text_with_a_portrait_that_was_agreed_to() -> None:
    lesson = Lesson.objects.get(title=DEMO_LESSON_TITLE)
    assert 6 <= check_script(lesson.script).utterance_count <= 10
    assert lesson.portrait is not None
    assert "NASA" in lesson.portrait.consent_given_by
    assert lesson.portrait.consent_statement
    assert lesson.is_published
    assert Lesson.objects.filter(course=lesson.course, is_published=False).count() == 1


@pytest.mark.usefixtures("demo")
def test_loading_again_keeps_what_people_changed() -> None:
    Lesson.objects.filter(title=DEMO_LESSON_TITLE).update(script="Rewritten.")
    Portrait.objects.update(name="Renamed")
    teacher = User.objects.get(username="teacher")
    teacher.set_password("another one")
    teacher.save()
    counts = [model.objects.count() for model in (User, Course, Lesson, Enrolment, Portrait)]
    call_command("load_demo", verbosity=0)
    assert [model.objects.count() for model in (User, Course, Lesson, Enrolment, Portrait)] == counts
    assert Lesson.objects.get(title=DEMO_LESSON_TITLE).script == "Rewritten."
    assert Client().login(username="teacher", password="another one")
