"""Who may do what with a course and its lessons. Used by every view, the socket's access rule and the API."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from edu_platform.people import Person
from lessons.models import Course, Lesson
from talking_head.services import hidden_jobs


def courses_taught_by(user: Person) -> QuerySet[Course]:
    """Return the courses that a user may change: their own; all for staff."""
    if not isinstance(user, User):
        return Course.objects.none()
    return Course.objects.all() if user.is_staff else Course.objects.filter(teacher=user)


def courses_taken_by(user: Person) -> QuerySet[Course]:
    """Return the courses in which a user is enrolled."""
    if not isinstance(user, User):
        return Course.objects.none()
    return Course.objects.filter(enrolments__student=user)


def courses_visible_to(user: Person) -> QuerySet[Course]:
    """Return the courses that a user teaches or takes; all for staff."""
    if not isinstance(user, User):
        return Course.objects.none()
    if user.is_staff:
        return Course.objects.all()
    return Course.objects.filter(Q(teacher=user) | Q(enrolments__student=user)).distinct()


def may_edit_course(user: Person, course: Course) -> bool:
    """Return whether a user may change a course: its teacher, or staff."""
    return isinstance(user, User) and user.is_active and (user.is_staff or course.teacher_id == user.pk)


def may_edit(user: Person, lesson: Lesson) -> bool:
    """Return whether a user may change a lesson: the teacher of its course, or staff."""
    return may_edit_course(user, lesson.course)


def is_enrolled(user: Person, course: Course) -> bool:
    """Return whether a user is an active student of a course."""
    return isinstance(user, User) and user.is_active and course.enrolments.filter(student=user).exists()


def may_watch(user: Person, lesson: Lesson) -> bool:
    """Return whether a user may watch a lesson: its teacher and staff always; an enrolled student once it is published
    and has a video that is not hidden."""
    if may_edit(user, lesson):
        return True
    if not lesson.is_published or lesson.current_job is None or not is_enrolled(user, lesson.course):
        return False
    return not Lesson.objects.filter(with_hidden_video(), pk=lesson.pk).exists()


def with_hidden_video() -> Q:
    """Return the condition on lessons whose video nobody is shown now: the person in it has withdrawn their consent."""
    return Q(current_job__in=hidden_jobs())


def may_watch_job(user: Person, job_id: uuid.UUID, subject: str) -> bool:
    """Return whether a user may see a job's video, clips, previews and progress; the renderer asks before serving them.

    A student sees exactly the video that a published lesson of theirs currently shows; a teacher also what is still
    being made for a lesson of theirs.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    if Lesson.objects.filter(current_job=job_id, is_published=True, course__enrolments__student=user).exists():
        return True
    shown = Q(current_job=job_id) | Q(latest_job=job_id)
    lesson_id = lesson_id_of(subject)
    if lesson_id is not None:
        shown |= Q(pk=lesson_id)
    return Lesson.objects.filter(shown, course__in=courses_taught_by(user)).exists()


def subject_of(lesson: Lesson) -> str:
    """Return the ``subject`` of render jobs for a lesson."""
    return f"lesson:{lesson.pk}"


def lesson_id_of(subject: str) -> int | None:
    """Return the lesson's id, the inverse of :func:`subject_of`; None for jobs that are not about a lesson."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "lesson" and number.isdecimal() else None
