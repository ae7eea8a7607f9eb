"""Courses and lessons over HTTP: the pages' rules, in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lessons.models import Course, Lesson
from talking_head.models import Job
from talking_head.services import scripts
from tests.factories import enrol, make_course, make_lesson, make_portrait, make_user

JSON = "application/json"


@pytest.fixture(autouse=True)
def nothing_counted_or_known_yet() -> None:
    cache.clear()
    scripts.voices_of.cache_clear()


@pytest.fixture
def course(teacher: User) -> Course:
    return make_course(teacher, slug="botany", title="Botany")


@pytest.fixture
def lesson(course: Course) -> Lesson:
    return make_lesson(course, title="Leaves")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, method: str, url: str, **values: Any) -> Any:
    return client.generic(method, url, json.dumps(values), JSON)


class TestCourses:
    def test_people_see_the_courses_that_they_teach_or_take(
        self, course: Course, teacher: User, student: User, outsider: User
    ) -> None:
        enrol(student, course)
        for user, slugs in ((teacher, ["botany"]), (student, ["botany"]), (outsider, [])):
            assert [row["slug"] for row in client_of(user).get("/api/courses/").json()["results"]] == slugs

    def test_teachers_make_courses_and_students_do_not(self, teacher: User, student: User) -> None:
        made = send(client_of(teacher), "POST", "/api/courses/", title="Physics")
        assert (made.status_code, made.json()["slug"], made.json()["teacher"]) == (201, "physics", "teacher")
        assert send(client_of(student), "POST", "/api/courses/", title="Physics").status_code == 403

    def test_students_see_only_lessons_that_are_open(
        self, course: Course, lesson: Lesson, teacher: User, student: User
    ) -> None:
        enrol(student, course)
        make_lesson(course, title="Roots", is_published=True)
        titles = [
            {row["title"] for row in client_of(user).get("/api/courses/botany/").json()["lessons"]}
            for user in (teacher, student)
        ]
        assert titles == [{"Leaves", "Roots"}, {"Roots"}]

    def test_strangers_cannot_tell_it_from_nothing(self, course: Course, outsider: User) -> None:
        forbidden, unknown = (client_of(outsider).get(f"/api/courses/{slug}/") for slug in ("botany", "nothing"))
        assert forbidden.status_code == unknown.status_code == 404
        assert forbidden.json() == unknown.json()

    def test_only_its_teacher_adds_lessons(self, course: Course, teacher: User, student: User) -> None:
        enrol(student, course)
        url = "/api/courses/botany/lessons/"
        assert send(client_of(student), "POST", url, title="Stems").status_code == 403
        assert send(client_of(teacher), "POST", url, title="Stems").json()["course"] == "botany"
        assert Lesson.objects.get().title == "Stems"


class TestLessons:
    def test_its_teacher_changes_it(self, lesson: Lesson, teacher: User) -> None:
        portrait = make_portrait(teacher)
        response = send(
            client_of(teacher), "PATCH", f"/api/lessons/{lesson.pk}/",
            script="New words.", portrait=portrait.pk, voice="boop", speed=1.25, version=1,
        )  # fmt: skip
        assert response.status_code == 200
        lesson.refresh_from_db()
        assert (lesson.script, lesson.portrait, lesson.voice, lesson.speed) == ("New words.", portrait, "boop", 1.25)
        assert (lesson.language, lesson.version, response.json()["version"]) == ("en-GB", 2, 2)

    @pytest.mark.parametrize(
        ("values", "status", "code"),
        [
            ({"voice": "nobody"}, 400, "unknown_voice"),
            ({"speed": 9}, 400, "invalid_input"),
            ({"profile": "instant"}, 400, "invalid_input"),
            ({"portrait": 10**9}, 400, "unknown_portrait"),
            ({"portrait": 10**30}, 400, "invalid_input"),
            ({"version": 7, "script": "Late."}, 409, "lesson_changed"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, lesson: Lesson, teacher: User, values: dict[str, Any], status: int, code: str
    ) -> None:
        response = send(client_of(teacher), "PATCH", f"/api/lessons/{lesson.pk}/", **values)
        assert (response.status_code, response.json()["code"]) == (status, code)
        lesson.refresh_from_db()
        assert lesson.version == 1

    def test_somebody_elses_portrait_cannot_be_chosen(self, lesson: Lesson, teacher: User, outsider: User) -> None:
        theirs = make_portrait(outsider)
        response = send(client_of(teacher), "PATCH", f"/api/lessons/{lesson.pk}/", portrait=theirs.pk)
        assert response.json()["code"] == "unknown_portrait"

    def test_pointers_and_publication_are_not_for_writing(self, lesson: Lesson, teacher: User) -> None:
        send(client_of(teacher), "PATCH", f"/api/lessons/{lesson.pk}/", current_job=str(lesson.pk), is_published=True)
        lesson.refresh_from_db()
        assert (lesson.current_job, lesson.is_published) == (None, False)

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_others_do_not_change_it(
        self, course: Course, lesson: Lesson, student: User, outsider: User, method: str
    ) -> None:
        enrol(student, course)
        url = f"/api/lessons/{lesson.pk}/"
        assert send(client_of(outsider), method, url).status_code == 404
        assert send(client_of(student), method, url).status_code == 404
        Lesson.objects.update(is_published=True, current_job="00000000-0000-4000-8000-000000000000")
        assert client_of(student).get(url).status_code == 200
        assert client_of(student).get(url).json()["latest_job"] is None
        assert send(client_of(student), method, url).status_code == 403
        assert Lesson.objects.filter(pk=lesson.pk, title="Leaves").exists()

    def test_another_teacher_is_a_stranger(self, lesson: Lesson) -> None:
        colleague = make_user("colleague", teacher=True)
        assert client_of(colleague).get(f"/api/lessons/{lesson.pk}/").status_code == 404

    def test_generating_and_publishing(self, lesson: Lesson, teacher: User) -> None:
        client = client_of(teacher)
        started = send(client, "POST", f"/api/lessons/{lesson.pk}/generate", profile="fast")
        assert (started.status_code, started.json()["profile"], started.json()["clips_total"]) == (201, "fast", 2)
        again = send(client, "POST", f"/api/lessons/{lesson.pk}/generate", profile="fast")
        assert again.json()["id"] == started.json()["id"]
        assert client.get(f"/api/lessons/{lesson.pk}/").json()["latest_job"] == started.json()["id"]
        too_early = send(client, "POST", f"/api/lessons/{lesson.pk}/publish", is_published=True)
        assert (too_early.status_code, too_early.json()["code"]) == (400, "no_video")

    def test_deleting_stops_what_renders(self, lesson: Lesson, teacher: User) -> None:
        send(client_of(teacher), "POST", f"/api/lessons/{lesson.pk}/generate")
        assert send(client_of(teacher), "DELETE", f"/api/lessons/{lesson.pk}/").status_code == 204
        assert Job.objects.get().state == "cancelled"


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(
        st.sampled_from(["title", "script", "portrait", "voice", "speed", "profile", "version", "is_published"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=100) | st.just("\ud800\x00"),
    ),
    what=st.sampled_from([("PATCH", ""), ("POST", "generate"), ("POST", "publish")]),
)
def test_no_values_break_it(lesson: Lesson, teacher: User, values: dict[str, Any], what: tuple[str, str]) -> None:
    response = send(client_of(teacher), what[0], f"/api/lessons/{lesson.pk}/{what[1]}", **values)
    assert response.status_code < 500, (values, response.content)
    if response.status_code >= 400:
        assert set(response.json()) == {"code", "message", "hint"}
