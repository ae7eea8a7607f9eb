"""What the other pages show: lists, one course, the lesson as students see it, progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from lessons import learning, services
from lessons.models import Course, Lesson, Progress
from talking_head.models import Clip, JobState
from tests.factories import enrol, make_lesson
from tests.lessons.conftest import make_job, show

Browse = Callable[[User | None], Client]


def html_of(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def test_a_teacher_sees_the_state_of_every_lesson(course: Course, teacher: User, browse: Browse) -> None:
    states = {
        "Waiting": make_job(make_lesson(course), JobState.QUEUED),
        "Rendering": make_job(make_lesson(course), JobState.RUNNING),
        "Failed": make_job(make_lesson(course), JobState.FAILED),
        "Ready": make_job(make_lesson(course)),
        "Ready, with still pictures": make_job(make_lesson(course), JobState.FALLBACK),
    }
    for job in states.values():
        pk = int(job.subject.partition(":")[2])
        current = job.pk if job.is_watchable else None
        Lesson.objects.filter(pk=pk).update(latest_job=job.pk, current_job=current)
    changed = show(make_lesson(course), make_job(make_lesson(course)))
    services.change_lesson(changed, script="Newer.")
    make_lesson(course)
    html = html_of(browse(teacher), course.get_absolute_url())
    for words in (*states, "Out of date", "No video yet"):
        assert f">{words}</span>" in html


def test_a_long_course_costs_no_more_queries_than_a_short_one(
    course: Course, teacher: User, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        lesson = make_lesson(course)
        show(lesson, make_job(lesson))
    client = browse(teacher)
    with django_assert_max_num_queries(15):
        client.get(course.get_absolute_url())


def test_a_student_sees_published_lessons_and_nothing_of_the_kitchen(
    course: Course, watchable: Lesson, enrolled: User, browse: Browse
) -> None:
    make_lesson(course, title="Still being written")
    html = html_of(browse(enrolled), course.get_absolute_url())
    assert watchable.title in html
    assert "Still being written" not in html
    assert "Publish" not in html
    assert enrolled.username not in html.split("<main", 1)[1]


def test_home_offers_to_go_on(watchable: Lesson, enrolled: User, browse: Browse) -> None:
    client = browse(enrolled)
    assert "Up next" in html_of(client, reverse("home"))
    learning.save_progress(enrolled, watchable, 12.0)
    assert "Resume at 0:12" in html_of(client, reverse("home"))


def test_people_without_courses_are_told_what_to_do(outsider: User, other_teacher: User, browse: Browse) -> None:
    assert "Your teacher invites you to a course" in html_of(browse(outsider), reverse("home"))
    assert "Create your first course" in html_of(browse(other_teacher), reverse("course_list"))


def test_a_course_is_made_renamed_and_given_lessons(teacher: User, browse: Browse) -> None:
    client = browse(teacher)
    response = client.post(reverse("course_create"), {"title": "Tides", "description": "Why the sea rises."})
    assert response["Location"] == reverse("course_detail", args=["tides"])
    client.post(reverse("course_edit", args=["tides"]), {"title": "High tides", "description": ""})
    course = Course.objects.get(slug="tides")
    assert (course.title, course.teacher) == ("High tides", teacher)
    response = client.post(reverse("lesson_create", args=["tides"]), {"title": "The pull of the Moon"})
    lesson = course.lessons.get()
    assert response["Location"] == reverse("lesson_edit", args=["tides", lesson.pk])
    assert client.post(reverse("course_edit", args=["tides"]), {"title": ""}).status_code == 400
    assert client.post(reverse("lesson_create", args=["tides"]), {"title": ""}).status_code == 400
    assert course.lessons.count() == 1


def test_order_publication_and_students_are_kept_from_the_course_page(
    course: Course, teacher: User, student: User, browse: Browse
) -> None:
    client = browse(teacher)
    first, second = (make_lesson(course, title=title) for title in ("one", "two"))
    client.post(reverse("lesson_move", args=[course.slug, second.pk]), {"direction": "up"})
    assert list(course.lessons.all()) == [second, first]
    client.post(reverse("lesson_publish", args=[course.slug, first.pk]), {"published": "1"})
    first.refresh_from_db()
    assert not first.is_published
    show(first, make_job(first), published=False)
    client.post(reverse("lesson_publish", args=[course.slug, first.pk]), {"published": "1"})
    first.refresh_from_db()
    assert first.is_published
    page = client.post(reverse("enrolment_add", args=[course.slug]), {"username": student.username}, follow=True)
    assert f"{student.username} is invited." in page.content.decode()
    enrol(student, course)
    client.post(reverse("enrolment_remove", args=[course.slug, student.pk]))
    assert not course.enrolments.exists()


# --- watching ----------------------------------------------------------------------------------------------------


def test_the_lesson_page_has_video_captions_transcript_and_the_label(
    watchable: Lesson, enrolled: User, browse: Browse
) -> None:
    Clip.objects.filter(index=1).update(chapter="The second part")
    html = html_of(browse(enrolled), watchable.get_absolute_url())
    for name in ("video.mp4", "captions.vtt", "transcript.json", "poster.jpg"):
        assert reverse("job_file", args=[watchable.current_job, name]) in html
    assert "Synthetic video" in html
    assert "Second sentence here." in html
    assert "The second part" in html
    assert 'data-start="10.000"' in html  # the second sentence begins where the first clip ends


def test_the_teacher_may_take_the_video_and_its_captions_along(
    watchable: Lesson, teacher: User, enrolled: User, browse: Browse
) -> None:
    files = (reverse("job_file", args=[watchable.current_job, name]) for name in ("video.mp4", "captions.vtt"))
    to_teacher, to_student = (html_of(browse(who), watchable.get_absolute_url()) for who in (teacher, enrolled))
    assert all(f'href="{file}?download=1"' in to_teacher for file in files)
    assert "download=1" not in to_student


def test_stand_ins_are_told_to_students_too(watchable: Lesson, enrolled: User, browse: Browse) -> None:
    Clip.objects.filter(index=0).update(is_fallback=True)
    html = " ".join(html_of(browse(enrolled), watchable.get_absolute_url()).split())
    assert "1 sentence of this video is shown as a still picture" in html


def test_the_page_offers_to_resume_and_names_the_next_lesson(
    course: Course, watchable: Lesson, enrolled: User, browse: Browse
) -> None:
    following = make_lesson(course, title="The Sun", position=9)
    show(following, make_job(following))
    learning.save_progress(enrolled, watchable, 12.5)
    html = html_of(browse(enrolled), watchable.get_absolute_url())
    assert 'data-resume="12.500"' in html
    assert 'Next: <span lang="en">The Sun</span>' in html


def test_the_teacher_sees_the_page_of_a_lesson_without_a_video(lesson: Lesson, teacher: User, browse: Browse) -> None:
    assert "No video yet" in html_of(browse(teacher), lesson.get_absolute_url())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"position": 4.5}, 200),
        ({"position": 3, "watched": [[0, 2.5], [2, 3]]}, 200),
        ({"position": 3, "watched": [[5, 1], [-4, 900]]}, 200),
        ({"position": 3, "completed": True}, 200),  # from a page that was opened before an upgrade
        ({"position": "4"}, 400),
        ({"position": True}, 400),
        ({"position": float("nan")}, 400),
        ({"position": float("inf")}, 400),
        ({"completed": True}, 400),
        ({"position": 1, "watched": "all"}, 400),
        ({"position": 1, "watched": None}, 400),
        ({"position": 1, "watched": [[0]]}, 400),
        ({"position": 1, "watched": [[0, True]]}, 400),
        ({"position": 1, "watched": [[0, float("inf")]]}, 400),
        ({"position": 1, "watched": [[0, 1]] * 201}, 400),
        ([1], 400),
        ("not json {", 400),
        ("[" * 100_000, 400),
        (b"\xff\xfe", 400),
    ],
)
def test_positions_are_saved_and_nonsense_is_refused(
    watchable: Lesson, enrolled: User, browse: Browse, sent: Any, status: int
) -> None:
    url = reverse("lesson_progress", args=[watchable.course.slug, watchable.pk])
    response = browse(enrolled).post(url, sent, content_type="application/json")
    assert response.status_code == status
    assert Progress.objects.exists() == (status == 200)


def test_the_mark_is_set_and_taken_back_without_javascript(watchable: Lesson, enrolled: User, browse: Browse) -> None:
    url = reverse("lesson_progress", args=[watchable.course.slug, watchable.pk])
    client = browse(enrolled)
    assert "Mark as done" not in client.post(url, {"completed": "1"}, follow=True).content.decode()
    assert "Mark as done" in client.post(url, {"completed": "0"}, follow=True).content.decode()


# --- errors ------------------------------------------------------------------------------------------------------


def test_missing_pages_keep_the_frame_of_the_site(enrolled: User, browse: Browse) -> None:
    response = browse(enrolled).get("/courses/nowhere/")
    assert response.status_code == 404
    assert "Back to the home page" in response.content.decode()


def test_a_broken_page_says_so_in_words(enrolled: User, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lessons.learning.continue_where_left_off", lambda student: 1 / 0)
    response = browse(enrolled).get(reverse("home"))
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()
