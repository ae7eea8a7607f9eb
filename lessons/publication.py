"""What students see of a lesson: its published video and the title and text of that video, never the teacher's draft.

Everything that shows a lesson to a user who may not edit it goes through :func:`as_published`, so that a page, the API
or a list cannot leak a field that the teacher has changed since.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from lessons.models import Lesson
from talking_head.services import Job


def as_published(lesson: Lesson, job: Job | None, *, with_text: bool = True) -> Lesson:
    """Return a copy of the lesson with the values of the published video's job instead of the draft's; never save it.

    Choices that a student has no use for (portrait, voice, recording) are empty; so is the text unless it is wanted.
    """
    published = copy.copy(lesson)
    published.latest_job = None
    published.portrait_id = published.narration = None
    published.voice = ""
    if job is None:  # published without a video, which only an administrator can do: there is no text to show
        published.script = ""
        return published
    published.title, published.language = job.title or lesson.title, job.language
    published.script = job.script if with_text else ""
    published.speed, published.profile = 1.0, job.profile
    published.version = int(job.subject_version) if job.subject_version.isdecimal() else 1
    published.updated_at = job.finished_at or job.created_at
    return published


def all_as_published(lessons: Iterable[Lesson]) -> list[Lesson]:
    """Return :func:`as_published` of each lesson, with one query for all of them, for lists: without the texts, which
    may be long and are not shown there."""
    lessons = list(lessons)
    jobs = Job.objects.defer("script").in_bulk([lesson.current_job for lesson in lessons if lesson.current_job])
    return [
        as_published(lesson, jobs.get(lesson.current_job) if lesson.current_job else None, with_text=False)
        for lesson in lessons
    ]
