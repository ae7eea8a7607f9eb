"""The simulation claims in the very order in which the database does."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.claim_order import NORMAL, VIP, ClaimQueue, SimulatedJob
from talking_head.jobs import claims
from talking_head.jobs import queue as line
from talking_head.models import Clip, Job
from talking_head.timing import timing

AGEING_SECONDS = 600.0
LONG_AGO_SECONDS = 3_000.0


def queue_of(*jobs: SimulatedJob) -> ClaimQueue:
    queue = ClaimQueue(AGEING_SECONDS)
    for job in jobs:
        queue.add(job)
    return queue


def order(queue: ClaimQueue, start: float = 1_000.0) -> list[int]:
    """Numbers of the jobs whose clips are claimed, a second apart, until nothing is left."""
    numbers: list[int] = []
    while (claimed := queue.claim(start + len(numbers))) is not None:
        numbers.append(claimed[0].number)
    assert queue.waiting_clips == 0
    return numbers


def job(number: int, owner: int, clips: int, priority: int = NORMAL, created_at: float = 900.0) -> SimulatedJob:
    return SimulatedJob(number, owner, priority, created_at, [1.0] * clips)


def test_vips_first_then_turns_then_age() -> None:
    queue = queue_of(job(1, owner=1, clips=3), job(2, owner=2, clips=2), job(3, owner=1, clips=1, priority=VIP))
    assert order(queue) == [3, 1, 2, 1, 2, 1]


def test_what_waited_long_enough_is_as_urgent_as_a_vip() -> None:
    queue = queue_of(job(1, owner=1, clips=2, created_at=0.0), job(2, owner=2, clips=2, priority=VIP))
    assert order(queue, start=500.0) == [2, 2, 1, 1]
    queue = queue_of(job(1, owner=1, clips=2, created_at=0.0), job(2, owner=2, clips=2, priority=VIP))
    assert order(queue, start=601.0) == [1, 2, 1, 2]


def test_a_job_without_clips_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        ClaimQueue().add(job(1, owner=1, clips=0))


def play_both(seed: int) -> tuple[list[int], list[int]]:
    """Random jobs of a few owners come in while others are claimed; some are old enough to be urgent. The numbers of
    the jobs in the order in which their clips were claimed: of the database, and of the simulation."""
    rng = random.Random(seed)
    owners = [User.objects.create(username=f"owner{number}") for number in range(4)]
    queue, real, simulated = ClaimQueue(AGEING_SECONDS), [], []
    for number in range(12):
        owner, priority, clips = rng.randrange(4), rng.choice([NORMAL, NORMAL, VIP]), rng.randint(1, 6)
        age_seconds = rng.choice([0.0, 0.0, LONG_AGO_SECONDS - number])
        _store(number, owners[owner], priority, clips, age_seconds)
        queue.add(SimulatedJob(number, owner, priority, -age_seconds, [1.0] * clips))
        for _ in range(rng.randrange(5) if number < 11 else 100):
            line.promote_aged_jobs()
            claim, claimed = claims.claim_clip("tester:1"), queue.claim(0.0)
            real += [int(claim.request.text)] if claim else []
            simulated += [claimed[0].number] if claimed else []
    return real, simulated


def _store(number: int, owner: User, priority: int, clips: int, age_seconds: float) -> None:
    job = Job.objects.create(owner=owner, priority=priority, script="x", speech="f", face="f", timeout_seconds=60)
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(seconds=age_seconds))
    rows = [Clip(job=job, index=index, text=str(number), start=0, end=1) for index in range(clips)]
    Clip.objects.bulk_create(line.enqueue(job, rows))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.django_db
def test_as_the_database_does(seed: int) -> None:
    assert timing().ageing_seconds == AGEING_SECONDS
    real, simulated = play_both(seed)
    assert len(real) > 12
    assert real == simulated
