"""The page says when a video would be ready and what "auto" comes to, before the click, and asks when that is long."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from lessons import services
from lessons.models import Lesson
from talking_head import services as rendering
from talking_head.models import Clip, ClipState, Job
from talking_head.selection_rules import approximate_duration

TEXT = "Plants eat light. They turn it into sugar."


@pytest.fixture
def teacher_client(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def known_speed(owner: User, render_seconds: float = 3.0, profile: str = "balanced") -> None:
    """A finished video tells that a sentence takes so long."""
    job = rendering.submit_job(owner=owner, script="A sentence that was rendered once.", profile=profile)
    Clip.objects.filter(job=job).update(state=ClipState.DONE, render_seconds=render_seconds, video_seconds=2.5)
    Job.objects.filter(pk=job.pk).update(state="completed")


def forecast(client: Client, lesson: Lesson, **fields: Any) -> dict[str, Any] | None:
    values = {"title": "x", "script": TEXT, "speed": "1", "profile": "balanced", "version": lesson.version, **fields}
    answer = client.post(reverse("lesson_forecast", args=[lesson.course.slug, lesson.pk]), values)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] | None = answer.json()["forecast"]
    return found


def test_nothing_is_promised_before_anything_was_rendered(teacher_client: Client, lesson: Lesson) -> None:
    found = forecast(teacher_client, lesson)
    assert found is not None
    assert (found["ready_seconds"], found["words"], found["is_long"]) == (None, "", False)


def test_the_page_says_when_it_would_be_ready_and_who_is_ahead(
    teacher_client: Client, lesson: Lesson, outsider: User
) -> None:
    known_speed(outsider, 3.0)  # a second of work for a second of video
    alone = forecast(teacher_client, lesson)
    for _ in range(2):
        rendering.submit_job(owner=outsider, script="One. Two. Three. Four.")
    behind = forecast(teacher_client, lesson)
    assert alone is not None
    assert behind is not None
    assert 3.0 < alone["ready_seconds"] < 5.0
    assert alone["words"] == "Ready in a few seconds."
    assert behind["jobs_ahead"] == 1, "owners take turns: only one of the other's two comes first"
    assert behind["words"].endswith("One video is ahead of yours.")
    assert Job.objects.filter(owner=lesson.course.teacher).count() == 0, "asking must not store anything"


def test_slots_share_the_sentences_of_a_video_but_not_a_single_sentence(
    teacher_client: Client, lesson: Lesson, outsider: User, settings: Settings
) -> None:
    known_speed(outsider, 30.0)
    script = "One sentence here. Another one there. A third for you. And a fourth."
    alone = forecast(teacher_client, lesson, script=script)
    edit = forecast(teacher_client, lesson, script="Just one sentence.")
    settings.TALKING_HEAD_SLOTS = 2
    shared = forecast(teacher_client, lesson, script=script)
    edit_shared = forecast(teacher_client, lesson, script="Just one sentence.")
    assert alone and edit and shared and edit_shared
    assert shared["ready_seconds"] == pytest.approx(alone["ready_seconds"] / 2, rel=0.01)
    assert edit_shared["ready_seconds"] == edit["ready_seconds"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (2, "a few seconds"),
        (12, "about 10 seconds"),
        (50, "about 50 seconds"),
        (57, "about a minute"),
        (150, "about 2 minutes"),
    ],
)
def test_a_short_wait_is_said_in_seconds(seconds: float, words: str) -> None:
    assert approximate_duration(seconds) == words


def test_a_long_wait_is_marked_and_a_full_queue_says_why(
    teacher_client: Client, lesson: Lesson, outsider: User, settings: Settings
) -> None:
    known_speed(outsider, 3_000.0)
    found = forecast(teacher_client, lesson)
    assert found is not None
    assert found["is_long"]
    assert found["words"] == "Ready in about 62 minutes."
    assert found["refusal"] == ""
    settings.TALKING_HEAD_MAX_WAIT_SECONDS = 60
    job = rendering.submit_job(owner=lesson.course.teacher, script=TEXT)
    assert job.profile == "balanced"
    refused = forecast(teacher_client, lesson, script="Something else that is new.")
    assert refused is not None
    assert "The queue is full" in refused["refusal"]
    settings.TALKING_HEAD_PATIENCE_SECONDS = 0
    patient = forecast(teacher_client, lesson)
    assert patient is not None
    assert not patient["is_long"]


def test_auto_is_settled_before_the_click_and_after_it_alike(
    teacher_client: Client, lesson: Lesson, teacher: User
) -> None:
    found = forecast(teacher_client, lesson, profile="auto")
    assert found is not None
    services.change_lesson(lesson, script=TEXT, profile="auto", portrait_id=None)
    job = services.generate_video(lesson, teacher)
    assert (job.profile, job.profile_reason) == (found["profile"], found["profile_reason"])
    assert (job.asked_profile, job.profile) == ("auto", "balanced")
    assert services.generate_video(lesson, teacher).pk == job.pk, "the same wish again is the same render"


def test_a_form_that_cannot_be_rendered_has_no_forecast(teacher_client: Client, lesson: Lesson) -> None:
    assert forecast(teacher_client, lesson, script="# Only a heading") is None
    assert forecast(teacher_client, lesson, profile="sublime") is None


def test_nobody_else_may_ask(client: Client, lesson: Lesson, outsider: User) -> None:
    client.force_login(outsider)
    answer = client.post(reverse("lesson_forecast", args=[lesson.course.slug, lesson.pk]), {"script": TEXT})
    assert answer.status_code in (403, 404)


def test_programs_get_the_same_forecast(teacher_client: Client, teacher: User, lesson: Lesson) -> None:
    known_speed(teacher)
    answer = teacher_client.post("/api/forecast/", {"script": TEXT, "profile": "auto"}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["profile"] == "balanced"
    assert answer.json()["ready_seconds"] > 0
    bad = teacher_client.post("/api/forecast/", {"script": TEXT, "profile": "x"}, content_type="application/json")
    assert (bad.status_code, bad.json()["code"]) == (400, "unknown_profile")
