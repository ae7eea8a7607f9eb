"""Lessons and courses as cards on a page: the data of the templates, read in a few queries however long the list is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.urls import reverse

from edu_platform.counts import count_of
from lessons.models import Course, Enrolment, Lesson, Progress
from lessons.permissions import with_hidden_video
from lessons.services import is_held_back, is_outdated
from talking_head.services import Job, JobState


@dataclass(frozen=True, slots=True)
class LessonCard:
    """A lesson in a list, as one viewer sees it."""

    lesson: Lesson
    state: str  # empty, rendering, failed, ready, outdated, held_back
    label: str
    badge: str  # the badge's colour: "", info, good, warn, bad
    poster_url: str
    seconds: float | None
    position_seconds: float
    is_completed: bool

    @property
    def percent_watched(self) -> int:
        """Return how much of the video the viewer has watched, 0 to 100."""
        if self.is_completed:
            return 100
        return min(100, round(100 * self.position_seconds / self.seconds)) if self.seconds else 0


def lesson_cards(lessons: Iterable[Lesson], viewer: User) -> list[LessonCard]:
    """Return a card for each lesson, with the progress of ``viewer``."""
    lessons = list(lessons)
    job_ids = {job_id for lesson in lessons for job_id in (lesson.current_job, lesson.latest_job) if job_id}
    jobs = Job.objects.defer("script").in_bulk(job_ids)
    progress = {row.lesson_id: row for row in Progress.objects.filter(student=viewer, lesson__in=lessons)}
    cards = []
    for lesson in lessons:
        current = jobs.get(lesson.current_job) if lesson.current_job else None
        latest = jobs.get(lesson.latest_job) if lesson.latest_job else None
        state, label, badge = _state_of(lesson, current, latest)
        row = progress.get(lesson.pk)
        cards.append(
            LessonCard(
                lesson=lesson,
                state=state,
                label=label,
                badge=badge,
                poster_url=reverse("job_file", args=[current.pk, "poster.jpg"])
                if current and not current.is_hidden
                else "",
                seconds=current.video_seconds if current else None,
                position_seconds=row.position_seconds if row else 0.0,
                is_completed=bool(row and row.completed_at),
            )
        )
    return cards


def _state_of(lesson: Lesson, current: Job | None, latest: Job | None) -> tuple[str, str, str]:
    """Return state, label and badge colour, which a teacher sees beside the lesson's title."""
    if latest is not None and latest.is_active:
        return "rendering", "Waiting" if latest.state == JobState.QUEUED else "Rendering", "info"
    if latest is not None and latest.state == JobState.FAILED:
        return "failed", "Failed", "bad"
    if current is None:
        return "empty", "No video yet", ""
    if current.is_hidden:
        return "hidden", "Consent withdrawn", "bad"
    if is_held_back(lesson, latest, current):
        return "held_back", "Your decision is needed", "warn"
    if is_outdated(lesson, current):
        return "outdated", "Out of date", "warn"
    if current.state == JobState.FALLBACK:
        return "ready", "Ready, with still pictures", "warn"
    return "ready", "Ready", "good"


def with_counts(courses: QuerySet[Course]) -> QuerySet[Course]:
    """Annotate courses with ``lesson_count``, ``watchable_count`` and ``student_count`` for their cards."""
    watchable = Lesson.objects.filter(is_published=True, current_job__isnull=False).exclude(with_hidden_video())
    return courses.select_related("teacher").annotate(
        lesson_count=count_of(Lesson.objects.all(), "course"),
        watchable_count=count_of(watchable, "course"),
        student_count=count_of(Enrolment.objects.all(), "course"),
    )


def place_of(lesson: Lesson) -> int:
    """Return a lesson's place in its course, counted from 0: the page of a list on which it stands depends on it."""
    before = Q(position__lt=lesson.position) | Q(position=lesson.position, pk__lt=lesson.pk)
    return Lesson.objects.filter(before, course=lesson.course_id).count()
