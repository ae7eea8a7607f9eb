"""Every address against every kind of person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver, reverse

from lessons.models import Course, Lesson
from lessons.urls import urlpatterns

Browse = Callable[[User | None], Client]
PEOPLE = ("owner", "other", "enrolled", "outsider", "admin", "nobody")
LOG_IN = 302

# name -> (method, answers of owner, other teacher, enrolled student, outsider, admin, a visitor)
PAGES = {
    "home": ("get", (302, 302, 200, 200, 302, LOG_IN)),
    "login": ("get", (302, 302, 302, 302, 302, 200)),
    "course_list": ("get", (200, 200, 200, 200, 200, LOG_IN)),
    "course_create": ("get", (200, 200, 403, 403, 200, LOG_IN)),
    "course_detail": ("get", (200, 404, 200, 404, 200, LOG_IN)),
    "course_students": ("get", (200, 404, 403, 404, 200, LOG_IN)),
    "course_edit": ("get", (200, 404, 403, 404, 200, LOG_IN)),
    "lesson_detail": ("get", (200, 404, 200, 404, 200, LOG_IN)),
    "lesson_edit": ("get", (200, 404, 403, 404, 200, LOG_IN)),
    "lesson_create": ("post", (400, 404, 403, 404, 400, LOG_IN)),
    "lesson_forecast": ("post", (200, 404, 403, 404, 200, LOG_IN)),
    "lesson_move": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "lesson_publish": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "lesson_cancel": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "lesson_delete": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "lesson_undelete": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "lesson_video": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "lesson_progress": ("post", (302, 404, 302, 404, 302, LOG_IN)),
    "enrolment_add": ("post", (400, 404, 403, 404, 400, LOG_IN)),
    "enrolment_remove": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "invitation_withdraw": ("post", (302, 404, 403, 404, 302, LOG_IN)),
    "invitation_answer": ("post", (302, 302, 302, 302, 302, LOG_IN)),
}


@pytest.fixture
def people(
    teacher: User, other_teacher: User, enrolled: User, outsider: User, admin_user: User
) -> dict[str, User | None]:
    return dict(zip(PEOPLE, (teacher, other_teacher, enrolled, outsider, admin_user, None), strict=True))


def address(name: str, lesson: Lesson) -> str:
    values = {"slug": lesson.course.slug, "pk": lesson.pk, "student_id": 1, "invitation_id": 1}
    wanted = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
    return reverse(name, kwargs={key: values[key] for key in wanted})


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", PAGES)
def test_who_may_open_what(
    name: str, person: str, watchable: Lesson, people: dict[str, User | None], browse: Browse
) -> None:
    method, answers = PAGES[name]
    response = getattr(browse(people[person]), method)(address(name, watchable))
    assert response.status_code == answers[PEOPLE.index(person)]
    if person == "nobody" and answers[-1] == LOG_IN:
        assert response["Location"].startswith(reverse("login"))


def test_no_address_is_forgotten_here() -> None:
    assert {pattern.name for pattern in urlpatterns} == {*PAGES, "logout"}


@pytest.mark.parametrize("name", [name for name, (method, _) in PAGES.items() if method == "post"])
def test_what_changes_something_is_never_a_link(name: str, watchable: Lesson, teacher: User, browse: Browse) -> None:
    assert browse(teacher).get(address(name, watchable)).status_code == 405


def test_forms_from_other_sites_are_refused(watchable: Lesson, teacher: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(teacher)
    response = client.post(address("lesson_delete", watchable))
    assert response.status_code == 403
    assert b"This form has expired" in response.content
    assert Lesson.objects.filter(pk=watchable.pk).exists()


def test_a_student_cannot_open_a_lesson_before_it_is_published(lesson: Lesson, enrolled: User, browse: Browse) -> None:
    for name, method in (("lesson_detail", "get"), ("lesson_progress", "post")):
        assert getattr(browse(enrolled), method)(address(name, lesson)).status_code == 403


def test_a_lesson_is_found_only_under_its_own_course(watchable: Lesson, teacher: User, browse: Browse) -> None:
    elsewhere = Course.objects.create(teacher=teacher, title="Elsewhere", slug="elsewhere")
    for name in ("lesson_detail", "lesson_edit"):
        assert browse(teacher).get(reverse(name, args=[elsewhere.slug, watchable.pk])).status_code == 404


def test_logging_in_goes_on_to_the_page_that_was_asked_for_and_never_elsewhere(
    watchable: Lesson, enrolled: User
) -> None:
    from tests.factories import PASSWORD

    wanted = address("lesson_detail", watchable)
    for next_page, landing in ((wanted, wanted), ("https://evil.example/", reverse("home"))):
        values = {"username": enrolled.username, "password": PASSWORD, "next": next_page}
        assert Client().post(reverse("login"), values)["Location"] == landing


def test_logging_out_ends_the_session(enrolled: User, browse: Browse) -> None:
    client = browse(enrolled)
    assert client.post(reverse("logout"))["Location"] == reverse("login")
    assert client.get(reverse("home")).status_code == LOG_IN
