"""Outside causes (a killed renderer, a shutdown, a full disk) are not the sentence's fault."""

from __future__ import annotations

import uuid

import pytest

from talking_head.errors import ResourceError
from talking_head.jobs import attempt_outcomes, claims
from talking_head.jobs.attempt_outcomes import MAX_INTERRUPTIONS
from talking_head.jobs.claim import AttemptFailure
from talking_head.models import AttemptOutcome, Clip, Job, JobState
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, outcomes, rendered_texts

SIX = 6


def interrupt(job: Job, failure: AttemptFailure, times: int) -> None:
    """Let the job's first clip fail that often, without its backoff."""
    for _ in range(times):
        claim = claims.claim_clip("box:1", job_id=job.pk)
        assert claim is not None
        assert claim.index == 0
        assert attempt_outcomes.fail_clip(claim, failure)
        Clip.objects.filter(job=job).update(not_before=None)


def killed() -> AttemptFailure:
    error = ResourceError("The renderer was killed by signal 9.", code="renderer_crashed")
    return AttemptFailure(error, AttemptOutcome.CRASHED, is_outside=True)


def full() -> AttemptFailure:
    return AttemptFailure(ResourceError("The disk is full.", code="no_space"))


@pytest.mark.parametrize("failure", [killed(), full()])
def test_67_six_interruptions_in_a_row_leave_no_mark(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID], failure: AttemptFailure
) -> None:
    job = make_job("One.", "Two.", "Three.")
    interrupt(job, failure, SIX)
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.COMPLETED, "")
    assert not job.clips.filter(is_fallback=True).exists()
    assert set(job.clips.values_list("crashes", "failures")) == {(0, 0)}
    assert outcomes(job, 0)[-1] == ("done", "")
    assert len(outcomes(job, 0)) == SIX + 1
    assert published == [job.pk]
    assert_invariants(worker)


def test_67_the_backoff_outlasts_eighteen_seconds(make_job: MakeJob) -> None:
    waits = [2 ** min(number, attempt_outcomes.MAX_DOUBLINGS) for number in range(MAX_INTERRUPTIONS - 1)]
    assert sum(waits) * 0.5 > 60, "even with the shortest jitter, at a backoff of one second"


def test_67_a_renderer_that_is_really_killed_costs_one_retry(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", "killed once", "Three.")
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED
    assert outcomes(job, 1) == [("crashed", "renderer_crashed"), ("done", "")]
    assert list(job.clips.values_list("crashes", "interruptions")) == [(0, 0), (0, 1), (0, 0)]
    assert_invariants(worker)


def test_67_what_is_killed_every_time_gets_a_fallback_and_its_neighbours_finish(
    make_job: MakeJob, worker: Worker
) -> None:
    job = make_job("One.", "killed", "Three.")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FALLBACK, "poisoned")
    assert list(job.clips.values_list("is_fallback", flat=True)) == [False, True, False]
    assert len(outcomes(job, 1)) == MAX_INTERRUPTIONS + 1
    assert_invariants(worker)


def test_67_term_is_no_crash(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", "terminated once", "Three.")
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED
    assert outcomes(job, 1) == [("released", ""), ("done", "")]
    assert set(job.clips.values_list("crashes", "failures", "interruptions")) == {(0, 0, 0)}
    assert_invariants(worker)


def test_67_term_while_publishing_is_no_crash(make_job: MakeJob, worker: Worker, published: list[uuid.UUID]) -> None:
    job = make_job("One.", title="terminated once")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.publish_crashes) == (JobState.COMPLETED, 0)
    assert published == [job.pk]
    assert rendered_texts() == ["One."]
    assert_invariants(worker)
