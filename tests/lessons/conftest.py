"""People around one course, and renders that are only rows: nothing here makes a video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from lessons.models import Course, Lesson
from talking_head.models import Clip, ClipState, Job, JobState
from tests.factories import enrol, make_course, make_lesson, make_user
from tests.talking_head import fakes
from tests.talking_head.rows import write_published_files

FinishJob = Callable[..., Job]


@pytest.fixture(autouse=True)
def quick_engines(settings: Settings, media_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Voices without loading a model; jobs are accepted but no worker renders them. Passwords are hashed cheaply."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    fakes.install(monkeypatch)
    settings.TALKING_HEAD_SPEECH = fakes.FakeSpeech.name
    settings.TALKING_HEAD_FACE = fakes.FakeFace.name


@pytest.fixture
def course(teacher: User) -> Course:
    return make_course(teacher, title="The moving sky", slug="the-moving-sky")


@pytest.fixture
def lesson(course: Course) -> Lesson:
    return make_lesson(course, title="The Moon", script="First sentence here. Second sentence here.")


@pytest.fixture
def enrolled(student: User, course: Course) -> User:
    enrol(student, course)
    return student


@pytest.fixture
def other_teacher(db: None) -> User:
    return make_user("otherteacher", teacher=True)


@pytest.fixture
def browse() -> Callable[[User | None], Client]:
    """A logged-in client that answers with a 500 page instead of raising, as a browser would see it."""

    def log_in(user: User | None) -> Client:
        client = Client(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        return client

    return log_in


def make_job(lesson: Lesson, state: JobState = JobState.COMPLETED, **fields: object) -> Job:
    """A render of the lesson as it stands, with one clip per line of its script."""
    watchable = state in (JobState.COMPLETED, JobState.FALLBACK)
    values: dict[str, object] = {
        "owner": lesson.course.teacher,
        "title": lesson.title,
        "subject": f"lesson:{lesson.pk}",
        "subject_version": str(lesson.version),
        "script": lesson.script,
        "speech": fakes.FakeSpeech.name,
        "face": fakes.FakeFace.name,
        "state": state,
        "timeout_seconds": 300,
        **({"video_seconds": 20.0, "width_px": 256, "height_px": 256} if watchable else {}),
        **fields,
    }
    job = Job.objects.create(**values)
    if watchable:
        write_published_files(job)
    clip_state = ClipState.DONE if watchable else ClipState.WAITING
    for index, text in enumerate(("First sentence here.", "Second sentence here.")):
        start = 21 * index
        Clip.objects.create(
            job=job,
            index=index,
            text=text,
            start=start,
            end=start + len(text),
            state=clip_state,
            clip_key="0" * 64 if watchable else "",
            video_seconds=10.0 if watchable else None,
        )
    return job


def show(lesson: Lesson, job: Job, *, published: bool = True) -> Lesson:
    """Makes the job the lesson's current video, as publishing would."""
    Lesson.objects.filter(pk=lesson.pk).update(current_job=job.pk, latest_job=job.pk, is_published=published)
    lesson.refresh_from_db()
    return lesson


@pytest.fixture
def watchable(lesson: Lesson) -> Lesson:
    """The lesson, published and with a video."""
    return show(lesson, make_job(lesson))
