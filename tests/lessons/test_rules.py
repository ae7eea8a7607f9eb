"""Who may see and change what."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, User

from edu_platform.people import is_teacher
from lessons import permissions as rules
from lessons.models import Course, Lesson
from talking_head.models import JobState
from talking_head.services import may_view_job
from tests.factories import enrol, make_course, make_lesson
from tests.lessons.conftest import make_job, show


def test_only_the_own_teacher_and_staff_may_edit(
    lesson: Lesson, teacher: User, other_teacher: User, enrolled: User, admin_user: User
) -> None:
    assert rules.may_edit(teacher, lesson)
    assert rules.may_edit(admin_user, lesson)
    for user in (other_teacher, enrolled, AnonymousUser()):
        assert not rules.may_edit(user, lesson)


def test_a_student_watches_only_what_is_published_and_has_a_video(lesson: Lesson, enrolled: User) -> None:
    assert not rules.may_watch(enrolled, lesson)
    lesson.is_published = True
    assert not rules.may_watch(enrolled, lesson)
    lesson.current_job = uuid.uuid4()
    assert rules.may_watch(enrolled, lesson)
    lesson.is_published = False
    assert not rules.may_watch(enrolled, lesson)


def test_removal_from_the_course_ends_the_sight_of_its_videos(watchable: Lesson, enrolled: User) -> None:
    job = make_job(watchable)
    show(watchable, job)
    assert may_view_job(enrolled, job)
    watchable.course.enrolments.all().delete()
    assert not may_view_job(enrolled, job)


def test_a_student_sees_the_current_render_and_no_other(watchable: Lesson, enrolled: User) -> None:
    newer = make_job(watchable, JobState.RUNNING)
    Lesson.objects.filter(pk=watchable.pk).update(latest_job=newer.pk)
    current = make_job(watchable)
    show(watchable, current)
    assert may_view_job(enrolled, current)
    assert not may_view_job(enrolled, newer)


def test_a_hidden_lesson_hides_its_render_too(lesson: Lesson, enrolled: User) -> None:
    job = make_job(lesson)
    show(lesson, job, published=False)
    assert not may_view_job(enrolled, job)


def test_the_teacher_sees_renders_that_somebody_else_started_for_the_lesson(
    lesson: Lesson, teacher: User, other_teacher: User, admin_user: User
) -> None:
    job = make_job(lesson, JobState.RUNNING, owner=admin_user)
    assert may_view_job(teacher, job)
    assert not may_view_job(other_teacher, job)


def test_a_subject_that_names_somebody_elses_lesson_opens_nothing(
    lesson: Lesson, other_teacher: User, teacher: User
) -> None:
    foreign = make_lesson(make_course(other_teacher))
    job = make_job(foreign, JobState.RUNNING, owner=other_teacher)
    assert not may_view_job(teacher, job)


@pytest.mark.parametrize("subject", ["", "lesson:", "lesson:x", "lesson:-1", "course:1", "lesson:1:2", "lesson:9" * 30])
def test_odd_subjects_belong_to_no_lesson(subject: str, teacher: User) -> None:
    assert not rules.may_watch_job(teacher, uuid.uuid4(), subject)


def test_lists_of_courses_follow_the_person(
    course: Course, teacher: User, other_teacher: User, enrolled: User, outsider: User, admin_user: User
) -> None:
    other_course = make_course(other_teacher)
    enrol(teacher, other_course)
    assert set(rules.courses_taught_by(teacher)) == {course}
    assert set(rules.courses_taken_by(teacher)) == {other_course}
    assert set(rules.courses_visible_to(teacher)) == {course, other_course}
    assert set(rules.courses_visible_to(enrolled)) == {course}
    assert set(rules.courses_taught_by(admin_user)) == {course, other_course}
    assert not rules.courses_visible_to(outsider).exists()
    assert not rules.courses_visible_to(AnonymousUser()).exists()


def test_a_deactivated_account_may_do_nothing(watchable: Lesson, teacher: User, enrolled: User) -> None:
    job = make_job(watchable)
    show(watchable, job)
    teacher.is_active = enrolled.is_active = False
    assert not is_teacher(teacher)
    assert not rules.may_edit(teacher, watchable)
    assert not rules.may_watch(enrolled, watchable)
    assert not rules.may_watch_job(enrolled, job.pk, job.subject)
