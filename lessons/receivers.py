"""What happens to a lesson when its render ends, and who may see a lesson's render. Connected in ``apps.py``."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from edu_platform.people import Person
from lessons import permissions as rules
from lessons import services
from lessons.models import Lesson
from talking_head.services import Job


def on_job_published(sender: Any, job: Job, **kwargs: Any) -> None:
    """Runs inside the publishing transaction: the video and the lesson that shows it change together or not at all."""
    services.show_published_job(job)


def may_view_lesson_job(user: Person, job: Job) -> bool:
    """Access rule for :func:`talking_head.services.register_job_viewer_rule`."""
    return rules.may_watch_job(user, job.pk, job.subject)


def narrations_of_lessons() -> QuerySet[Lesson, Any]:
    """For :func:`talking_head.services.register_narration_use`: the recordings that speak in lessons."""
    return Lesson.objects.exclude(narration=None).values("narration")
