"""The simulation claims in the very order in which the database does."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.claim_order import NORMAL, VIP, ClaimQueue, SimulatedJob
from talking_head import claims
from talking_head.models import Clip, Job, Priority
from talking_head.timing import timing

AGEING_SECONDS = 600.0


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
    assert order(queue) == [3, 2, 1, 2, 1, 1]


def test_what_waited_long_enough_is_as_urgent_as_a_vip() -> None:
    queue = queue_of(job(1, owner=1, clips=2, created_at=0.0), job(2, owner=2, clips=2, priority=VIP))
    assert order(queue, start=500.0) == [2, 2, 1, 1]
    queue = queue_of(job(1, owner=1, clips=2, created_at=0.0), job(2, owner=2, clips=2, priority=VIP))
    assert order(queue, start=601.0) == [1, 2, 1, 2]


def test_a_job_without_clips_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        ClaimQueue().add(job(1, owner=1, clips=0))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.django_db
def test_as_the_database_does(seed: int) -> None:
    """Random jobs of a few owners, some of them old enough to be urgent and one owner with turns taken before."""
    assert timing().ageing_seconds == AGEING_SECONDS
    rng = random.Random(seed)
    owners = [User.objects.create(username=f"owner{number}") for number in range(4)]
    now = timezone.now()
    simulated = []
    for number in range(8):
        age_seconds = rng.choice([60.0, 300.0, 3_000.0]) + number
        owner, priority, clips = rng.randrange(4), rng.choice([Priority.NORMAL, Priority.VIP]), rng.randint(1, 4)
        row = Job.objects.create(
            owner=owners[owner], priority=priority, script="x", speech="f", face="f", timeout_seconds=60
        )
        Job.objects.filter(pk=row.pk).update(created_at=now - timedelta(seconds=age_seconds))
        Clip.objects.bulk_create(Clip(job=row, index=index, text=str(number), start=0, end=1) for index in range(clips))
        simulated.append(SimulatedJob(number, owner, int(priority), -age_seconds, [1.0] * clips))
    queue = queue_of(*sorted(simulated, key=lambda one: one.created_at))
    real = []
    while (claim := claims.claim_clip("tester:1")) is not None:
        real.append(int(claim.request.text))
    assert order(queue, start=0.0) == real
