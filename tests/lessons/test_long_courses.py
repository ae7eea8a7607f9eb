"""Courses with more lessons and students than a page shows: the teacher's pages, and those of administrators."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lessons.models import Course, Enrolment, Invitation, Lesson
from lessons.views.courses import LESSONS_A_PAGE, STUDENTS_SHOWN
from lessons.views.students import STUDENTS_A_PAGE
from tests.factories import make_course

Browse = Callable[[User | None], Client]


@pytest.fixture
def many_students(course: Course) -> list[User]:
    users = User.objects.bulk_create(
        [User(username=f"pupil-{number:03d}", first_name="Maria") for number in range(STUDENTS_A_PAGE + 5)]
    )
    Enrolment.objects.bulk_create([Enrolment(course=course, student=user) for user in users])
    return users


@pytest.fixture
def many_lessons(course: Course) -> list[Lesson]:
    return Lesson.objects.bulk_create(
        [Lesson(course=course, position=place, title=f"Lesson {place:03d}") for place in range(LESSONS_A_PAGE + 5)]
    )


def html(client: Client, url: str) -> str:
    return client.get(url).content.decode()


class TestStudents:
    def test_the_course_shows_the_first_and_leads_to_all(
        self, course: Course, teacher: User, browse: Browse, many_students: list[User]
    ) -> None:
        page = html(browse(teacher), course.get_absolute_url())
        assert f"pupil-{STUDENTS_SHOWN - 1:03d}" in page and f"pupil-{STUDENTS_SHOWN:03d}" not in page
        assert f'href="{reverse("course_students", args=[course.slug])}"' in page
        assert f"All {len(many_students)} students" in page

    def test_they_come_in_pages_and_are_found_by_name(
        self, course: Course, teacher: User, browse: Browse, many_students: list[User]
    ) -> None:
        client, url = browse(teacher), reverse("course_students", args=[course.slug])
        last = many_students[-1].username
        assert last not in html(client, url) and 'rel="next"' in html(client, url)
        assert last in html(client, f"{url}?page=2")
        assert last in html(client, f"{url}?q=maria+{last}")
        assert "No student of this course has “zoë”" in html(client, f"{url}?q=zoë")

    def test_removing_one_stays_in_the_list_that_was_searched(
        self, course: Course, teacher: User, browse: Browse, many_students: list[User]
    ) -> None:
        url = reverse("enrolment_remove", args=[course.slug, many_students[3].pk])
        response = browse(teacher).post(url, {"next": "students", "q": "maria", "page": "2"})
        assert response["Location"] == f"{reverse('course_students', args=[course.slug])}?q=maria&page=2"
        assert course.enrolments.count() == len(many_students) - 1

    def test_inviting_one_shows_the_invitation_among_all(self, course: Course, teacher: User, browse: Browse) -> None:
        Invitation.objects.bulk_create(
            [Invitation(course=course, username=f"invited-{number:03d}") for number in range(STUDENTS_A_PAGE)]
        )
        url = reverse("enrolment_add", args=[course.slug])
        response = browse(teacher).post(url, {"next": "students", "username": "zoe"}, follow=True)
        assert 'Withdraw<span class="visually-hidden"> the invitation of zoe' in response.content.decode()

    def test_a_refused_name_is_shown_where_it_was_typed(self, course: Course, teacher: User, browse: Browse) -> None:
        url = reverse("enrolment_add", args=[course.slug])
        response = browse(teacher).post(url, {"next": "students", "username": ""})
        assert response.status_code == 400
        assert "Students of" in response.content.decode()


class TestLessons:
    def test_a_moved_lesson_is_on_the_page_that_is_shown(
        self, course: Course, teacher: User, browse: Browse, many_lessons: list[Lesson]
    ) -> None:
        client = browse(teacher)
        lesson = many_lessons[LESSONS_A_PAGE - 1]
        response = client.post(
            reverse("lesson_move", args=[course.slug, lesson.pk]), {"direction": "down"}, follow=True
        )
        assert "page=2" in response.redirect_chain[0][0]
        assert f"Lesson {LESSONS_A_PAGE + 1} of {len(many_lessons)}." in response.content.decode()

    def test_only_the_ends_of_the_course_cannot_be_moved_on(
        self, course: Course, teacher: User, browse: Browse, many_lessons: list[Lesson]
    ) -> None:
        first, second = (html(browse(teacher), f"{course.get_absolute_url()}?page={page}") for page in (1, 2))
        assert (first.count('aria-disabled="true"'), second.count('aria-disabled="true"')) == (1, 1)

    def test_students_see_them_in_pages_with_their_numbers(
        self, course: Course, enrolled: User, browse: Browse, many_lessons: list[Lesson]
    ) -> None:
        import uuid

        for lesson in many_lessons:
            lesson.is_published, lesson.current_job = True, uuid.uuid4()
        Lesson.objects.bulk_update(many_lessons, ["is_published", "current_job"])
        page = html(browse(enrolled), f"{course.get_absolute_url()}?page=2")
        assert f"{LESSONS_A_PAGE + 1}. Lesson {LESSONS_A_PAGE:03d}" in page
        assert f"0 of {len(many_lessons)} done" in page


class TestAdministrators:
    def test_a_course_with_many_students_can_be_saved(
        self, course: Course, admin_user: User, browse: Browse, many_students: list[User]
    ) -> None:
        url = reverse("admin:lessons_course_change", args=[course.pk])
        client = browse(admin_user)
        page = html(client, url)
        assert f"{len(many_students)} enrolments" in page and "pupil-000" not in page
        values = {"title": "Renamed", "slug": course.slug, "description": "", "teacher": course.teacher_id}
        assert client.post(url, values).status_code == 302
        course.refresh_from_db()
        assert course.title == "Renamed" and course.enrolments.count() == len(many_students)

    def test_its_students_are_a_list_of_their_own(
        self, course: Course, admin_user: User, browse: Browse, teacher: User, many_students: list[User]
    ) -> None:
        Enrolment.objects.create(course=make_course(teacher), student=many_students[0])
        listed = browse(admin_user).get(reverse("admin:lessons_enrolment_changelist"), {"course": course.pk})
        assert listed.context["cl"].result_count == len(many_students)

    def test_the_question_before_a_deletion_names_some_and_counts_all(
        self, course: Course, admin_user: User, browse: Browse, many_students: list[User]
    ) -> None:
        page = html(browse(admin_user), reverse("admin:lessons_course_delete", args=[course.pk]))
        assert f"Enrolments: {len(many_students)}" in page
        assert f"and {len(many_students) - 20} more" in page
