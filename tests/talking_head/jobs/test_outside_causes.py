"""Outside causes (a killed renderer, a shutdown, a full disk) are not the sentence's fault."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from talking_head.errors import RendererError, ResourceError
from talking_head.jobs import attempt_outcomes, claims, outside_causes, publish_claims, state_machine
from talking_head.jobs.claim import AttemptFailure
from talking_head.jobs.outside_causes import MAX_INTERRUPTIONS
from talking_head.jobs.publish_claims import PublishClaim
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
    waits = [2 ** min(number, outside_causes.MAX_DOUBLINGS) for number in range(MAX_INTERRUPTIONS - 1)]
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
    assert (job.state, job.publish_crashes, job.publish_interruptions) == (JobState.COMPLETED, 0, 0)
    assert published == [job.pk]
    assert rendered_texts() == ["One."]
    assert_invariants(worker)


def lose_publisher(job: Job, claim: PublishClaim) -> None:
    """The worker is gone without a word, and its lease is over."""
    Job.objects.filter(pk=job.pk).update(lease_expires_at=state_machine.seconds_from_now(-1.0))


def lose_space(job: Job, claim: PublishClaim) -> None:
    assert publish_claims.record_failure(claim, ResourceError("The disk is full.", code="no_space"))
    lose_publisher(job, claim)


def kill_joiner(job: Job, claim: PublishClaim) -> None:
    error = RendererError("The renderer was killed by signal 9.", code="renderer_crashed")
    assert publish_claims.record_failure(claim, error, is_outside=True)
    lose_publisher(job, claim)


@pytest.mark.parametrize("interruption", [lose_publisher, lose_space, kill_joiner])
def test_67_six_interruptions_of_publishing_cost_no_finished_sentence(
    make_job: MakeJob,
    worker: Worker,
    published: list[uuid.UUID],
    monkeypatch: pytest.MonkeyPatch,
    interruption: Callable[[Job, PublishClaim], None],
) -> None:
    job = make_job("One.", "Two.")
    with monkeypatch.context() as patched:
        patched.setattr(publish_claims, "claim_job", lambda job_id=None: None)
        worker.work()
    for _ in range(SIX):
        claim = publish_claims.claim_job(job.pk)
        assert claim is not None
        interruption(job, claim)
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.COMPLETED, "")
    assert published == [job.pk]
    assert rendered_texts() == ["One.", "Two."]
    assert_invariants(worker)


def test_67_publishing_that_is_always_interrupted_ends_with_the_reason(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", title="killed")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "renderer_crashed")
    assert job.publish_interruptions == MAX_INTERRUPTIONS
    assert_invariants(worker)
