"""The files of a published video that were deleted or damaged come back, or the pages say that they cannot."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lessons.models import Lesson
from talking_head.errors import EngineError
from talking_head.files import cache_limits, local, published_files
from talking_head.jobs import outside_causes, rebuilding, state_machine
from talking_head.models import Job, JobState, Notification, Rebuild
from talking_head.worker import integrity, sweeper
from talking_head.worker.worker import Worker
from tests.factories import make_course, make_lesson
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, rendered_texts

MakeLesson = Callable[[], Lesson]


@pytest.fixture
def make_published(make_job: MakeJob, worker: Worker, teacher: User) -> MakeLesson:
    """A published lesson with a finished video of two sentences."""

    def make() -> Lesson:
        job = make_job("One.", "Two.", owner=teacher)
        worker.work()
        lesson = make_lesson(make_course(teacher))
        Lesson.objects.filter(pk=lesson.pk).update(current_job=job.pk, latest_job=job.pk, is_published=True)
        return Lesson.objects.get(pk=lesson.pk)

    return make


@pytest.fixture
def as_teacher(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def job_of(lesson: Lesson) -> Job:
    assert lesson.current_job is not None
    return Job.objects.get(pk=lesson.current_job)


def pages_of(lesson: Lesson) -> list[str]:
    return [reverse(name, args=[lesson.course.slug, lesson.pk]) for name in ("lesson_detail", "lesson_edit")]


def file_of(lesson: Lesson, name: str = "video.mp4") -> str:
    return reverse("job_file", args=[lesson.current_job, name])


@pytest.mark.parametrize("are_clips_gone", [False, True], ids=["clips cached", "clips gone"])
def test_63_a_deleted_folder_is_made_again_and_page_and_video_agree(
    make_published: MakeLesson, as_teacher: Client, worker: Worker, published: list[uuid.UUID], are_clips_gone: bool
) -> None:
    lesson = make_published()
    job = job_of(lesson)
    bytes_before = (local.results_folder(job.pk) / "video.mp4").read_bytes()
    shutil.rmtree(local.results_folder(job.pk))
    if are_clips_gone:
        cache_limits.prune(everything=True)

    answer = as_teacher.get(file_of(lesson))
    assert (answer.status_code, answer.json()["code"]) == (503, "video_being_rebuilt")
    assert answer["Retry-After"]
    for page in pages_of(lesson):
        html = as_teacher.get(page).content.decode()
        assert "missing from the server and are being made again" in html
        assert file_of(lesson) not in html

    worker.work()
    video = as_teacher.get(file_of(lesson))
    assert b"".join(video) == bytes_before
    for page in pages_of(lesson):
        html = as_teacher.get(page).content.decode()
        assert "missing from the server" not in html
        assert file_of(lesson) in html
    assert rendered_texts() == ["One.", "Two."] * (2 if are_clips_gone else 1)
    assert published == [job.pk], "published once"
    assert Notification.objects.filter(job=job).count() == 1
    assert not Rebuild.objects.exists()
    assert local.metrics_file(job.pk).is_file()
    assert_invariants(worker)


@pytest.mark.parametrize("name", published_files.FILES)
def test_63_one_missing_file_is_enough(
    make_published: MakeLesson, as_teacher: Client, worker: Worker, name: str
) -> None:
    lesson = make_published()
    (local.results_folder(job_of(lesson).pk) / name).unlink()
    as_teacher.get(pages_of(lesson)[0])
    worker.work()
    assert published_files.damaged(job_of(lesson)) == []
    assert as_teacher.get(file_of(lesson, name)).status_code == 200


@pytest.mark.parametrize("name", published_files.FILES)
def test_63_damage_to_published_files_is_found_before_a_student_meets_it(
    make_published: MakeLesson, worker: Worker, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    job = job_of(make_published())
    path = local.results_folder(job.pk) / name
    before = path.read_bytes()
    path.write_bytes(b"\x00" + before[1:])
    monkeypatch.setattr(integrity, "_after", integrity.FIRST)
    monkeypatch.setattr(integrity, "_next_at", 0.0)
    assert integrity.check_next_video() == [name]
    worker.work()
    assert path.read_bytes() == before
    monkeypatch.setattr(integrity, "_after", integrity.FIRST)
    monkeypatch.setattr(integrity, "_next_at", 0.0)
    assert integrity.check_next_video() == []


def test_63_a_video_that_cannot_be_made_again_is_told_everywhere(
    make_published: MakeLesson, as_teacher: Client
) -> None:
    lesson = make_published()
    shutil.rmtree(local.results_folder(job_of(lesson).pk))
    as_teacher.get(file_of(lesson))
    claim = rebuilding.claim_rebuild()
    assert claim is not None
    error = EngineError("The portrait of this video no longer exists.", code="unknown_portrait", permanent=True)
    assert rebuilding.record_failure(claim, error)
    answer = as_teacher.get(file_of(lesson))
    assert (answer.status_code, answer.json()["code"]) == (404, "video_lost")
    for page in pages_of(lesson):
        assert "cannot be made again" in as_teacher.get(page).content.decode()
    assert rebuilding.claim_rebuild() is None
    Rebuild.objects.update(requested_at=timezone.now() - timedelta(hours=2))
    assert as_teacher.get(file_of(lesson)).status_code == 503, "the portrait may be back"


def test_63_a_rebuild_whose_worker_is_lost_is_taken_over_and_at_last_given_up(make_published: MakeLesson) -> None:
    lesson = make_published()
    shutil.rmtree(local.results_folder(job_of(lesson).pk))
    rebuilding.request_rebuild(job_of(lesson))
    first = rebuilding.claim_rebuild()
    assert first is not None
    assert rebuilding.claim_rebuild() is None, "it is leased"
    for _ in range(outside_causes.MAX_INTERRUPTIONS - 1):
        Rebuild.objects.update(lease_expires_at=state_machine.seconds_from_now(-1.0))
        assert rebuilding.claim_rebuild() is not None
    assert not rebuilding.release(first), "its lease was lost"
    Rebuild.objects.update(lease_expires_at=state_machine.seconds_from_now(-1.0))
    assert rebuilding.claim_rebuild() is None
    assert Rebuild.objects.get().error_code == "rebuild_failed"


def test_63_what_is_hidden_is_not_made_again(make_published: MakeLesson, worker: Worker) -> None:
    job = job_of(make_published())
    shutil.rmtree(local.results_folder(job.pk))
    rebuilding.request_rebuild(job)
    Job.objects.filter(pk=job.pk).update(consent_withdrawn_at=timezone.now())
    worker.work()
    assert not local.results_folder(job.pk).exists()


def test_63_a_video_hidden_while_it_is_made_again_is_not_put_back(
    make_published: MakeLesson, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(make_published())
    shutil.rmtree(local.results_folder(job.pk))
    rebuilding.request_rebuild(job)
    finish = rebuilding.finish

    def withdraw_and_finish(*arguments: object) -> bool:
        Job.objects.filter(pk=job.pk).update(consent_withdrawn_at=timezone.now())
        return finish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuilding, "finish", withdraw_and_finish)
    worker.work()
    assert not local.results_folder(job.pk).exists()


def test_63_rebuilds_and_renders_take_turns(make_published: MakeLesson, make_job: MakeJob, worker: Worker) -> None:
    lesson = make_published()
    cache_limits.prune(everything=True)
    shutil.rmtree(local.results_folder(job_of(lesson).pk))
    rebuilding.request_rebuild(job_of(lesson))
    other = make_job("Three.", "Four.")
    worker.work()
    assert rendered_texts() == ["One.", "Two.", "One.", "Three.", "Two.", "Four."]
    other.refresh_from_db()
    assert other.state == JobState.COMPLETED
    assert published_files.damaged(job_of(lesson)) == []


def test_63_a_waiting_rebuild_wakes_a_worker(make_published: MakeLesson, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(sweeper.wakeups, "pending_wakeups", lambda: 0)
    monkeypatch.setattr(sweeper.wakeups, "wake_worker", lambda *_: not rung.append(True))  # type: ignore[func-returns-value]
    job = job_of(make_published())
    rung.clear()  # a worker wakes the next one
    sweeper.wake_workers_if_needed()
    assert rung == []
    rebuilding.request_rebuild(job)
    assert rung == [True]
    rung.clear()  # and it was lost
    sweeper.wake_workers_if_needed()
    assert rung == [True]
