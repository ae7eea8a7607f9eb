"""Whose clip is next: priority with ageing, then turns between teachers, then age."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from talking_head.errors import RendererError
from talking_head.jobs import attempt_outcomes, claims, queue, state_machine
from talking_head.jobs.claim import AttemptFailure
from talking_head.models import AttemptOutcome, ClipState, Job, Priority
from talking_head.timing import timing
from tests.talking_head.jobs.conftest import MakeJob


def order(count: int) -> list[str]:
    texts = []
    for _ in range(count):
        claim = claims.claim_clip("tester:1")
        assert claim is not None
        texts.append(claim.request.text)
    assert claims.claim_clip("tester:1") is None
    return texts


def test_a_vip_waits_for_one_clip_and_not_for_the_whole_lecture(
    make_job: MakeJob, teacher: User, colleague: User
) -> None:
    make_job("a0", "a1", "a2", owner=teacher)
    first = claims.claim_clip("tester:1")
    assert first is not None
    make_job("vip0", "vip1", owner=colleague, priority=Priority.VIP)
    assert [first.request.text, *order(4)] == ["a0", "vip0", "vip1", "a1", "a2"]


def test_two_teachers_take_turns_clip_by_clip(make_job: MakeJob, teacher: User, colleague: User) -> None:
    make_job("a0", "a1", "a2", "a3", owner=teacher)
    make_job("b0", "b1", owner=colleague)
    assert order(6) == ["a0", "b0", "a1", "b1", "a2", "a3"]


def test_many_jobs_of_one_teacher_do_not_starve_another(make_job: MakeJob, teacher: User, colleague: User) -> None:
    for number in range(20):
        make_job(f"a{number}", owner=teacher)
    make_job("b", owner=colleague)
    assert "b" in order(21)[:2]


def test_of_one_teacher_the_older_job_goes_first(make_job: MakeJob, teacher: User) -> None:
    make_job("a0", "a1", owner=teacher)
    make_job("b0", owner=teacher)
    assert order(3) == ["a0", "a1", "b0"]


def test_what_waited_long_enough_is_as_urgent_as_a_vip(make_job: MakeJob, teacher: User, colleague: User) -> None:
    old = make_job("old0", "old1", owner=teacher)
    make_job("vip0", "vip1", owner=colleague, priority=Priority.VIP)
    assert queue.promote_aged_jobs() == 0
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(seconds=timing().ageing_seconds + 1))
    assert [queue.promote_aged_jobs(), queue.promote_aged_jobs()] == [1, 0]
    assert order(4) == ["old0", "vip0", "old1", "vip1"]


def test_whoever_comes_later_begins_beside_the_others_and_not_behind_them(
    make_job: MakeJob, teacher: User, colleague: User
) -> None:
    make_job(*(f"a{number}" for number in range(200)), owner=teacher)
    for _ in range(100):
        claims.claim_clip("tester:1")
    make_job("b0", "b1", "b2", owner=colleague)
    texts = [claim.request.text for _ in range(6) if (claim := claims.claim_clip("tester:1"))]
    assert texts == ["a100", "b0", "a101", "b1", "a102", "b2"]


def test_a_clip_that_comes_back_goes_first_and_lends_its_old_turn_to_nobody(
    make_job: MakeJob, teacher: User, colleague: User
) -> None:
    make_job("a0", "a1", "a2", "a3", "a4", owner=teacher)
    first, _, _ = (claims.claim_clip("tester:1") for _ in range(3))
    assert first is not None
    attempt_outcomes.release_clip(first, AttemptOutcome.RELEASED)
    make_job("b0", "b1", owner=colleague)
    assert order(5) == ["a0", "a3", "b0", "a4", "b1"]


def test_nobody_stands_in_line_for_a_job_that_ended(make_job: MakeJob, teacher: User) -> None:
    job = make_job("a0", "a1", "a2", owner=teacher)
    held, lost = claims.claim_clip("tester:1"), claims.claim_clip("tester:2")
    assert held is not None
    assert lost is not None
    state_machine.cancel(job.pk)
    attempt_outcomes.release_clip(held, AttemptOutcome.CANCELLED)
    attempt_outcomes.fail_clip(lost, AttemptFailure(RendererError("It crashed."), AttemptOutcome.CRASHED))
    assert [(clip.state, clip.turn) for clip in job.clips.all()] == [(ClipState.WAITING, None)] * 3


def test_a_clip_in_backoff_lets_others_pass(make_job: MakeJob, teacher: User) -> None:
    job = make_job("a0", "a1", owner=teacher)
    job.clips.filter(index=0).update(not_before=timezone.now() + timedelta(hours=1))
    assert order(1) == ["a1"]
    seconds = queue.seconds_until_claimable()
    assert seconds is not None
    assert 3_500 < seconds <= 3_600
