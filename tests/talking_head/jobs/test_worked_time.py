"""A job's time limit counts the seconds in which a worker held one of its clips, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db.models import F
from pytest_django import Settings

from talking_head.errors import RendererError
from talking_head.jobs import attempt_outcomes, claims
from talking_head.jobs.claim import JOB_TIMEOUT, AttemptFailure, Usage
from talking_head.jobs.worked_time import uncounted_seconds
from talking_head.models import AttemptOutcome, Clip, Job, JobState
from talking_head.pipeline.requests import ClipResult
from talking_head.worker import sweeper
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import QUICK_TIMING, MakeJob, assert_invariants

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEASE = 30.0
RESULT = ClipResult("a" * 64, "a" * 64, 0.96, 24, 64, 64, False, False)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def let_pass(job: Job, seconds: float) -> None:
    """Turn the database's clock forward, as far as this job and its clips can tell."""
    span = timedelta(seconds=seconds)
    Clip.objects.filter(job=job).update(lease_expires_at=F("lease_expires_at") - span)
    Job.objects.filter(pk=job.pk).update(
        created_at=F("created_at") - span, started_at=F("started_at") - span, worked_until=F("worked_until") - span
    )


def worked(job: Job) -> float:
    return Job.objects.values_list("worked_seconds", flat=True).get(pk=job.pk)


@pytest.fixture
def long_leases(settings: Settings) -> None:
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "lease_seconds": LEASE}


class TestOneLease:
    def test_it_counts_from_its_last_renewal(self) -> None:
        assert uncounted_seconds(at(7), at(LEASE), None, LEASE) == 7

    def test_what_another_worker_of_the_job_has_counted_counts_once(self) -> None:
        assert uncounted_seconds(at(7), at(LEASE), at(5), LEASE) == 2

    def test_a_pause_of_everything_counts_as_one_lease_at_most(self) -> None:
        assert uncounted_seconds(at(3_600), at(LEASE), None, LEASE) == LEASE

    def test_a_clock_that_was_set_back_counts_nothing_and_then_goes_on(self) -> None:
        assert uncounted_seconds(at(-3_600), at(LEASE), at(5), LEASE) == 0
        assert uncounted_seconds(at(-3_590), at(-3_600 + LEASE), at(5), LEASE) == 10

    def test_three_workers_that_render_side_by_side_count_as_one(self) -> None:
        renewals = sorted([*range(0, 100, 10), *range(3, 100, 10), *range(7, 100, 10)])
        total, until = 0.0, None
        for _, now in pairwise(renewals):
            total += uncounted_seconds(at(now), at(max(0, now - 10) + LEASE), until, LEASE)
            until = at(now)
        assert total == renewals[-1]


@pytest.mark.usefixtures("long_leases")
class TestCounting:
    def test_renewing_and_finishing_count(self, make_job: MakeJob) -> None:
        job = make_job("One.", "Two.")
        claim = claims.claim_clip("box:1")
        assert claim is not None
        let_pass(job, 10)
        assert claims.renew_lease(claim)
        assert worked(job) == pytest.approx(10, abs=1)
        let_pass(job, 5)
        assert attempt_outcomes.finish_clip(claim, RESULT, Usage())
        assert worked(job) == pytest.approx(15, abs=1)

    @pytest.mark.parametrize("end", ["release", "fail"])
    def test_a_clip_that_is_given_back_or_fails_counts(self, make_job: MakeJob, end: str) -> None:
        job = make_job("One.")
        claim = claims.claim_clip("box:1")
        assert claim is not None
        let_pass(job, 8)
        if end == "release":
            assert attempt_outcomes.release_clip(claim, AttemptOutcome.RELEASED)
        else:
            assert attempt_outcomes.fail_clip(claim, AttemptFailure(RendererError("It failed.")))
        assert worked(job) == pytest.approx(8, abs=1)

    def test_the_time_between_two_clips_does_not_count(self, make_job: MakeJob) -> None:
        job = make_job("One.", "Two.", timeout_seconds=300.0)
        first = claims.claim_clip("box:1")
        assert first is not None
        assert attempt_outcomes.finish_clip(first, RESULT, Usage())
        let_pass(job, 3_600)  # behind other teachers' sentences
        second = claims.claim_clip("box:1")
        assert second is not None
        assert worked(job) == pytest.approx(0, abs=1)
        assert second.seconds_allowed > 200

    def test_the_rest_of_the_time_is_what_a_clip_may_take(self, make_job: MakeJob) -> None:
        job = make_job("One.", timeout_seconds=100.0)
        Job.objects.update(worked_seconds=70.0)
        claim = claims.claim_clip("box:1")
        assert claim is not None
        assert (claim.seconds_allowed, claim.job_timeout is not None) == (30.0, True)
        assert worked(job) == 70.0


@pytest.mark.parametrize("is_rendering", [True, False])
@pytest.mark.parametrize("outage_seconds", [330.0, 3_600.0])
def test_56_an_outage_or_a_clock_ahead_does_not_use_up_a_jobs_time(
    make_job: MakeJob, worker: Worker, is_rendering: bool, outage_seconds: float
) -> None:
    """Everything is off with some sentences done, or the clock is an hour ahead at the restart."""
    job = make_job(*(f"Sentence {number}." for number in range(8)), timeout_seconds=60.0)
    for _ in range(3):
        claim = claims.claim_clip("gone:1")
        assert claim is not None
        worker._render(claim)
    assert not is_rendering or claims.claim_clip("gone:1") is not None  # this worker is not heard of again
    let_pass(job, outage_seconds)
    sweeper.sweep()
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.COMPLETED, "")
    assert not job.clips.filter(is_fallback=True).exists()
    assert job.worked_seconds < 30
    assert_invariants(worker)


def test_56_a_job_that_really_used_up_its_time_still_ends(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", "Two.", timeout_seconds=60.0)
    claim = claims.claim_clip("box:1")
    assert claim is not None
    worker._render(claim)
    Job.objects.filter(pk=job.pk).update(worked_seconds=60.0)
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FALLBACK, JOB_TIMEOUT)
