"""A student's progress: saving the position, finding where to continue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from lessons.models import Course, Lesson, Progress
from lessons.permissions import courses_taken_by, with_hidden_video
from lessons.publication import all_as_published
from lessons.services import current_job_of
from lessons.watched import is_enough, union

RESUME_FROM_SECONDS = 3.0  # before this, starting over costs nothing
NEAR_THE_END_SECONDS = 3.0  # only the pause after the last word is left then


@transaction.atomic
def save_progress(
    student: User, lesson: Lesson, position_seconds: float, watched: Iterable[Sequence[float]] = ()
) -> Progress:
    """Save where a student stopped and what they played. The lesson is done when the parts played in all visits reach
    the share of :mod:`lessons.watched`; a mark that is there stays, and one that the student took back stays away.

    Args:
        position_seconds: anything beyond the video's length counts as its end.
        watched: ranges in seconds; what lies beyond the video counts as nothing.
    """
    job = current_job_of(lesson)
    length_seconds = job.video_seconds if job else None
    Progress.objects.get_or_create(student=student, lesson=lesson)
    row = Progress.objects.select_for_update().get(student=student, lesson=lesson)  # two windows add to one union
    row.position_seconds = max(0.0, min(position_seconds, length_seconds or position_seconds))
    before = union(row.watched or (), length_seconds or 0.0)
    row.watched = union([*before, *watched], length_seconds or 0.0)
    if is_enough(row.watched, length_seconds) and not is_enough(before, length_seconds) and row.completed_at is None:
        row.completed_at = timezone.now()
    row.save()
    return row


def set_completed(student: User, lesson: Lesson, completed: bool) -> Progress:
    """Set or remove the student's *done* mark, without touching the position."""
    values = {"completed_at": timezone.now() if completed else None}
    return Progress.objects.update_or_create(student=student, lesson=lesson, defaults=values)[0]


def resume_position(progress: Progress | None, video_seconds: float | None) -> float:
    """Return the position to resume at, in seconds; 0 when resuming is not worthwhile."""
    if progress is None or progress.position_seconds < RESUME_FROM_SECONDS:
        return 0.0
    if video_seconds is not None and progress.position_seconds > video_seconds - NEAR_THE_END_SECONDS:
        return 0.0
    return progress.position_seconds


def watchable_lessons(course: Course) -> QuerySet[Lesson]:
    """Return the lessons that a student of the course sees."""
    return course.lessons.filter(is_published=True).exclude(current_job=None).exclude(with_hidden_video())


@dataclass(frozen=True, slots=True)
class NextStep:
    """The lesson to continue with: one that the student began, or the first not yet begun."""

    lesson: Lesson
    position_seconds: float


def continue_where_left_off(student: User) -> NextStep | None:
    """Return the unfinished lesson watched last; else the first lesson not yet completed."""
    open_lessons = Lesson.objects.filter(course__in=courses_taken_by(student), is_published=True)
    lessons = open_lessons.exclude(current_job=None).exclude(with_hidden_video())
    begun = (
        Progress.objects.filter(student=student, completed_at=None, lesson__in=lessons)
        .select_related("lesson__course")
        .order_by("-updated_at")
        .first()
    )
    if begun is not None:
        return NextStep(all_as_published([begun.lesson])[0], begun.position_seconds)
    done = Progress.objects.filter(student=student).exclude(completed_at=None).values("lesson")
    first = lessons.exclude(pk__in=done).select_related("course").order_by("course", "position", "pk").first()
    return NextStep(all_as_published([first])[0], 0.0) if first else None


def next_lesson_after(lesson: Lesson) -> Lesson | None:
    """Return the next watchable lesson of the course; None after the last one, and for one that students do not see."""
    watchable = watchable_lessons(lesson.course)
    if not watchable.filter(pk=lesson.pk).exists():
        return None
    later = Q(position__gt=lesson.position) | Q(position=lesson.position, pk__gt=lesson.pk)
    return watchable.filter(later).defer("script").order_by("position", "pk").first()
