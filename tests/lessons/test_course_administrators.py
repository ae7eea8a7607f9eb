"""Staff rule nothing by being staff: what a person may do with other teachers' courses, a permission says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from lessons import permissions as rules
from lessons.models import Course, Enrolment, Lesson
from talking_head.services import may_view_job
from tests.factories import make_user
from tests.lessons.conftest import make_job, show

Browse = Callable[[User | None], Client]
ACTIONS = {  # page -> (form, the permission that it takes beside the one to view)
    "course_edit": ({"title": "Renamed"}, rules.CHANGE_COURSE),
    "lesson_create": ({"title": "New"}, rules.ADD_LESSON),
    "lesson_move": ({"direction": "up"}, rules.CHANGE_LESSON),
    "lesson_forecast": ({}, rules.CHANGE_LESSON),
    "lesson_cancel": ({}, rules.CHANGE_LESSON),
    "lesson_edit": ({}, rules.CHANGE_LESSON),
    "lesson_publish": ({"published": "0"}, rules.PUBLISH_LESSON),
    "lesson_delete": ({}, rules.DELETE_LESSON),
    "lesson_undelete": ({}, rules.DELETE_LESSON),
    "enrolment_add": ({"username": "student"}, rules.ADD_STUDENT),
    "enrolment_remove": ({}, rules.REMOVE_STUDENT),
}


def address(name: str, lesson: Lesson) -> str:
    if name.startswith("lesson_") and name != "lesson_create":
        return reverse(name, args=[lesson.course.slug, lesson.pk])
    return reverse(name, args=[lesson.course.slug, *([1] if name == "enrolment_remove" else [])])


def grant(user: User, *permissions: str) -> User:
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def staff(db: None) -> User:
    return make_user("staff", is_staff=True)


@pytest.fixture
def course_administrator(db: None) -> User:
    user = make_user("head")
    user.groups.add(Group.objects.get(name="Course administrators"))
    return user


class TestStaffWithoutPermissions:
    @pytest.mark.parametrize("name", [*ACTIONS, "course_detail", "lesson_detail"])
    def test_they_do_not_even_see_it(self, staff: User, watchable: Lesson, browse: Browse, name: str) -> None:
        client = browse(staff)
        form = ACTIONS.get(name, ({}, ""))[0]
        assert client.post(address(name, watchable), form).status_code in (404, 405)
        assert client.get(address(name, watchable)).status_code in (404, 405)
        watchable.refresh_from_db()
        assert (watchable.is_published, watchable.course.title) == (True, "The moving sky")

    def test_the_api_hides_it_too(self, staff: User, watchable: Lesson, browse: Browse) -> None:
        client = browse(staff)
        assert client.get("/api/courses/").json()["results"] == []
        for method, url in (
            ("GET", f"/api/courses/{watchable.course.slug}/"),
            ("POST", f"/api/courses/{watchable.course.slug}/lessons/"),
            ("GET", f"/api/lessons/{watchable.pk}/"),
            ("PATCH", f"/api/lessons/{watchable.pk}/"),
            ("DELETE", f"/api/lessons/{watchable.pk}/"),
            ("POST", f"/api/lessons/{watchable.pk}/generate"),
            ("POST", f"/api/lessons/{watchable.pk}/publish"),
        ):
            assert client.generic(method, url, "{}", "application/json").status_code == 404, (method, url)

    def test_its_videos_are_hidden(self, staff: User, watchable: Lesson) -> None:
        job = make_job(watchable)
        show(watchable, job)
        assert not may_view_job(staff, job)


class TestOnePermissionEach:
    @pytest.mark.parametrize("name", ACTIONS)
    def test_each_action_takes_its_own(self, outsider: User, watchable: Lesson, browse: Browse, name: str) -> None:
        form, permission = ACTIONS[name]
        others = {other for _form, other in ACTIONS.values()} - {permission}
        user = grant(outsider, rules.VIEW, *others)
        assert browse(user).post(address(name, watchable), form).status_code == 403
        user = grant(user, permission)
        assert browse(user).post(address(name, watchable), form).status_code in (200, 302, 400)

    def test_with_the_one_to_view_they_watch_drafts_and_change_nothing(
        self, outsider: User, lesson: Lesson, browse: Browse
    ) -> None:
        client = browse(grant(outsider, rules.VIEW))
        page = client.get(reverse("course_detail", args=[lesson.course.slug]))
        assert page.status_code == 200
        text = page.content.decode()
        assert lesson.title in text
        assert not any(
            words in text for words in ("Add lesson", "Invite student", "Publish", ">Edit<", "Title and desc")
        )
        assert client.get(reverse("lesson_detail", args=[lesson.course.slug, lesson.pk])).status_code == 200

    def test_without_the_one_to_view_the_others_open_nothing(self, outsider: User, lesson: Lesson) -> None:
        user = grant(outsider, rules.CHANGE_LESSON, rules.DELETE_LESSON)
        assert not rules.may_edit(user, lesson)
        assert not rules.courses_visible_to(user).exists()

    def test_a_deactivated_account_keeps_none(self, course_administrator: User, lesson: Lesson) -> None:
        course_administrator.is_active = False
        assert not rules.may_edit(course_administrator, lesson)

    def test_publishing_in_the_admin_takes_the_same_permission(
        self, staff: User, lesson: Lesson, browse: Browse
    ) -> None:
        url = reverse("admin:lessons_lesson_change", args=[lesson.pk])
        client = browse(grant(staff, "lessons.view_lesson", rules.CHANGE_LESSON))
        assert b'name="is_published"' not in client.get(url).content
        client = browse(grant(staff, rules.PUBLISH_LESSON))
        assert b'name="is_published"' in client.get(url).content


class TestTheRole:
    @pytest.mark.parametrize("name", ACTIONS)
    def test_course_administrators_do_all_that_the_teacher_does(
        self, course_administrator: User, student: User, watchable: Lesson, browse: Browse, name: str
    ) -> None:
        form, _permission = ACTIONS[name]
        assert browse(course_administrator).post(address(name, watchable), form).status_code in (200, 302, 400)

    def test_they_see_all_courses(self, course_administrator: User, course: Course, browse: Browse) -> None:
        client = browse(course_administrator)
        assert client.get("/")["Location"] == reverse("course_list")
        page = client.get(reverse("course_list")).content.decode()
        assert "All courses" in page and course.title in page
        assert "New course" not in page  # making courses is for teachers

    def test_they_do_the_same_over_the_api(self, course_administrator: User, lesson: Lesson, browse: Browse) -> None:
        client, url = browse(course_administrator), f"/api/lessons/{lesson.pk}/"
        body = json.dumps({"title": "Better"})
        assert client.generic("PATCH", url, body, "application/json").json()["title"] == "Better"
        assert client.delete(url).status_code == 204

    def test_they_are_no_administrators_of_anything_else(self, course_administrator: User) -> None:
        permissions = course_administrator.get_all_permissions()
        assert permissions and all(permission.startswith("lessons.") for permission in permissions)
        assert "lessons.add_course" not in permissions

    def test_an_administrators_changes_to_the_group_are_kept(self, db: None) -> None:
        from importlib import import_module

        group = Group.objects.get(name="Course administrators")
        group.permissions.clear()
        import_module("lessons.migrations.0006_course_administrators").make_group(apps, None)
        assert not group.permissions.exists()


def test_the_teacher_needs_no_permission(teacher: User, lesson: Lesson) -> None:
    assert all(rules.may(teacher, lesson.course, permission) for _form, permission in ACTIONS.values())
    assert not teacher.get_all_permissions()
    assert not Enrolment.objects.exists()
