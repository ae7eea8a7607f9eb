"""Students see what is published, and nothing of what their teacher is still writing (case 58)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from lessons import learning, services
from lessons.models import Course, Lesson
from talking_head import services as rendering
from talking_head.models import Job
from tests.factories import make_lesson
from tests.lessons.conftest import make_job, show

SECRET = "Answer key of Friday"


@pytest.fixture
def draft(watchable: Lesson) -> Lesson:
    """A published lesson whose teacher has changed title and text, and has requested the next video."""
    changed = services.change_lesson(watchable, title=f"{SECRET}: title", script=f"{SECRET}: text.", voice="boop")
    services.generate_video(changed, changed.course.teacher)
    changed.refresh_from_db()
    return changed


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def job_of(job_id: UUID | None) -> Job:
    assert job_id is not None
    return Job.objects.get(pk=job_id)


def addresses(course: Course, lesson: Lesson) -> list[str]:
    pages = [reverse("home"), reverse("course_list"), course.get_absolute_url(), lesson.get_absolute_url()]
    return [
        *pages,
        "/api/courses/",
        f"/api/courses/{course.slug}/",
        f"/api/lessons/{lesson.pk}/",
        f"/api/jobs/{lesson.current_job}/",
    ]


def test_58_no_page_and_no_api_shows_a_student_the_draft(course: Course, draft: Lesson, enrolled: User) -> None:
    client = client_of(enrolled)
    for address in addresses(course, draft):
        response = client.get(address)
        assert response.status_code == 200, address
        assert SECRET not in response.content.decode(), address
    assert "The Moon" in client.get(draft.get_absolute_url()).content.decode()


def test_58_the_next_lesson_and_where_to_continue_have_their_published_titles(
    course: Course, watchable: Lesson, enrolled: User
) -> None:
    second = make_lesson(course, title="Tides", position=1)
    show(second, make_job(second))
    services.change_lesson(second, title=SECRET)
    client = client_of(enrolled)
    page = client.get(watchable.get_absolute_url()).content.decode()
    assert "Next: Tides" in strip_tags(page) and SECRET not in page
    learning.set_completed(enrolled, watchable, True)
    assert SECRET not in client.get(reverse("home")).content.decode()


def test_58_the_api_gives_a_student_the_values_of_the_published_video(
    draft: Lesson, enrolled: User, teacher: User
) -> None:
    def read(user: User) -> Any:
        return client_of(user).get(f"/api/lessons/{draft.pk}/").json()

    seen = read(enrolled)
    assert (seen["title"], seen["script"]) == ("The Moon", job_of(draft.current_job).script)
    assert (seen["latest_job"], seen["voice"], seen["portrait"], seen["narration"]) == (None, "", None, None)
    assert read(teacher)["title"] == draft.title, "the teacher sees what they write"


@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_58_the_job_that_is_being_made_is_unknown_to_students(draft: Lesson, enrolled: User, method: str) -> None:
    client = client_of(enrolled)
    assert getattr(client, method)(f"/api/jobs/{draft.latest_job}/").status_code in (404, 405)
    job = job_of(draft.latest_job)
    assert not rendering.may_view_job(enrolled, job), "the socket asks the same"
    for name in ("video.mp4", "captions.vtt", "transcript.json", "poster.jpg"):
        assert client.get(reverse("job_file", args=[job.pk, name])).status_code == 404


def test_58_a_lesson_that_was_never_published_is_not_there(course: Course, enrolled: User) -> None:
    hidden = make_lesson(course, title=SECRET, script=f"{SECRET}.")
    client = client_of(enrolled)
    assert client.get(f"/api/lessons/{hidden.pk}/").status_code == 404
    assert client.get(hidden.get_absolute_url()).status_code == 403
    assert SECRET not in client.get(f"/api/courses/{course.slug}/").content.decode()
