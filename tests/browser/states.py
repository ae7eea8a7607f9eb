"""One lesson in every state, and people of every role, in the course of the demo: rows, nothing is rendered.

``tests.browser.conftest.site`` fills its database with them before it serves. All lessons are hidden from students.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from avatars.models import VoiceSample
from lessons import services
from lessons.models import Course, Enrolment, Lesson
from talking_head.models import Clip, ClipState, Job, JobState
from tests.factories import make_portrait

PASSWORDS = {
    "teacher": "lectern-teacher",
    "student": "lectern-student",
    "admin": "lectern-admin",
    "cora": "lectern-cora",  # a course administrator
}
SENTENCES = ("First sentence here.", "Second sentence here.")


def fill() -> None:
    """Add the rows to the demo's database."""
    course, teacher = Course.objects.get(slug="the-moving-sky"), User.objects.get(username="teacher")
    _course_administrator()
    for number in range(3):
        pupil = User.objects.create(username=f"pupil{number}", first_name="Pupil", last_name=f"Number {number}")
        Enrolment.objects.create(course=course, student=pupil)
    _lesson(course, "Failed", JobState.FAILED, error_code="no_space", error_message="No space left on device")
    _lesson(course, "Cancelled", JobState.CANCELLED)
    held_back = _lesson(course, "Held back", JobState.FALLBACK)
    complete = _job(held_back, JobState.COMPLETED)
    Lesson.objects.filter(pk=held_back.pk).update(current_job=complete.pk)
    Lesson.objects.create(course=course, title="Not yet written", position=90)
    services.delete_lesson(_lesson(course, "Deleted", None))
    make_portrait(teacher, name="Deleted portrait", deleted_at=timezone.now(), purged_at=timezone.now())
    VoiceSample.objects.create(
        owner=teacher, name="Tessa", digest="1" * 64, language="en-US", duration_seconds=20.0,
        consent_statement="I agree.", consent_given_by="Tessa",
    )  # fmt: skip


def _course_administrator() -> None:
    person = User.objects.create_user("cora", password=PASSWORDS["cora"], first_name="Cora")
    person.groups.add(Group.objects.get(name="Course administrators"))


def _lesson(course: Course, title: str, state: JobState | None, **fields: Any) -> Lesson:
    lesson = Lesson.objects.create(
        course=course, title=title, script=" ".join(SENTENCES), position=10 + course.lessons.count()
    )
    if state is not None:
        Lesson.objects.filter(pk=lesson.pk).update(latest_job=_job(lesson, state, **fields).pk)
        lesson.refresh_from_db()
    return lesson


def _job(lesson: Lesson, state: JobState, **fields: Any) -> Job:
    is_watchable = state in (JobState.COMPLETED, JobState.FALLBACK)
    values: dict[str, Any] = {
        "owner": lesson.course.teacher,
        "title": lesson.title,
        "subject": f"lesson:{lesson.pk}",
        "subject_version": str(lesson.version),
        "script": lesson.script,
        "speech": "hibari",
        "face": "puppet",
        "state": state,
        "timeout_seconds": 300,
        "finished_at": timezone.now(),
        **({"video_seconds": 20.0, "width_px": 256, "height_px": 256} if is_watchable else {}),
        **fields,
    }
    job, start = Job.objects.create(**values), 0
    for index, text in enumerate(SENTENCES):
        Clip.objects.create(
            job=job, index=index, text=text, start=start, end=start + len(text),
            state=ClipState.DONE if is_watchable else ClipState.WAITING,
            is_fallback=state == JobState.FALLBACK and index == 0,
            clip_key=f"{index:064x}" if is_watchable else "",
            video_seconds=10.0 if is_watchable else None,
        )  # fmt: skip
        start += len(text) + 1
    return job
