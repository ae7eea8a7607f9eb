"""Changing lessons, asking for videos, and which render becomes the lesson's video."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from lessons import services
from lessons.models import Course, Lesson
from talking_head.errors import InvalidInput, PortraitError, ScriptError
from talking_head.models import Job, JobState
from talking_head.signals import job_published
from tests.factories import make_lesson, make_portrait
from tests.lessons.conftest import make_job, show


def publish(job: Job) -> None:
    """What the renderer does at the end, as far as lessons are concerned."""
    with transaction.atomic():
        job_published.send(sender=Job, job=job)


# --- versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"script": "Other words."}, {"voice": "boop"}, {"speed": 1.5}, {"profile": "fast"}])
def test_what_alters_the_video_raises_the_version(lesson: Lesson, change: dict[str, Any]) -> None:
    assert services.change_lesson(lesson, **change).version == lesson.version + 1


def test_a_new_title_or_the_same_values_leave_the_version(lesson: Lesson) -> None:
    changed = services.change_lesson(lesson, title="Another title", script=lesson.script, speed=lesson.speed)
    assert (changed.version, changed.title) == (lesson.version, "Another title")


def test_a_save_from_an_older_page_does_not_undo_a_newer_one(lesson: Lesson) -> None:
    services.change_lesson(lesson, expected_version=lesson.version, script="From the first window.")
    with pytest.raises(InvalidInput) as refusal:
        services.change_lesson(lesson, expected_version=lesson.version, script="From the second window.")
    assert refusal.value.code == "lesson_changed"
    lesson.refresh_from_db()
    assert lesson.script == "From the first window."


def test_the_pointers_to_renders_cannot_be_changed_by_an_edit(lesson: Lesson) -> None:
    with pytest.raises(TypeError):
        services.change_lesson(lesson, current_job=None)


# --- asking for a video ------------------------------------------------------------------------------------------


def test_generate_submits_the_lesson_as_it_stands(lesson: Lesson, teacher: User) -> None:
    lesson = services.change_lesson(lesson, voice="boop", speed=1.25, profile="fast")
    job = services.generate_video(lesson, by=teacher)
    lesson.refresh_from_db()
    assert lesson.latest_job == job.pk
    assert (job.script, job.voice, job.speed, job.profile) == (lesson.script, "boop", 1.25, "fast")
    assert (job.subject, job.subject_version, job.owner) == (f"lesson:{lesson.pk}", str(lesson.version), teacher)
    assert job.clips.count() == 2


def test_another_profile_for_one_render_leaves_the_lessons_own(lesson: Lesson, teacher: User) -> None:
    job = services.generate_video(lesson, by=teacher, profile="fast")
    lesson.refresh_from_db()
    assert (job.profile, lesson.profile, lesson.version) == ("fast", "balanced", 1)


def test_a_second_click_while_it_renders_is_the_same_render(lesson: Lesson, teacher: User) -> None:
    first = services.generate_video(lesson, by=teacher)
    assert services.generate_video(lesson, by=teacher).pk == first.pk
    assert Job.objects.count() == 1


def test_two_clicks_in_the_same_instant_are_one_render(
    lesson: Lesson, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = services.generate_video(lesson, by=teacher)
    # The second request had read the lesson before the first one wrote.
    Lesson.objects.filter(pk=lesson.pk).update(latest_job=None)
    assert services.generate_video(lesson, by=teacher).pk == first.pk


def test_after_an_end_generate_starts_a_new_render(lesson: Lesson, teacher: User) -> None:
    first = services.generate_video(lesson, by=teacher)
    Job.objects.filter(pk=first.pk).update(state=JobState.FAILED)
    assert services.generate_video(lesson, by=teacher).pk != first.pk


def test_generating_a_newer_text_cancels_the_older_render(lesson: Lesson, teacher: User) -> None:
    first = services.generate_video(lesson, by=teacher)
    lesson = services.change_lesson(lesson, script="A newer text.")
    second = services.generate_video(lesson, by=teacher)
    first.refresh_from_db()
    assert first.state == JobState.CANCELLED
    assert second.state == JobState.QUEUED


def test_a_text_that_cannot_be_spoken_starts_nothing_and_stops_nothing(lesson: Lesson, teacher: User) -> None:
    running = services.generate_video(lesson, by=teacher)
    lesson = services.change_lesson(lesson, script="  \n ")
    with pytest.raises(ScriptError):
        services.generate_video(lesson, by=teacher)
    running.refresh_from_db()
    lesson.refresh_from_db()
    assert running.state == JobState.QUEUED
    assert lesson.latest_job == running.pk


def test_nobody_else_can_generate(lesson: Lesson, other_teacher: User, enrolled: User) -> None:
    for person in (other_teacher, enrolled):
        with pytest.raises(PermissionDenied):
            services.generate_video(lesson, by=person)
    assert not Job.objects.exists()


def test_a_portrait_that_was_withdrawn_is_not_used(lesson: Lesson, teacher: User) -> None:
    portrait = make_portrait(teacher)
    lesson = services.change_lesson(lesson, portrait_id=portrait.pk)
    portrait.deleted_at = portrait.created_at
    portrait.save()
    with pytest.raises(PortraitError) as refusal:
        services.generate_video(lesson, by=teacher)
    assert refusal.value.code == "portrait_withdrawn"


def test_somebody_elses_portrait_is_not_used(lesson: Lesson, teacher: User, other_teacher: User) -> None:
    lesson = services.change_lesson(lesson, portrait_id=make_portrait(other_teacher).pk)
    with pytest.raises(PortraitError):
        services.generate_video(lesson, by=teacher)


# --- which render becomes current --------------------------------------------------------------------------------


def test_a_published_render_becomes_the_lessons_video(lesson: Lesson) -> None:
    job = make_job(lesson)
    publish(job)
    lesson.refresh_from_db()
    assert (lesson.current_job, lesson.latest_job) == (job.pk, job.pk)


def test_a_render_of_an_older_text_never_becomes_current(lesson: Lesson) -> None:
    older = make_job(lesson)
    services.change_lesson(lesson, script="Edited while it was rendered.")
    publish(older)
    lesson.refresh_from_db()
    assert lesson.current_job is None


def test_an_older_render_that_ends_late_does_not_replace_a_newer_one(lesson: Lesson) -> None:
    older, newer = make_job(lesson), make_job(lesson)
    publish(newer)
    publish(older)
    lesson.refresh_from_db()
    assert lesson.current_job == newer.pk


def test_students_keep_the_old_video_while_the_text_changes(watchable: Lesson) -> None:
    shown = watchable.current_job
    changed = services.change_lesson(watchable, script="Newer words.")
    assert changed.current_job == shown
    job = services.current_job_of(changed)
    assert services.is_outdated(changed, job)


def test_a_job_that_only_claims_to_be_of_a_lesson_changes_nothing(lesson: Lesson, other_teacher: User) -> None:
    publish(make_job(lesson, owner=other_teacher))
    publish(make_job(lesson, owner=None))
    publish(make_job(lesson, subject="lesson:999999"))
    publish(make_job(lesson, subject="", subject_version=""))
    publish(make_job(lesson, subject_version="one"))
    lesson.refresh_from_db()
    assert lesson.current_job is None


def test_when_publishing_is_rolled_back_the_old_video_stays(watchable: Lesson) -> None:
    shown = watchable.current_job
    newer = make_job(watchable)
    with pytest.raises(RuntimeError), transaction.atomic():
        job_published.send(sender=Job, job=newer)
        raise RuntimeError("the commit fails")
    watchable.refresh_from_db()
    assert watchable.current_job == shown


# --- courses and order -------------------------------------------------------------------------------------------


def test_publishing_needs_a_video(lesson: Lesson) -> None:
    with pytest.raises(InvalidInput) as refusal:
        services.set_published(lesson, True)
    assert refusal.value.code == "no_video"
    services.set_published(show(lesson, make_job(lesson), published=False), True)
    lesson.refresh_from_db()
    assert lesson.is_published


def test_lessons_move_within_their_course_and_stop_at_its_ends(course: Course) -> None:
    first, second, third = (make_lesson(course, title=title, position=0) for title in "abc")
    services.move_lesson(third, -1)
    services.move_lesson(first, -1)
    assert [lesson.title for lesson in course.lessons.all()] == ["a", "c", "b"]
    services.move_lesson(first, 1)
    services.move_lesson(second, 1)
    assert [lesson.title for lesson in course.lessons.all()] == ["c", "a", "b"]


def test_a_new_lesson_comes_last_and_looks_like_the_one_before(course: Course, teacher: User) -> None:
    portrait = make_portrait(teacher)
    make_lesson(course, position=4, portrait=portrait, voice="boop", speed=0.9, profile="quality")
    lesson = services.add_lesson(course, "Next")
    assert lesson.position == 5
    assert (lesson.portrait, lesson.voice, lesson.speed, lesson.profile) == (portrait, "boop", 0.9, "quality")
    assert lesson.script == ""


def test_course_addresses_are_unique_readable_and_never_taken_by_a_page(teacher: User) -> None:
    slugs = [services.create_course(teacher, title).slug for title in ("Größe & Maß", "Größe & Maß", "new", "空")]
    assert slugs[0] == "groe-ma"
    assert slugs[1].startswith("groe-ma-")
    assert slugs[2] != "new"
    assert slugs[3] == "course"


def test_deleting_a_lesson_stops_its_render(lesson: Lesson, teacher: User) -> None:
    job = services.generate_video(lesson, by=teacher)
    lesson.refresh_from_db()
    services.delete_lesson(lesson)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
