"""Whose clip is next, without a database: the order of ``talking_head.claims`` for simulations.

Urgency first (a normal job that has waited ``ageing_seconds`` is as urgent as a VIP's), then the owner who was served
longest ago (who never was comes before), then the older job, then the clips of a job in order. Every operation costs
O(log n), so ten thousand workers and a million clips can be played through.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

NORMAL, VIP = 0, 10
NEVER = -1.0


@dataclass(slots=True)
class SimulatedJob:
    """One job: ``clip_seconds`` are what a worker needs for each of its clips."""

    number: int
    owner: int
    priority: int
    created_at: float
    clip_seconds: list[float]
    publish_seconds: float = 0.0
    claimed: int = 0
    done: int = 0
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def has_clip_to_claim(self) -> bool:
        return self.claimed < len(self.clip_seconds)


@dataclass(slots=True)
class _Lane:
    """The jobs of one urgency, by owner. ``turns`` may hold outdated entries; ``versions`` says which are."""

    jobs: dict[int, list[tuple[float, int, SimulatedJob]]] = field(default_factory=lambda: defaultdict(list))
    turns: list[tuple[float, float, int, int, int]] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=lambda: defaultdict(int))


class ClaimQueue:
    """Jobs that have clips to claim. Times are any one clock's seconds, and must not go back."""

    def __init__(self, ageing_seconds: float = 600.0) -> None:
        self.ageing_seconds = ageing_seconds
        self.waiting_clips = 0
        self._lanes: dict[int, _Lane] = {}
        self._served_at: dict[int, float] = {}
        self._ageing: list[tuple[float, int, SimulatedJob]] = []

    def add(self, job: SimulatedJob) -> None:
        if not job.clip_seconds:
            raise ValueError("A job has at least one clip.")
        self.waiting_clips += len(job.clip_seconds)
        self._put(job, job.priority)
        if job.priority < VIP:
            heapq.heappush(self._ageing, (job.created_at, job.number, job))

    def claim(self, now: float) -> tuple[SimulatedJob, float] | None:
        """The job whose turn it is, and what its next clip costs; None when nothing waits."""
        self._let_age(now)
        for urgency in sorted(self._lanes, reverse=True):
            job = self._next_of(self._lanes[urgency])
            if job is not None:
                return job, self._take(job, now)
        return None

    def _take(self, job: SimulatedJob, now: float) -> float:
        seconds = job.clip_seconds[job.claimed]
        job.claimed += 1
        self.waiting_clips -= 1
        if job.started_at is None:
            job.started_at = now
        self._served_at[job.owner] = now
        for lane in self._lanes.values():
            self._queue_up(lane, job.owner)
        return seconds

    def _let_age(self, now: float) -> None:
        while self._ageing and self._ageing[0][0] < now - self.ageing_seconds:
            job = heapq.heappop(self._ageing)[2]
            if job.has_clip_to_claim:
                lane = self._lanes[job.priority]
                lane.jobs[job.owner] = [entry for entry in lane.jobs[job.owner] if entry[2] is not job]
                heapq.heapify(lane.jobs[job.owner])
                self._queue_up(lane, job.owner)
                self._put(job, VIP)

    def _put(self, job: SimulatedJob, urgency: int) -> None:
        lane = self._lanes.setdefault(urgency, _Lane())
        heapq.heappush(lane.jobs[job.owner], (job.created_at, job.number, job))
        self._queue_up(lane, job.owner)

    def _queue_up(self, lane: _Lane, owner: int) -> None:
        """Gives the owner the place that is theirs now; older entries of theirs count no more."""
        jobs = lane.jobs.get(owner)
        while jobs and not jobs[0][2].has_clip_to_claim:
            heapq.heappop(jobs)
        lane.versions[owner] += 1
        if jobs:
            created_at, number, _job = jobs[0]
            place = (self._served_at.get(owner, NEVER), created_at, number, owner, lane.versions[owner])
            heapq.heappush(lane.turns, place)
        elif owner in lane.jobs:
            del lane.jobs[owner]

    @staticmethod
    def _next_of(lane: _Lane) -> SimulatedJob | None:
        while lane.turns:
            *_, owner, version = lane.turns[0]
            if lane.versions[owner] == version:
                return lane.jobs[owner][0][2]
            heapq.heappop(lane.turns)
        return None
