"""Recordings that nothing uses: how long they stay, and that nothing of them stays after that."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from lessons import services as lessons
from lessons.models import Lesson
from talking_head import services
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import narration_retention
from talking_head.models import Narration
from tests.talking_head.jobs.test_narrations import FIRST, SCRIPT, SECOND, hear_all
from tests.talking_head.recordings import spoken, wav

SOUND = wav(spoken((FIRST, SECOND)))
pytestmark = pytest.mark.django_db(transaction=True)


def upload(owner: User | None) -> Narration:
    return services.store_narration(io.BytesIO(SOUND), owner)


@pytest.fixture
def narration(transactional_db: None, teacher: User) -> Narration:
    narration = upload(teacher)
    hear_all(narration)
    return narration


@pytest.fixture
def lesson(teacher: User) -> Lesson:
    return lessons.add_lesson(lessons.create_course(teacher, "Biology"), "Plants")


def days_pass(days: float) -> None:
    """For every recording that is noted as unused."""
    for narration in Narration.objects.exclude(unused_since=None):
        assert narration.unused_since is not None
        Narration.objects.filter(pk=narration.pk).update(unused_since=narration.unused_since - timedelta(days=days))


def is_kept(narration: Narration) -> bool:
    narration_retention.collect_unused()
    has_row = Narration.objects.filter(pk=narration.pk).exists()
    assert has_row == uploads.exists(UploadKind.NARRATION, narration.digest), "row and file go together"
    return has_row


def test_an_upload_waits_a_month_for_its_lesson(narration: Narration) -> None:
    assert is_kept(narration)
    days_pass(29.9)
    assert is_kept(narration)
    days_pass(0.2)
    assert not is_kept(narration)


def test_what_a_lesson_speaks_with_stays(narration: Narration, lesson: Lesson) -> None:
    assert is_kept(narration)
    days_pass(29.9)
    lessons.change_lesson(lesson, narration=narration.pk)
    for _ in range(3):
        assert is_kept(narration)
        days_pass(31)


def test_taking_it_away_from_a_lesson_can_be_undone_for_a_month(
    narration: Narration, lesson: Lesson, settings: Settings
) -> None:
    lessons.change_lesson(lesson, narration=narration.pk)
    assert is_kept(narration)
    lessons.change_lesson(lesson, narration=None)
    assert is_kept(narration)
    days_pass(29.9)
    assert is_kept(narration)
    lessons.change_lesson(lesson, narration=narration.pk)
    assert is_kept(narration)
    days_pass(31)
    assert is_kept(narration)
    lessons.delete_lesson(lesson)
    assert is_kept(narration)
    days_pass(31)
    assert is_kept(narration), "its lesson can still be restored"
    an_hour_ago = timezone.now() - timedelta(seconds=settings.LESSON_UNDO_SECONDS)
    Lesson.with_deleted.filter(pk=lesson.pk).update(deleted_at=an_hour_ago)
    call_command("sweep")
    assert not Lesson.with_deleted.filter(pk=lesson.pk).exists()
    assert is_kept(narration), "the month begins anew"
    days_pass(31)
    assert not is_kept(narration)


def test_a_video_in_the_making_keeps_it(narration: Narration, teacher: User) -> None:
    assert is_kept(narration)
    days_pass(31)
    job = services.submit_job(owner=teacher, script=SCRIPT, narration_digest=narration.digest)
    assert is_kept(narration)
    days_pass(31)
    assert is_kept(narration)
    services.cancel_job(job)
    assert is_kept(narration)
    days_pass(31)
    assert not is_kept(narration)


def test_who_asks_for_a_video_at_the_last_moment_still_gets_it(narration: Narration, teacher: User) -> None:
    assert is_kept(narration)
    days_pass(31)
    assert services.narrations.usable_narration(narration.digest) == narration  # the first thing that a request does
    assert is_kept(narration)


def test_uploading_it_again_begins_the_month_anew(narration: Narration, teacher: User) -> None:
    assert is_kept(narration)
    days_pass(31)
    assert upload(teacher) == narration
    assert is_kept(narration)


def test_the_bytes_stay_as_long_as_somebody_has_them(narration: Narration, lesson: Lesson) -> None:
    other = upload(None)
    lessons.change_lesson(lesson, narration=narration.pk)
    narration_retention.collect_unused()
    days_pass(31)
    narration_retention.collect_unused()
    assert list(Narration.objects.all()) == [narration]
    assert uploads.exists(UploadKind.NARRATION, other.digest)


def test_an_account_that_is_deleted_takes_its_recordings_along(narration: Narration, teacher: User) -> None:
    teacher.delete()
    assert not is_kept(narration)


def test_an_administrator_may_keep_them_for_ever(narration: Narration, settings: Settings) -> None:
    settings.TALKING_HEAD_UNUSED_NARRATION_DAYS = 0
    assert is_kept(narration)
    days_pass(3_650)
    assert is_kept(narration)


def test_the_sweeper_does_it(narration: Narration) -> None:
    Narration.objects.update(unused_since=timezone.now() - timedelta(days=31))
    call_command("sweep")
    assert not Narration.objects.exists() and not uploads.exists(UploadKind.NARRATION, narration.digest)
