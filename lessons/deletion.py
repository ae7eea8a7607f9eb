"""Deletion of lessons: hidden from everybody at once, restored for an hour, then gone with their videos.

A lesson's renders are hidden and deleted with it: its current and latest one, and all others requested for it.
What goes with a course or an account has no undo, because nothing would be left to restore it to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from lessons.models import Course, Lesson
from lessons.permissions import subject_of, users_who_may_edit
from talking_head import services as rendering
from talking_head.services import Job

BATCH = 100


@transaction.atomic
def delete_lesson(lesson: Lesson) -> None:
    """Delete a lesson and cancel a render of it that is still running; for an hour :func:`restore_lesson` undoes it.
    Deleting twice changes nothing."""
    if Lesson.objects.filter(pk=lesson.pk).update(deleted_at=timezone.now()):
        rendering.delete_jobs(_renders_of(lesson), undo_seconds=settings.LESSON_UNDO_SECONDS)


@transaction.atomic
def restore_lesson(lesson: Lesson) -> bool:
    """Restore a deleted lesson with its videos, published as it was; return False when it is too late."""
    restorable = _deleted().filter(pk=lesson.pk, deleted_at__gt=_undo_began())
    if not restorable.update(deleted_at=None):
        return False
    rendering.restore_jobs(_renders_of(lesson))
    return True


def restorable_lessons(course: Course) -> QuerySet[Lesson]:
    """Return the deleted lessons of a course that can still be restored, the latest first."""
    return _deleted().filter(course=course, deleted_at__gt=_undo_began()).order_by("-deleted_at")


def delete_due_lessons() -> None:
    """Delete the lessons whose time for an undo is over; the sweeper calls this."""
    for lesson in _deleted().filter(deleted_at__lte=_undo_began())[:BATCH]:
        lesson.delete()


@receiver(post_delete, sender=Lesson)
def _delete_videos_with_lesson(instance: Lesson, **_: Any) -> None:
    """Delete the videos of a lesson that goes for good: after its undo, with its course, or in the admin."""
    rendering.delete_jobs(_renders_of(instance))


@receiver(pre_delete, sender=User)
def _delete_videos_with_account(instance: User, **_: Any) -> None:
    """Delete the videos of an account, except those that a lesson of another teacher shows."""
    shown = Lesson.with_deleted.exclude(course__teacher=instance).exclude(current_job=None).values("current_job")
    rendering.delete_jobs(Job.objects.filter(owner=instance).exclude(pk__in=shown))


def _renders_of(lesson: Lesson) -> QuerySet[Job]:
    """Return a lesson's videos. A job's subject is only a string that came with the request, so it counts only for jobs
    of users who may change the lesson."""
    may_edit = Q(owner__in=users_who_may_edit(lesson)) | Q(owner=None)
    by_subject = Q(subject=subject_of(lesson)) & may_edit
    shown_elsewhere = Lesson.with_deleted.exclude(pk=lesson.pk).exclude(current_job=None).values("current_job")
    ids = [job_id for job_id in (lesson.current_job, lesson.latest_job) if job_id]
    return Job.objects.filter(Q(pk__in=ids) | by_subject).exclude(pk__in=shown_elsewhere)


def _deleted() -> QuerySet[Lesson]:
    return Lesson.with_deleted.exclude(deleted_at=None).select_related("course")


def _undo_began() -> Any:
    """Return the time before which a deletion can no longer be undone."""
    return timezone.now() - timedelta(seconds=settings.LESSON_UNDO_SECONDS)
