"""Who gets into a course, and what a teacher learns of user names on the way."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lessons import enrolling
from lessons.models import Course, Enrolment, Invitation, Lesson
from talking_head.errors import InvalidInput, LimitReached
from tests.factories import make_course, make_user

Browse = Callable[[User | None], Client]


def invite(course: Course, name: str, by: User) -> Invitation:
    invitation = enrolling.add_student(course, name, by)
    assert isinstance(invitation, Invitation)
    return invitation


def test_a_student_who_accepts_watches(watchable: Lesson, teacher: User, outsider: User, browse: Browse) -> None:
    course, student = watchable.course, browse(outsider)
    browse(teacher).post(reverse("enrolment_add", args=[course.slug]), {"username": f" {outsider.username} "})
    watch = reverse("lesson_detail", args=[course.slug, watchable.pk])
    assert student.get(watch).status_code == 404
    home = student.get(reverse("home")).content.decode()
    assert course.title in home and "Accept" in home
    address = reverse("invitation_answer", args=[Invitation.objects.get().pk])
    assert address in home
    answer = student.post(address, {"answer": "accept"})
    assert answer["Location"] == course.get_absolute_url()
    assert student.get(watch).status_code == 200
    assert not Invitation.objects.exists()


def test_a_declined_invitation_is_hidden_and_its_teacher_is_not_told(
    course: Course, teacher: User, outsider: User, browse: Browse
) -> None:
    invitation = invite(course, outsider.username, teacher)
    page = reverse("course_detail", args=[course.slug])
    before = without_tokens(browse(teacher).get(page))
    browse(outsider).post(reverse("invitation_answer", args=[invitation.pk]), {"answer": "decline"})
    assert without_tokens(browse(teacher).get(page)) == before
    assert course.title not in browse(outsider).get(reverse("home")).content.decode()
    assert enrolling.accept(outsider, invitation.pk) is None


def test_a_teacher_is_answered_the_same_for_every_name(course: Course, teacher: User, browse: Browse) -> None:
    """Of a student, an administrator, a caretaker, a deactivated account, and of no account at all."""
    make_user("name-1")
    make_user("name-2", is_superuser=True, is_staff=True)
    make_user("name-3", is_staff=True)
    make_user("name-4", is_active=False)
    client, address = browse(teacher), reverse("enrolment_add", args=[course.slug])
    answers = set()
    for name in ("name-1", "name-2", "name-3", "name-4", "name-5"):
        response = client.post(address, {"username": name}, follow=True)
        answers.add((response.status_code, without_tokens(response).replace(name, "NAME")))
        client.post(reverse("invitation_withdraw", args=[course.slug, Invitation.objects.get().pk]))
        client.get(course.get_absolute_url())  # shows the message of the withdrawal
    assert len(answers) == 1
    assert not Enrolment.objects.exists()


def without_tokens(response: object) -> str:
    """The page without what differs each time, and without the ids of rows."""
    html = response.content.decode()  # type: ignore[attr-defined]
    html = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', r"\1", html)
    return re.sub(r"/invitations/\d+/", "/invitations/ID/", html)


def test_no_query_depends_on_whether_the_name_exists(course: Course, teacher: User) -> None:
    make_user("name-1")
    statements = []
    for name in ("name-1", "name-2"):
        with CaptureQueriesContext(connection) as queries:
            invite(course, name, User.objects.get(pk=teacher.pk))
        statements.append([re.sub(r"\d+", "N", query["sql"]) for query in queries])
    assert statements[0] == statements[1]


def test_administrative_accounts_are_in_no_course_by_an_invitation(
    course: Course, teacher: User, admin_user: User
) -> None:
    caretaker = make_user("caretaker", is_staff=True)
    for account in (admin_user, caretaker):
        invitation = invite(course, account.username, teacher)
        assert not enrolling.invitations_of(account).exists()
        assert enrolling.accept(account, invitation.pk) is None
    assert not Enrolment.objects.exists()


def test_an_invitation_of_another_cannot_be_answered(
    course: Course, teacher: User, student: User, outsider: User, browse: Browse
) -> None:
    invitation = invite(course, student.username, teacher)
    for answer in ("accept", "decline"):
        browse(outsider).post(reverse("invitation_answer", args=[invitation.pk]), {"answer": answer})
    invitation.refresh_from_db()
    assert invitation.declined_at is None
    assert not Enrolment.objects.exists()


def test_another_teacher_withdraws_nothing(course: Course, teacher: User, other_teacher: User, browse: Browse) -> None:
    invitation = invite(course, "anna", teacher)
    theirs = make_course(other_teacher)
    for slug, status in ((course.slug, 404), (theirs.slug, 302)):
        address = reverse("invitation_withdraw", args=[slug, invitation.pk])
        assert browse(other_teacher).post(address).status_code == status
    assert Invitation.objects.filter(pk=invitation.pk).exists()


def test_users_who_may_see_the_accounts_enrol_at_once(course: Course, teacher: User, student: User) -> None:
    invite(course, student.username, teacher)
    caretaker = make_user("caretaker")
    caretaker.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert isinstance(enrolling.add_student(course, student.username, caretaker), Enrolment)
    assert not Invitation.objects.exists()
    with pytest.raises(InvalidInput) as refusal:
        enrolling.add_student(course, "unknown", caretaker)
    assert refusal.value.code == "unknown_student"


def test_a_course_has_only_so_many_open_invitations(
    course: Course, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolling, "MAX_INVITATIONS", 2)
    for name in ("anna", "bela"):
        invite(course, name, teacher)
    with pytest.raises(LimitReached):
        invite(course, "cora", teacher)


@pytest.mark.parametrize("name", ["teacher", "student"])
def test_who_is_in_the_course_already_is_not_invited(course: Course, teacher: User, enrolled: User, name: str) -> None:
    with pytest.raises(InvalidInput):
        invite(course, {"teacher": teacher, "student": enrolled}[name].username, teacher)
    assert not Invitation.objects.exists()
