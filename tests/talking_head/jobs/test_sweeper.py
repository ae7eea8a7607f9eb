"""The sweeper: rings again, delivers what is due, removes what was left behind, and touches nothing of others."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command
from django_q.models import OrmQ

from talking_head.files import local
from talking_head.jobs import outbox, state_machine
from talking_head.models import Job, JobState, Notification
from talking_head.renderer.scratch import ScratchFolder
from talking_head.signals import job_ended
from talking_head.worker import garbage, sweeper
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants


def test_30_a_lost_ring_is_rung_again_but_never_twice(make_job: MakeJob) -> None:
    make_job("One.")
    assert sweeper.wake_workers_if_needed()
    assert not sweeper.wake_workers_if_needed()
    assert OrmQ.objects.count() == 1


def test_nothing_is_rung_when_nothing_waits(make_job: MakeJob, worker: Worker) -> None:
    make_job("One.")
    worker.work()
    OrmQ.objects.all().delete()
    assert not sweeper.wake_workers_if_needed()


def test_a_receiver_that_fails_is_told_again(
    make_job: MakeJob, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "OUTBOX_AFTER_SECONDS", 0.0)
    told: list[uuid.UUID] = []

    def receive(sender: object, job: Job, **kwargs: object) -> None:
        told.append(job.pk)
        if len(told) < 3:
            raise ConnectionError("the mail server is away")

    job_ended.connect(receive)
    try:
        job = make_job("One.")
        worker.work()
        assert Notification.objects.get().failures == 1
        assert [sweeper.deliver_outbox() for _ in range(3)] == [0, 1, 0]
    finally:
        job_ended.disconnect(receive)
    assert told == [job.pk] * 3
    assert_invariants(worker)


def test_a_receiver_that_always_fails_is_given_up_on(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "OUTBOX_AFTER_SECONDS", 0.0)
    state_machine.cancel(make_job("One.").pk)
    Notification.objects.update(delivered_at=None, failures=outbox.MAX_FAILURES)
    assert sweeper.deliver_outbox() == 0


def test_leftovers_of_publishers_go_and_those_at_work_stay(make_job: MakeJob, media_root: Path) -> None:
    publishing = make_job("One.")
    Job.objects.filter(pk=publishing.pk).update(state=JobState.PUBLISHING, fence=3)
    at_work, lost = local.staging_folder(publishing.pk, 3), local.staging_folder(publishing.pk, 2)
    unknown, foreign = local.staging_folder(uuid.uuid4(), 1), media_root / "results_of_the_election.staging-1"
    for folder in (at_work, lost, unknown, foreign):
        folder.mkdir()
        (folder / "video.mp4").touch()
    call_command("sweep")
    assert [folder.exists() for folder in (at_work, lost, unknown, foreign)] == [True, False, False, True]


def test_a_video_without_a_publication_goes_and_its_metrics_stay(make_job: MakeJob, worker: Worker) -> None:
    cancelled, completed = make_job("One."), make_job("Two.")
    state_machine.cancel(cancelled.pk)
    (local.results_folder(cancelled.pk) / "video.mp4").touch()
    worker.work()
    garbage.collect_garbage()
    assert not (local.results_folder(cancelled.pk) / "video.mp4").exists()
    assert local.metrics_file(cancelled.pk).exists()
    assert (local.results_folder(completed.pk) / "video.mp4").exists()


@pytest.mark.django_db
def test_only_old_temporary_files_go(media_root: Path) -> None:
    local.temporary_root().mkdir()
    young, old = local.temporary_root() / "young", local.temporary_root() / "old"
    young.touch()
    old.touch()
    long_ago = time.time() - garbage.TEMPORARY_AFTER_SECONDS - 10
    os.utime(old, (long_ago, long_ago))
    garbage.collect_garbage()
    assert [young.exists(), old.exists()] == [True, False]


@pytest.mark.django_db
def test_the_folder_of_a_renderer_goes_as_soon_as_its_owner_is_gone(
    media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "ABANDONED_AFTER_SECONDS", -1.0)
    root = local.cache_root() / "tmp"
    in_use, abandoned = ScratchFolder(root / "in use"), ScratchFolder(root / "abandoned")
    assert abandoned._lock is not None
    os.close(abandoned._lock)  # as the kernel does for a killed process
    garbage.collect_garbage()
    assert [in_use.path.exists(), abandoned.path.exists()] == [True, False]
    in_use.remove()
    assert not in_use.path.exists()


@pytest.mark.django_db
def test_a_sweeper_whose_clock_is_an_hour_ahead_leaves_uploads_alone(
    media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.temporary_root().mkdir()
    upload = local.temporary_root() / "upload"
    upload.touch()
    an_hour_ahead = time.time() + 4_000
    monkeypatch.setattr(time, "time", lambda: an_hour_ahead)
    garbage.collect_garbage()
    assert upload.exists()
