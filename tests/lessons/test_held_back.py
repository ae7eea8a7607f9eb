"""A video with still pictures does not replace a complete one without the teacher's word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lessons import permissions, services
from lessons.models import Lesson
from talking_head.errors import InvalidInput
from talking_head.models import Job, JobState
from talking_head.signals import job_published
from tests.lessons.conftest import make_job, show

Browse = Callable[[User | None], Client]


@pytest.fixture
def held_back(watchable: Lesson) -> Job:
    """A newer render of the lesson, with still pictures, that has just been published."""
    return finish(watchable, JobState.FALLBACK)


def finish(lesson: Lesson, state: JobState) -> Job:
    job = make_job(lesson, state)
    Lesson.objects.filter(pk=lesson.pk).update(latest_job=job.pk)
    job_published.send(sender=Job, job=job)
    lesson.refresh_from_db()
    return job


def video_url(lesson: Lesson) -> str:
    return reverse("lesson_video", args=[lesson.course.slug, lesson.pk])


def test_57_students_keep_the_complete_video(watchable: Lesson, held_back: Job, enrolled: User, browse: Browse) -> None:
    complete = watchable.current_job
    assert complete not in (None, held_back.pk)
    assert watchable.latest_job == held_back.pk
    assert services.held_back_job_of(watchable) == held_back
    assert not permissions.may_watch_job(enrolled, held_back.pk, held_back.subject)
    html = browse(enrolled).get(watchable.get_absolute_url()).content.decode()
    assert reverse("job_file", args=[complete, "video.mp4"]) in html


def test_57_a_new_text_does_not_change_that(watchable: Lesson) -> None:
    complete = watchable.current_job
    finish(services.change_lesson(watchable, script="Newer words here."), JobState.FALLBACK)
    watchable.refresh_from_db()
    assert watchable.current_job == complete


def test_57_the_teacher_uses_it_anyway(watchable: Lesson, held_back: Job, teacher: User, browse: Browse) -> None:
    answer = browse(teacher).post(video_url(watchable), {"choice": "use", "next": "editor"})
    assert answer["Location"] == reverse("lesson_edit", args=[watchable.course.slug, watchable.pk])
    watchable.refresh_from_db()
    assert watchable.current_job == held_back.pk
    assert services.held_back_job_of(watchable) is None


def test_57_or_tries_again_and_a_complete_one_replaces_both(
    watchable: Lesson, held_back: Job, teacher: User, browse: Browse
) -> None:
    complete = watchable.current_job
    browse(teacher).post(video_url(watchable), {"choice": "again", "next": "course"})
    watchable.refresh_from_db()
    assert (watchable.current_job, watchable.latest_job == held_back.pk) == (complete, False)
    better = finish(watchable, JobState.COMPLETED)
    assert watchable.current_job == better.pk


@pytest.mark.parametrize("first", [None, JobState.FALLBACK])
def test_57_it_becomes_current_where_it_is_no_worse(lesson: Lesson, first: JobState | None) -> None:
    if first is not None:
        show(lesson, make_job(lesson, first))
    newer = finish(lesson, JobState.FALLBACK)
    assert lesson.current_job == newer.pk


def test_57_a_complete_video_whose_row_is_gone_holds_nothing_back(watchable: Lesson) -> None:
    Job.objects.all().delete()
    newer = finish(watchable, JobState.FALLBACK)
    assert watchable.current_job == newer.pk


def test_57_both_pages_offer_the_choice(watchable: Lesson, held_back: Job, teacher: User, browse: Browse) -> None:
    client = browse(teacher)
    for page, buttons in (("lesson_edit", ["Use anyway"]), ("course_detail", ["Use anyway", "Try again"])):
        arguments = [watchable.course.slug] + [watchable.pk] * (page == "lesson_edit")
        html = client.get(reverse(page, args=arguments)).content.decode()
        start = html.index("data-held-back")
        block = html[start : html.index("</form>", start)]
        assert "hidden>" not in block.partition("\n")[0]
        assert all(button in block for button in buttons)
    assert "Your decision is needed" in html


def test_57_without_a_choice_the_block_is_hidden(watchable: Lesson, teacher: User, browse: Browse) -> None:
    client = browse(teacher)
    editor = client.get(reverse("lesson_edit", args=[watchable.course.slug, watchable.pk])).content.decode()
    assert 'data-held-back data-keeps="yes" hidden>' in editor
    assert "data-held-back" not in client.get(watchable.course.get_absolute_url()).content.decode()
    client.post(video_url(watchable), {"choice": "use"})
    with pytest.raises(InvalidInput, match="waits for your decision"):
        services.use_held_back_video(watchable)


def test_57_others_may_not_decide(
    watchable: Lesson, held_back: Job, enrolled: User, other_teacher: User, browse: Browse
) -> None:
    for user in (enrolled, other_teacher):
        assert browse(user).post(video_url(watchable), {"choice": "use"}).status_code in (403, 404)
        assert browse(user).post(f"/api/lessons/{watchable.pk}/use-video").status_code in (403, 404)
    watchable.refresh_from_db()
    assert watchable.current_job != held_back.pk


def test_57_the_api_says_so_and_decides(
    watchable: Lesson, held_back: Job, teacher: User, enrolled: User, browse: Browse
) -> None:
    url = f"/api/lessons/{watchable.pk}/"
    assert browse(enrolled).get(url).json()["held_back_job"] is None
    assert browse(teacher).get(url).json()["held_back_job"] == str(held_back.pk)
    answer = browse(teacher).post(f"{url}use-video")
    assert (answer.status_code, answer.json()["current_job"]) == (200, str(held_back.pk))
    assert answer.json()["held_back_job"] is None
    again = browse(teacher).post(f"{url}use-video")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_held_back")
