"""Hooks of the renderer: a lesson's video when its render ends, and who may view it. Connected in ``apps.py``."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from edu_platform.people import Person
from lessons import permissions as rules
from lessons import services
from lessons.models import Lesson
from talking_head.services import Job


def on_job_published(sender: Any, job: Job, **kwargs: Any) -> None:
    """Show the published video in its lesson, inside the publishing transaction: both change together or not at all."""
    services.show_published_job(job)


def may_view_lesson_job(user: Person, job: Job) -> bool:
    """Return whether a lesson gives access to a job, for :func:`talking_head.services.register_job_viewer_rule`."""
    return rules.may_watch_job(user, job.pk, job.subject)


def current_videos() -> QuerySet[Lesson, Any]:
    """Return the videos that students watch, for :func:`talking_head.services.register_result_use`."""
    return Lesson.with_deleted.exclude(current_job=None).values("current_job")


def latest_videos() -> QuerySet[Lesson, Any]:
    """Return the videos that were asked for last, which may wait for the teacher's word, for the same."""
    return Lesson.with_deleted.exclude(latest_job=None).values("latest_job")


def narrations_of_lessons() -> QuerySet[Lesson, Any]:
    """Return the recordings that lessons use, for :func:`talking_head.services.register_narration_use`."""
    return Lesson.with_deleted.exclude(narration=None).values("narration")
