"""Any interleaving of claims, crashes, reports (also late ones), cancels and publications leaves only legal states."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from talking_head.errors import EngineError, RendererError, out_of_memory
from talking_head.jobs import attempt_outcomes, cached_clips, claims, publish_claims, state_machine
from talking_head.jobs.claim import AttemptFailure, Claim, Usage
from talking_head.jobs.publish_claims import PublishClaim
from talking_head.jobs.state_machine import CLIP_TRANSITIONS, JOB_TRANSITIONS
from talking_head.models import TERMINAL_JOB_STATES, Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from talking_head.pipeline.package_request import PackageResult
from talking_head.pipeline.requests import ClipResult
from talking_head.signals import job_published
from talking_head.worker import publishing
from tests.talking_head.jobs.conftest import QUICK_TIMING

JOB_STEPS = {(source, move.target) for move in JOB_TRANSITIONS.values() for source in move.sources}
CLIP_STEPS = {(source, move.target) for move in CLIP_TRANSITIONS.values() for source in move.sources}
RESULT = ClipResult("a" * 64, "b" * 64, 0.96, 24, 64, 64, False, False)
FAILURES = (
    AttemptFailure(RendererError("It crashed."), AttemptOutcome.CRASHED),
    AttemptFailure(RendererError("It takes too long.", code="clip_timeout"), AttemptOutcome.TIMEOUT),
    AttemptFailure(RendererError("It failed.")),
    AttemptFailure(out_of_memory()),
    AttemptFailure(out_of_memory(), AttemptOutcome.CRASHED),
    AttemptFailure(EngineError("It cannot be done here.")),
)
ACTIONS = (
    "claim", "finish", "fail", "release", "renew", "take_over", "cancel", "expire",
    "finish_cached", "work_all", "claim_publishing", "publish", "postpone", "release_publishing", "render_again",
)  # fmt: skip
OFTEN = ("claim", "work_all", "take_over", "publish") * 3  # what long stories are made of
LONG_AGO = timedelta(hours=1)


@dataclass
class Play:
    """Two jobs, and everybody who ever claimed something of them, however stale."""

    claims: list[Claim] = field(default_factory=list)
    publishers: list[PublishClaim] = field(default_factory=list)
    published: list[uuid.UUID] = field(default_factory=list)
    states: dict[object, str] = field(default_factory=dict)

    def step(self, action: str, number: int) -> None:
        jobs = list(Job.objects.order_by("created_at"))
        job = jobs[number % len(jobs)]
        claim = self.claims[number % len(self.claims)] if self.claims else None
        publisher = self.publishers[number % len(self.publishers)] if self.publishers else None
        match action:
            case "claim":
                self.claims += filter(None, [claims.claim_clip("tester:1")])
            case "finish" if claim:
                self._must_be_current(claim, attempt_outcomes.finish_clip(claim, RESULT, Usage()))
            case "fail" if claim:
                self._must_be_current(claim, attempt_outcomes.fail_clip(claim, FAILURES[number % len(FAILURES)]))
            case "release" if claim:
                self._must_be_current(claim, attempt_outcomes.release_clip(claim, AttemptOutcome.RELEASED))
            case "renew" if claim:
                self._must_be_current(claim, claims.renew_lease(claim))
            case "finish_cached":
                waiting = Clip.objects.filter(job=job.pk, state=ClipState.WAITING, fence=0, is_fallback=False)
                may_finish = job.state == JobState.RUNNING and waiting.filter(is_half_resolution=False).exists()
                found = dict.fromkeys(job.clips.values_list("pk", flat=True), RESULT)
                assert cached_clips.finish_cached(job.pk, "tester:1", found, 0.1) == may_finish
            case "work_all":  # what a healthy worker does in between: everything up to publishing
                while newest := claims.claim_clip("worker:1"):
                    self.claims.append(newest)
                    attempt_outcomes.finish_clip(newest, RESULT, Usage())
            case "take_over":  # the holder is gone for too long, and others take it
                Clip.objects.filter(state=ClipState.LEASED).update(lease_expires_at=timezone.now() - LONG_AGO)
                Job.objects.filter(state=JobState.PUBLISHING).update(lease_expires_at=timezone.now() - LONG_AGO)
                attempt_outcomes.reap_expired_leases()
                self.claims += filter(None, [claims.claim_clip("tester:2")])
                self.publishers += filter(None, [publish_claims.claim_job()])
            case "cancel":
                assert state_machine.cancel(job.pk) == (job.state not in TERMINAL_JOB_STATES)
            case "expire":
                Job.objects.filter(pk=job.pk).update(worked_seconds=F("timeout_seconds"))
                attempt_outcomes.expire_deadlines()
            case "claim_publishing":
                self.publishers += filter(None, [publish_claims.claim_job()])
            case "publish" if publisher:
                owner = Job.objects.get(pk=publisher.job_id)
                may_publish = owner.fence == publisher.fence and owner.state == JobState.PUBLISHING
                done = publishing._commit_publication(
                    publisher, owner, list(owner.clips.all()), Path("x"), PackageResult(1.0, 25, 64, 64, ""), 0.1
                )
                assert done == may_publish
            case "postpone" if publisher:
                publish_claims.record_failure(publisher, RendererError("It failed."), is_outside=bool(number % 2))
            case "release_publishing" if publisher:
                publish_claims.release(publisher)
            case "render_again" if publisher:
                publish_claims.rerender_clips(publisher, [0])
        self._check()

    def _must_be_current(self, claim: Claim, happened: bool) -> None:
        newest = max(other.fence for other in self.claims if other.clip_id == claim.clip_id)
        assert not happened or claim.fence == newest, "a stale claim changed something"

    def _check(self) -> None:
        jobs, clips, attempts = list(Job.objects.all()), list(Clip.objects.all()), list(Attempt.objects.all())
        ended = {job.pk for job in jobs if job.state in TERMINAL_JOB_STATES}
        for job in jobs:
            self._check_step(("job", job.pk), job.state, JOB_STEPS)
        for clip in clips:
            self._check_step(("clip", clip.pk), clip.state, CLIP_STEPS)
            assert sum(attempt.clip_id == clip.pk for attempt in attempts) == clip.fence
            assert (clip.state == ClipState.LEASED) == (clip.lease_expires_at is not None)
            assert clip.turn is not None or clip.state != ClipState.WAITING or clip.job_id in ended
            assert clip.turn is None or clip.state != ClipState.WAITING or clip.job_id not in ended
        watchable = {job.pk for job in jobs if job.is_watchable}
        assert all(clip.state == ClipState.DONE for clip in clips if clip.job_id in watchable)
        assert sorted(self.published) == sorted(watchable), "published once, and nothing else is watchable"
        open_attempts = [attempt for attempt in attempts if attempt.finished_at is None]
        assert len(open_attempts) == sum(clip.state == ClipState.LEASED for clip in clips)
        orderly = ("", "done", "released")
        assert all(attempt.error_code for attempt in attempts if attempt.outcome not in orderly)

    def _check_step(self, key: object, state: str, legal: set[tuple[str, str]]) -> None:
        """One action may make several moves (a clip that fails and is claimed again), so walk the table."""
        before = self.states.get(key, state)
        reachable = {before}
        while more := {target for source, target in legal if source in reachable} - reachable:
            reachable |= more
        assert state in reachable, f"{before} -> {state}"
        self.states[key] = state


@pytest.fixture
def play(db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Play]:
    """Without files (the rename is the only thing left out) and without waiting between tries."""
    play = Play()
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "backoff_seconds": 0.0}
    monkeypatch.setattr(publishing, "_move_into_place", lambda staging, results: None)

    def receive(sender: object, job: Job, **kwargs: object) -> None:
        play.published.append(job.pk)

    job_published.connect(receive)
    yield play
    job_published.disconnect(receive)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(st.tuples(st.sampled_from(OFTEN + ACTIONS), st.integers(0, 11)), min_size=12, max_size=40))
def test_no_interleaving_leads_astray(play: Play, script: list[tuple[str, int]]) -> None:
    play.claims, play.publishers, play.published, play.states = [], [], [], {}
    with transaction.atomic():
        for clip_count in (1, 2):
            job = Job.objects.create(script="Hello.", speech="fake", face="fake", timeout_seconds=60.0)
            for index in range(clip_count):
                Clip.objects.create(job=job, index=index, text="Hello.", spoken="Hello.", start=0, end=6)
        for action, number in script:
            play.step(action, number)
        transaction.set_rollback(True)


def test_no_move_leads_out_of_an_end() -> None:
    assert not {source for source, _ in JOB_STEPS} & set(TERMINAL_JOB_STATES)
    assert ClipState.FAILED not in {source for source, _ in CLIP_STEPS}


@pytest.mark.django_db
@pytest.mark.parametrize("verb", sorted(JOB_TRANSITIONS))
@pytest.mark.parametrize("state", JobState.values)
def test_a_job_moves_only_from_where_the_table_says(verb: str, state: str) -> None:
    job = Job.objects.create(script="Hello.", speech="fake", face="fake", timeout_seconds=60.0, state=state)
    try:
        with transaction.atomic():
            state_machine.transition_job(job.pk, verb)
        moved = True
    except state_machine.LostRace:
        moved = False
    job.refresh_from_db()
    assert moved == (state in JOB_TRANSITIONS[verb].sources)
    assert job.state == (JOB_TRANSITIONS[verb].target if moved else state)
    assert job.seq == (1 if moved else 0)
