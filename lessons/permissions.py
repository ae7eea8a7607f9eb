"""Who may do what with a course and its lessons. Used by every view, the socket's access rule and the API."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from edu_platform.people import Person
from lessons.models import Course, Lesson
from talking_head.services import hidden_jobs

# What it takes beside teaching the course. Staff status alone opens the admin's pages and nothing here.
VIEW = "lessons.view_course"  # all courses, with their lessons, published or not
CHANGE_COURSE = "lessons.change_course"
ADD_LESSON, CHANGE_LESSON, DELETE_LESSON = "lessons.add_lesson", "lessons.change_lesson", "lessons.delete_lesson"
PUBLISH_LESSON = "lessons.publish_lesson"
ADD_STUDENT, REMOVE_STUDENT = "lessons.add_enrolment", "lessons.delete_enrolment"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def may(user: Person, course: Course, permission: str) -> bool:
    """Return whether a user may do something with a course: its teacher everything, other users what they have the
    permission for. Without the permission to view, another teacher's course does not exist for them."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return course.teacher_id == user.pk or (user.has_perm(VIEW) and user.has_perm(permission))


def may_view_all_courses(user: Person) -> bool:
    """Return whether a user sees the courses of all teachers."""
    return isinstance(user, User) and user.has_perm(VIEW)


def courses_taught_by(user: Person) -> QuerySet[Course]:
    """Return the courses whose drafts a user sees: their own, or all with the permission."""
    if not isinstance(user, User):
        return Course.objects.none()
    return Course.objects.all() if may_view_all_courses(user) else Course.objects.filter(teacher=user)


def courses_taken_by(user: Person) -> QuerySet[Course]:
    """Return the courses in which a user is enrolled."""
    if not isinstance(user, User):
        return Course.objects.none()
    return Course.objects.filter(enrolments__student=user)


def courses_visible_to(user: Person) -> QuerySet[Course]:
    """Return the courses that a user teaches or takes, or all with the permission."""
    if not isinstance(user, User):
        return Course.objects.none()
    if may_view_all_courses(user):
        return Course.objects.all()
    return Course.objects.filter(Q(teacher=user) | Q(enrolments__student=user)).distinct()


def may_manage(user: Person, course: Course) -> bool:
    """Return whether a user sees a course as its teacher does; what they may change there is asked separately."""
    return may(user, course, VIEW)


def may_edit_course(user: Person, course: Course) -> bool:
    """Return whether a user may change the title and description of a course."""
    return may(user, course, CHANGE_COURSE)


def may_edit(user: Person, lesson: Lesson) -> bool:
    """Return whether a user may change a lesson."""
    return may(user, lesson.course, CHANGE_LESSON)


def users_who_may_edit(lesson: Lesson) -> QuerySet[User]:
    """Return the users for whom :func:`may_edit` holds, and the teacher of the course in any case."""
    others = User.objects.with_perm(CHANGE_LESSON, backend=MODEL_BACKEND).filter(
        pk__in=User.objects.with_perm(VIEW, backend=MODEL_BACKEND)
    )
    return User.objects.filter(Q(pk=lesson.course.teacher_id) | Q(pk__in=others))


def is_enrolled(user: Person, course: Course) -> bool:
    """Return whether a user is an active student of a course."""
    return isinstance(user, User) and user.is_active and course.enrolments.filter(student=user).exists()


def may_watch(user: Person, lesson: Lesson) -> bool:
    """Return whether a user may watch a lesson: its teacher and users who may view all courses always; an enrolled
    student once it is published and has a video that is not hidden."""
    if may_manage(user, lesson.course):
        return True
    if not lesson.is_published or lesson.current_job is None or not is_enrolled(user, lesson.course):
        return False
    return not Lesson.objects.filter(with_hidden_video(), pk=lesson.pk).exists()


def with_hidden_video() -> Q:
    """Return the condition on lessons whose video is hidden now: the person in it has withdrawn their consent."""
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
