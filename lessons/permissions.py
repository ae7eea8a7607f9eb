"""Who may do what with a course and its lessons. Every view, the socket's access rule and the API ask here."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from edu_platform.people import Person
from lessons.models import Course, Lesson


def courses_taught_by(user: Person) -> QuerySet[Course]:
    """The courses a person may change: their own; staff may change all."""
    if not isinstance(user, User):
        return Course.objects.none()
    return Course.objects.all() if user.is_staff else Course.objects.filter(teacher=user)


def courses_taken_by(user: Person) -> QuerySet[Course]:
    if not isinstance(user, User):
        return Course.objects.none()
    return Course.objects.filter(enrolments__student=user)


def courses_visible_to(user: Person) -> QuerySet[Course]:
    if not isinstance(user, User):
        return Course.objects.none()
    if user.is_staff:
        return Course.objects.all()
    return Course.objects.filter(Q(teacher=user) | Q(enrolments__student=user)).distinct()


def may_edit_course(user: Person, course: Course) -> bool:
    return isinstance(user, User) and user.is_active and (user.is_staff or course.teacher_id == user.pk)


def may_edit(user: Person, lesson: Lesson) -> bool:
    return may_edit_course(user, lesson.course)


def is_enrolled(user: Person, course: Course) -> bool:
    return isinstance(user, User) and user.is_active and course.enrolments.filter(student=user).exists()


def may_watch(user: Person, lesson: Lesson) -> bool:
    """Its teacher and staff always; an enrolled student once it is published and has a video."""
    if may_edit(user, lesson):
        return True
    return lesson.is_published and lesson.current_job is not None and is_enrolled(user, lesson.course)


def may_watch_job(user: Person, job_id: uuid.UUID, subject: str) -> bool:
    """The rule that the renderer asks before it hands out a job's video, clips, previews or progress.

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
    """What a render job calls the lesson it is made for."""
    return f"lesson:{lesson.pk}"


def lesson_id_of(subject: str) -> int | None:
    """The inverse of :func:`subject_of`; None for jobs that are not about a lesson."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "lesson" and number.isdecimal() else None
