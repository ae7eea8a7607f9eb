"""Rows that should not exist: each is handled alone, set aside and shown, and everything else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from talking_head.diagnostics.findings import Report
from talking_head.diagnostics.services import look_at_services
from talking_head.jobs import attempt_outcomes, claims, row_guard
from talking_head.models import Attempt, Clip, ClipState, Job, JobState
from talking_head.monitoring import prometheus
from talking_head.worker import sweeper
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, outcomes


@pytest.fixture(autouse=True)
def nothing_set_aside() -> Iterator[None]:
    row_guard.clear()
    prometheus.clear()
    yield
    row_guard.clear()
    prometheus.clear()


def expire_all_leases() -> None:
    Clip.objects.filter(state=ClipState.LEASED).update(lease_expires_at=timezone.now() - timedelta(hours=1))


def state_of(job: Job) -> str:
    return str(Job.objects.values_list("state", flat=True).get(pk=job.pk))


def test_64_a_leased_clip_without_its_attempt_is_taken_back_and_recorded(make_job: MakeJob, worker: Worker) -> None:
    job, neighbour = make_job("One."), make_job("Two.")
    assert claims.claim_clip("gone:1") is not None
    Attempt.objects.all().delete()
    expire_all_leases()
    sweeper.sweep()
    worker.work()
    assert [state_of(job), state_of(neighbour)] == [JobState.COMPLETED] * 2
    assert outcomes(job, 0) == [("lost", "worker_lost"), ("done", "")]
    assert_invariants(worker)


def test_64_a_job_without_clips_fails_and_its_neighbour_is_rendered(make_job: MakeJob, worker: Worker) -> None:
    empty, running, neighbour = make_job(), make_job(state=JobState.RUNNING), make_job("One.")
    sweeper.sweep()
    worker.work()
    assert [state_of(empty), state_of(running), state_of(neighbour)] == [
        JobState.FAILED,
        JobState.FAILED,
        JobState.COMPLETED,
    ]
    empty.refresh_from_db()
    assert (empty.error_code, empty.error_hint) == ("no_sentences", "Request it again.")


def test_64_a_job_that_waits_for_its_recording_has_no_clips_yet(make_job: MakeJob) -> None:
    waiting = make_job(narration_digest="a" * 64)
    sweeper.sweep()
    assert state_of(waiting) == JobState.QUEUED


def test_64_states_of_a_newer_release_are_left_alone_counted_and_shown(
    make_job: MakeJob, worker: Worker, client: Client, settings: Settings
) -> None:
    paused, mixed, neighbour = make_job("One."), make_job("One.", "Two."), make_job("Three.")
    Job.objects.filter(pk=paused.pk).update(state="paused")
    Clip.objects.filter(job=mixed, index=1).update(state="split")
    sweeper.sweep()
    worker.work()
    assert [state_of(paused), state_of(mixed), state_of(neighbour)] == ["paused", JobState.RUNNING, JobState.COMPLETED]
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["rows"]) == (200, "2 set aside")
    assert len(answer.json()["warnings"]) == 2
    metrics = prometheus.exposition().decode()
    assert 'lectern_stuck_rows{kind="unknown_job_state"} 1.0' in metrics
    assert 'lectern_stuck_rows{kind="unknown_clip_state"} 1.0' in metrics
    assert 'lectern_stuck_rows{kind="expired_lease"} 0.0' in metrics
    report = Report()
    look_at_services(report)
    assert [finding.code for finding in report.findings].count("stuck_rows") == 2


def test_64_a_row_that_raises_is_set_aside_and_the_others_go_on(
    make_job: MakeJob, worker: Worker, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = make_job("One."), make_job("Two.")
    for job in (bad, good):
        assert claims.claim_clip("gone:1", job_id=job.pk) is not None
    expire_all_leases()
    fail, calls = attempt_outcomes._fail, 0

    def fail_unless_bad(clip_id: int, job_id: Any, *args: Any) -> bool:
        nonlocal calls
        if job_id == bad.pk:
            calls += 1
            raise ValueError("a value that cannot be")
        return fail(clip_id, job_id, *args)

    monkeypatch.setattr(attempt_outcomes, "_fail", fail_unless_bad)
    for _ in range(3):
        sweeper.sweep()
    worker.work()
    assert (state_of(good), calls) == (JobState.COMPLETED, 1)
    assert client.get("/readyz").json()["checks"]["rows"] == "1 set aside"
    row_guard.clear()
    monkeypatch.setattr(attempt_outcomes, "_fail", fail)
    sweeper.sweep()
    worker.work()
    assert state_of(bad) == JobState.COMPLETED


def test_64_a_database_that_is_away_is_no_rows_fault() -> None:
    def handle(row: int) -> bool:
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        row_guard.each_alone("test", [1, 2], lambda row: row, handle)
    assert row_guard.each_alone("test", [1, 2], lambda row: row, lambda row: row > 1) == 1


def test_64_a_clip_whose_request_cannot_be_built_does_not_hold_up_the_queue(
    make_job: MakeJob, worker: Worker, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = make_job("One."), make_job("Two.", owner=teacher)
    build = claims.build_claim

    def build_unless_bad(clip: Clip, attempt_id: int) -> claims.Claim:
        if clip.job_id == bad.pk:
            raise KeyError("a profile that cannot be read")
        return build(clip, attempt_id)

    monkeypatch.setattr(claims, "build_claim", build_unless_bad)
    with pytest.raises(KeyError):
        worker.work()
    worker.work()  # the next wakeup
    assert state_of(good) == JobState.COMPLETED
