"""What other apps can rely on when a job is published: inside the transaction, all or nothing, the right version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from talking_head.files import local
from talking_head.models import Job, JobState
from talking_head.signals import job_ended, job_published
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import QUICK_TIMING, MakeJob, assert_invariants, rendered_texts

Receiver = Callable[..., None]


@pytest.fixture
def receive() -> Iterator[Callable[[Receiver], None]]:
    connected: list[Receiver] = []

    def connect(receiver: Receiver) -> None:
        connected.append(receiver)
        job_published.connect(receiver, weak=False)

    yield connect
    for receiver in connected:
        job_published.disconnect(receiver)


def test_receivers_write_in_the_transaction_that_publishes(
    make_job: MakeJob, worker: Worker, receive: Callable[[Receiver], None]
) -> None:
    seen: list[tuple[bool, str, bool]] = []

    def on_published(sender: Any, job: Job, **kwargs: Any) -> None:
        User.objects.create_user(f"made for {job.pk}"[:30])
        is_in_place = (local.results_folder(job.pk) / "video.mp4").exists()
        seen.append((connection.in_atomic_block, job.state, is_in_place))

    receive(on_published)
    make_job("One.")
    worker.work()
    assert seen == [(True, "completed", False)]
    assert User.objects.filter(username__startswith="made for").count() == 1
    assert_invariants(worker)


def test_a_receiver_that_fails_once_only_delays_the_publication(
    make_job: MakeJob, worker: Worker, receive: Callable[[Receiver], None], settings: Settings
) -> None:
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "backoff_seconds": 600.0}
    calls: list[str] = []

    def on_published(sender: Any, job: Job, **kwargs: Any) -> None:
        User.objects.create_user(f"try {len(calls)}")
        calls.append(job.state)
        if len(calls) == 1:
            raise ValueError("not now")

    receive(on_published)
    job = make_job("One.")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.PUBLISHING, "handover_failed")
    assert not local.results_folder(job.pk).exists()
    Job.objects.update(lease_expires_at=job.created_at)
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.COMPLETED, "")
    assert list(User.objects.filter(username__startswith="try").values_list("username", flat=True)) == ["try 1"]
    assert rendered_texts() == ["One."]
    assert_invariants(worker)


def test_19_a_video_of_an_older_text_can_be_told_from_the_current_one(
    make_job: MakeJob, worker: Worker, receive: Callable[[Receiver], None]
) -> None:
    """The text is edited while its first render runs: each publication says which version it shows, so that the older
    never replaces the newer, in whichever order they finish."""
    current = {"lesson:1": "2"}
    shown: list[str] = []

    def on_published(sender: Any, job: Job, **kwargs: Any) -> None:
        if current[job.subject] == job.subject_version:
            shown.append(job.subject_version)

    receive(on_published)
    make_job("New text.", subject="lesson:1", subject_version="2")
    make_job("Old text.", subject="lesson:1", subject_version="1")
    worker.work()
    assert Job.objects.filter(state=JobState.COMPLETED).count() == 2
    assert shown == ["2"]


def test_the_end_of_a_job_is_told_once_and_after_the_commit(make_job: MakeJob, worker: Worker) -> None:
    told: list[tuple[str, bool]] = []

    def on_ended(sender: Any, job: Job, **kwargs: Any) -> None:
        told.append((job.state, connection.in_atomic_block))

    job_ended.connect(on_ended)
    try:
        make_job("One.")
        make_job("refuse always")
        worker.work()
    finally:
        job_ended.disconnect(on_ended)
    assert sorted(told) == [("completed", False), ("failed", False)]
