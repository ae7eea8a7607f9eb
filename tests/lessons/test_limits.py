"""A teacher at the limit is told so in words, and keeps what was written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from lessons.models import Lesson
from talking_head.models import Job, JobState
from tests.lessons.conftest import make_job
from tests.lessons.test_editor import JSON, address, values

Browse = Callable[[User | None], Client]


@pytest.fixture
def at_the_limit(settings: Settings, lesson: Lesson) -> None:
    settings.TALKING_HEAD_JOBS_IN_FLIGHT = 1
    make_job(lesson, JobState.RUNNING, subject="lesson:0")


@pytest.mark.usefixtures("at_the_limit")
def test_the_page_says_what_is_the_matter_and_what_to_do(lesson: Lesson, teacher: User, browse: Browse) -> None:
    sent = values(lesson, script="What I have just written.", action="generate")
    answer = browse(teacher).post(address(lesson), sent)
    assert answer.status_code == 429
    html = answer.content.decode()
    assert "This account may have 1 video in progress at a time and already has 1." in html
    assert "try again in about a minute" in html
    lesson.refresh_from_db()
    assert lesson.script == "What I have just written."


@pytest.mark.usefixtures("at_the_limit")
def test_the_pages_script_is_told_too(lesson: Lesson, teacher: User, browse: Browse) -> None:
    answer = browse(teacher).post(address(lesson), values(lesson, action="generate"), headers=JSON)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "quota_exceeded"
    assert Job.objects.count() == 1
