"""Operations on courses and lessons. Pages, admin, commands and the API call these; none touches rows itself.

:mod:`lessons.permissions` decides who may do them; its names are exported here too.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from avatars.services import portraits as avatars
from avatars.services import presenters
from edu_platform.people import Person, is_teacher
from lessons.deletion import delete_lesson, restore_lesson
from lessons.enrolling import add_student, remove_student
from lessons.models import Course, Lesson
from lessons.permissions import (
    courses_taken_by,
    courses_taught_by,
    courses_visible_to,
    is_enrolled,
    lesson_id_of,
    may_edit,
    may_edit_course,
    may_watch,
    may_watch_job,
    subject_of,
)
from talking_head import services as rendering
from talking_head.errors import InvalidInput, PortraitError
from talking_head.services import Job, JobState, Narration, NarrationState

__all__ = [
    "add_lesson",
    "add_student",
    "change_lesson",
    "courses_taken_by",
    "courses_taught_by",
    "courses_visible_to",
    "create_course",
    "current_job_of",
    "delete_lesson",
    "forecast_of",
    "generate_video",
    "held_back_job_of",
    "is_enrolled",
    "is_held_back",
    "is_outdated",
    "latest_job_of",
    "may_edit",
    "may_edit_course",
    "may_use_narration",
    "may_watch",
    "may_watch_job",
    "move_lesson",
    "narration_of",
    "remove_student",
    "restore_lesson",
    "set_published",
    "show_published_job",
    "use_held_back_video",
]

FIELDS_THAT_ALTER_THE_VIDEO = ("script", "language", "portrait_id", "voice", "speed", "narration", "profile")
FIELDS_THAT_DO_NOT = ("title",)
RESERVED_SLUGS = {"new"}  # a URL of its own: /courses/new/


# --- courses -----------------------------------------------------------------------------------------------------


def create_course(teacher: User, title: str, description: str = "") -> Course:
    """Create a course whose URL is made from its title.

    Raises:
        PermissionDenied: only teachers create courses.
    """
    if not is_teacher(teacher):
        raise PermissionDenied("Only teachers can create courses.")
    return Course.objects.create(teacher=teacher, title=title, description=description, slug=_free_slug(title))


def _free_slug(title: str) -> str:
    stem = slugify(title)[:180] or "course"
    slug = stem if stem not in RESERVED_SLUGS else f"{stem}-1"
    while Course.objects.filter(slug=slug).exists():
        slug = f"{stem}-{uuid.uuid4().hex[:6]}"
    return slug


# --- lessons -----------------------------------------------------------------------------------------------------


def add_lesson(course: Course, title: str) -> Lesson:
    """Append a lesson to a course."""
    last = course.lessons.aggregate(last=Max("position"))["last"]
    # A new lesson starts with the look of the one before it: a course usually has one teacher and one voice.
    previous = course.lessons.order_by("-position", "-pk").first()
    if previous is None:
        first = presenters.first_portrait_for(course.teacher)
        look: dict[str, Any] = {"portrait": first}
    else:
        look = {name: getattr(previous, name) for name in ("portrait_id", "voice", "speed", "language", "profile")}
    return Lesson.objects.create(course=course, title=title, position=0 if last is None else last + 1, **look)


@transaction.atomic
def move_lesson(lesson: Lesson, steps: int) -> tuple[int, int]:
    """Move a lesson up (negative) or down among its neighbours; positions are renumbered from 0. Return its new place,
    counted from 1, and the number of lessons."""
    rows = Lesson.objects.select_for_update().filter(course=lesson.course_id).only("pk", "position")
    order = list(rows.order_by("position", "pk"))
    old = next(index for index, other in enumerate(order) if other.pk == lesson.pk)
    order.insert(max(0, min(len(order) - 1, old + steps)), order.pop(old))
    moved = []
    for position, other in enumerate(order):
        if other.position != position:
            other.position = position
            moved.append(other)
    Lesson.objects.bulk_update(moved, ["position"], batch_size=500)
    return order.index(lesson) + 1, len(order)


@transaction.atomic
def change_lesson(lesson: Lesson, *, expected_version: int | None = None, **values: Any) -> Lesson:
    """Write ``values`` and return the fresh row. The version rises only if the video would come out differently.

    Args:
        expected_version: the version that the editor had loaded; a save from an older page must not undo a newer one.

    Raises:
        InvalidInput: ``lesson_changed``.
    """
    unknown = set(values) - {*FIELDS_THAT_ALTER_THE_VIDEO, *FIELDS_THAT_DO_NOT}
    if unknown:
        raise TypeError(f"These fields cannot be changed here: {', '.join(sorted(unknown))}")
    stored = Lesson.objects.select_for_update().get(pk=lesson.pk)
    if expected_version is not None and stored.version != expected_version:
        raise InvalidInput(
            "This lesson was changed in another window.",
            code="lesson_changed",
            hint="Reload the page to see the newer text; copy yours first if you want to keep it.",
        )
    changed = {name: value for name, value in values.items() if getattr(stored, name) != value}
    for name, value in changed.items():
        setattr(stored, name, value)
    if any(name in FIELDS_THAT_ALTER_THE_VIDEO for name in changed):
        stored.version = stored.version + 1
    if changed:
        stored.save(update_fields=[*changed, "version", "updated_at"])
    return stored


def set_published(lesson: Lesson, published: bool) -> None:
    """Show a lesson to the students of its course, or hide it.

    Raises:
        InvalidInput: ``no_video``.
    """
    if published and lesson.current_job is None:
        raise InvalidInput(
            "This lesson has no video yet.", code="no_video", hint="Generate the video first, then publish."
        )
    Lesson.objects.filter(pk=lesson.pk).update(is_published=published)


# --- videos ------------------------------------------------------------------------------------------------------


def generate_video(lesson: Lesson, by: User, profile: str | None = None) -> Job:
    """Start a render of the lesson's current version. A second click while the same render runs returns that one; a
    render of an older text is cancelled, because it would never be shown.

    Args:
        profile: a profile to use instead of the lesson's, for this render only.

    Raises:
        PermissionDenied: ``by`` may not change the lesson.
        InvalidInput: the text or a choice is wrong (see :func:`talking_head.services.submit_job`).
    """
    if not may_edit(by, lesson):
        raise PermissionDenied("Only the teacher of a course can generate its videos.")
    lesson = Lesson.objects.select_related("course__teacher").get(pk=lesson.pk)
    profile = profile or lesson.profile
    previous = latest_job_of(lesson)
    requested = (str(lesson.version), profile)
    if previous is not None and previous.is_active and _requested_of(previous) == requested:
        return previous
    job = rendering.submit_job(
        owner=by,
        script=lesson.script,
        title=lesson.title,
        portrait_digest=_portrait_digest(lesson, by),
        **_speech_options(lesson),
        profile=profile,
        subject=subject_of(lesson),
        subject_version=str(lesson.version),
        # Two simultaneous clicks saw the same predecessor, so they ask for the same job.
        idempotency_key=f"lesson:{lesson.pk}:{lesson.version}:{profile}:{lesson.latest_job or ''}",
    )
    Lesson.objects.filter(pk=lesson.pk, latest_job=lesson.latest_job).update(latest_job=job.pk)
    if previous is not None and previous.is_active:
        rendering.cancel_job(previous)
    return job


def _requested_of(job: Job) -> tuple[str, str]:
    """Return the requested version of the text and the requested profile, perhaps "auto"."""
    return job.subject_version, job.asked_profile or job.profile


def forecast_of(
    lesson: Lesson, by: User, *, script: str, profile: str, portrait_digest: str
) -> rendering.VideoForecast:
    """Return when the lesson's video would be ready if it were generated now, with a text that may be unsaved.

    Raises:
        InvalidInput, EngineError: see :func:`talking_head.services.forecast_video`.
    """
    return rendering.forecast_video(
        owner=by,
        script=script,
        language=lesson.language,
        portrait_digest=portrait_digest,
        voice=lesson.voice,
        speed=lesson.speed,
        profile=profile,
        subject=subject_of(lesson),
    )


def _portrait_digest(lesson: Lesson, by: User) -> str:
    """Return the digest of the picture to animate, if its use is still agreed to; "" when the lesson has none.

    Raises:
        PortraitError: ``portrait_withdrawn``.
    """
    if lesson.portrait_id is None:
        return ""
    for person in (lesson.course.teacher, by):
        portrait = avatars.portraits_usable_by(person).filter(pk=lesson.portrait_id).first()
        if portrait is not None:
            return str(portrait.digest)
    raise PortraitError(
        "The portrait of this lesson can no longer be used.",
        code="portrait_withdrawn",
        hint="Pick another portrait below.",
    )


def narration_of(lesson: Lesson) -> Narration | None:
    """Return the recording that a lesson uses instead of a voice."""
    return rendering.narration_of(lesson.narration) if lesson.narration else None


def may_use_narration(user: Person, lesson: Lesson, narration_id: uuid.UUID) -> bool:
    """Return whether a lesson may use a recording: the teacher's, the editor's own, or the one it has."""
    if narration_id == lesson.narration:
        return True
    narration = rendering.narration_of(narration_id)
    return narration is not None and narration.owner_id in (lesson.course.teacher_id, user.pk)


def _speech_options(lesson: Lesson) -> dict[str, Any]:
    """Return the voice and its settings, or the recording, with which the voice's settings are unused.

    Raises:
        InvalidInput: ``unknown_narration``, ``narration_not_ready``.
    """
    if lesson.narration is None:
        return {"voice": _usable_voice(lesson), "speed": lesson.speed, "language": lesson.language}
    narration = narration_of(lesson)
    if narration is None:
        raise InvalidInput(
            "The recording of this lesson no longer exists.",
            code="unknown_narration",
            hint="Record it again, or pick a voice.",
        )
    if narration.state in (NarrationState.WAITING, NarrationState.TRANSCRIBING):
        raise InvalidInput(
            "The recording is still being transcribed.",
            code="narration_not_ready",
            hint="Wait for the transcript and correct it, then generate the video.",
        )
    return {"narration_digest": narration.digest}


def _usable_voice(lesson: Lesson) -> str:
    """Return the voice's name, if its use is still agreed to: only the teacher may use a cloned one.

    Raises:
        InvalidInput: ``voice_withdrawn``.
    """
    own_voices = {voice.name for voice in rendering.own_voices(lesson.course.teacher)}
    if rendering.voice_sample_digest(lesson.voice) and lesson.voice not in own_voices:
        raise rendering.voice_withdrawn()
    return str(lesson.voice)


def latest_job_of(lesson: Lesson) -> Job | None:
    """Return the render requested last, in any state."""
    return Job.objects.filter(pk=lesson.latest_job).first() if lesson.latest_job else None


def current_job_of(lesson: Lesson) -> Job | None:
    """Return the render that students watch."""
    return Job.objects.filter(pk=lesson.current_job).first() if lesson.current_job else None


def show_published_job(job: Job) -> bool:
    """Make a finished render the lesson's video, in the transaction that publishes it.

    Only if the lesson is still the version that was rendered, if no newer render of it was requested, and if the job's
    owner may change the lesson: ``subject`` is only a string that came with the request. A video with still pictures
    does not replace a complete one; it waits for the teacher's word (:func:`use_held_back_video`).

    Returns:
        Whether it became the current one.
    """
    lesson_id = lesson_id_of(job.subject)
    if lesson_id is None or not job.subject_version.isdecimal():
        return False
    lesson = Lesson.objects.select_related("course").filter(pk=lesson_id).first()
    if lesson is None or job.owner is None or not may_edit(job.owner, lesson):
        return False
    latest = latest_job_of(lesson)
    if latest is not None and latest.created_at > job.created_at:
        return False
    still_wanted = Lesson.objects.filter(pk=lesson_id, version=int(job.subject_version), latest_job=lesson.latest_job)
    current = current_job_of(lesson)
    if current is not None and current.pk != job.pk and _is_worse(job, current):
        still_wanted.filter(current_job=current.pk).update(latest_job=job.pk)
        return False
    return bool(still_wanted.update(current_job=job.pk, latest_job=job.pk))


def _is_worse(job: Job, current: Job) -> bool:
    return job.state == JobState.FALLBACK and current.state == JobState.COMPLETED


def is_held_back(lesson: Lesson, latest: Job | None, current: Job | None) -> bool:
    """Return whether the latest video has still pictures and therefore waits for the teacher's word, while students
    keep the complete one."""
    return (
        latest is not None
        and current is not None
        and latest.subject_version == str(lesson.version)
        and _is_worse(latest, current)
    )


def held_back_job_of(lesson: Lesson) -> Job | None:
    """Return the render that waits for the teacher's word."""
    latest = latest_job_of(lesson)
    return latest if is_held_back(lesson, latest, current_job_of(lesson)) else None


def use_held_back_video(lesson: Lesson) -> None:
    """Show students the video with still pictures after all.

    Raises:
        InvalidInput: ``nothing_held_back``.
    """
    job = held_back_job_of(lesson)
    unchanged = Lesson.objects.filter(pk=lesson.pk, version=lesson.version, current_job=lesson.current_job)
    if job is None or not unchanged.filter(latest_job=job.pk).update(current_job=job.pk):
        raise InvalidInput(
            "No video of this lesson waits for your decision any more.",
            code="nothing_held_back",
            hint="Reload the page to see the video that students watch.",
        )


def is_outdated(lesson: Lesson, current: Job | None) -> bool:
    """Return whether the text or the look has changed since the video that students watch was made."""
    return current is not None and current.subject_version != str(lesson.version)
