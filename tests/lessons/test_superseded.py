"""What nothing shows any more goes after a while: each edit of a lesson makes a video as large as the last one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from lessons.models import Lesson
from talking_head.files import bucket, job_files, local
from talking_head.jobs import result_retention
from talking_head.models import Job, JobState, Removal
from talking_head.worker import garbage, integrity
from tests.lessons.conftest import show
from tests.talking_head.rows import make_finished_job

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def video_of(lesson: Lesson, teacher: User, *, days_ago: float, **fields: Any) -> Job:
    values = {"subject": f"lesson:{lesson.pk}", "finished_at": timezone.now() - days_ago * DAY, **fields}
    return make_finished_job(teacher, **values)


def files_of(job: Job) -> set[str]:
    folder = local.results_folder(job.pk)
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def records_of(job: Job) -> set[str]:
    return {"log.txt", local.metrics_file(job.pk).name}


@pytest.fixture
def edited(lesson: Lesson, teacher: User) -> list[Job]:
    """Three videos of one lesson: the first was superseded nine days ago, the second two days ago."""
    jobs = [video_of(lesson, teacher, days_ago=days) for days in (30, 9, 2)]
    show(lesson, jobs[-1])
    return jobs


def test_a_superseded_video_goes_a_week_after_the_one_that_replaced_it(edited: list[Job]) -> None:
    garbage.collect_garbage()
    assert files_of(edited[0]) == records_of(edited[0])
    assert all("video.mp4" in files_of(job) for job in edited[1:])
    edited[0].refresh_from_db()
    assert edited[0].results_removed_at is not None
    assert edited[0].is_hidden
    assert not Removal.objects.exists()
    assert garbage.collect_garbage() == 0


def test_its_row_and_clips_stay_for_the_history_and_its_files_are_not_found(edited: list[Job], teacher: User) -> None:
    garbage.collect_garbage()
    assert Job.objects.get(pk=edited[0].pk).clips.count() == 3
    client = Client()
    client.force_login(teacher)
    assert client.get(reverse("job_file", args=[edited[0].pk, "video.mp4"])).status_code == 404
    assert client.get(reverse("job_clip", args=[edited[0].pk, 0])).status_code == 404
    assert client.get(reverse("job_file", args=[edited[0].pk, "log.txt"])).status_code == 200


def test_what_was_removed_on_purpose_is_not_made_again(edited: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Any] = []

    def damaged(job: Job) -> list[str]:
        checked.append(job.pk)
        return []

    monkeypatch.setattr(integrity.published_files, "damaged", damaged)
    garbage.collect_garbage()
    checked.clear()
    monkeypatch.setattr(integrity, "_after", integrity.FIRST)
    for _ in range(4):
        monkeypatch.setattr(integrity, "_next_at", 0.0)
        integrity.check_next_video()
    assert edited[0].pk not in checked
    assert {job.pk for job in edited[1:]} <= set(checked)


@pytest.mark.parametrize("shown_as", ["current_job", "latest_job"])
def test_what_a_lesson_shows_or_holds_back_stays_however_old(edited: list[Job], lesson: Lesson, shown_as: str) -> None:
    Lesson.objects.filter(pk=lesson.pk).update(**{shown_as: edited[0].pk})
    garbage.collect_garbage()
    assert "video.mp4" in files_of(edited[0])


def test_the_video_of_a_deleted_lesson_stays_while_the_deletion_can_be_undone(
    edited: list[Job], lesson: Lesson
) -> None:
    Lesson.objects.filter(pk=lesson.pk).update(deleted_at=timezone.now(), current_job=edited[0].pk)
    garbage.collect_garbage()
    assert "video.mp4" in files_of(edited[0])


def test_a_failed_render_supersedes_nothing(lesson: Lesson, teacher: User) -> None:
    old = video_of(lesson, teacher, days_ago=30)
    video_of(lesson, teacher, days_ago=9, state=JobState.FAILED)
    show(lesson, video_of(lesson, teacher, days_ago=1))
    garbage.collect_garbage()
    assert "video.mp4" in files_of(old)


def test_another_lessons_video_supersedes_nothing(lesson: Lesson, teacher: User) -> None:
    old = video_of(lesson, teacher, days_ago=30)
    video_of(lesson, teacher, days_ago=9, subject="lesson:4711")
    garbage.collect_garbage()
    assert "video.mp4" in files_of(old)


def test_zero_days_keep_everything(edited: list[Job], settings: Settings) -> None:
    settings.TALKING_HEAD_SUPERSEDED_DAYS = 0
    garbage.collect_garbage()
    assert all("video.mp4" in files_of(job) for job in edited)


def test_videos_of_clients_have_a_time_of_their_own(lesson: Lesson, teacher: User, settings: Settings) -> None:
    old, young = (video_of(lesson, teacher, days_ago=days, subject="") for days in (40, 20))
    garbage.collect_garbage()
    assert "video.mp4" in files_of(old), "by default they stay"
    settings.TALKING_HEAD_RESULT_DAYS = 30
    garbage.collect_garbage()
    assert files_of(old) == records_of(old)
    assert "video.mp4" in files_of(young)


def test_a_backlog_is_worked_off_in_rounds(lesson: Lesson, teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_retention, "BATCH", 2)
    old = [video_of(lesson, teacher, days_ago=40 - number) for number in range(5)]
    show(lesson, old[-1])
    assert [result_retention.collect_superseded() for _ in range(3)] == [2, 2, 0]
    assert [bool(files_of(job) - records_of(job)) for job in old] == [False] * 4 + [True]


@pytest.mark.usefixtures("bucket_name")
def test_in_a_bucket_they_go_too(edited: list[Job]) -> None:
    """Below the fence of the publication; the records one level higher stay."""
    job = edited[0]
    names = [f"results_{job.pk}/{job.fence}/video.mp4", f"results_{job.pk}/log.txt"]
    for name in names:
        bucket.upload_bytes(name, b"bytes")
    garbage.collect_garbage()
    assert bucket.names(f"results_{job.pk}/") == [names[1]]
    assert not files_of(job) - records_of(job)
    assert job_files.files_of(Job.objects.get(pk=job.pk)) == {"log.txt"}
