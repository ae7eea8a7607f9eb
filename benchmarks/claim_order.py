"""The order in which clips are claimed, without a database: that of ``talking_head.jobs.queue``, for simulations.

Lanes come first (a normal job that has waited ``ageing_seconds`` moves into the VIPs'), then start tags: a job's clips
get consecutive tags, from the tag that is being served or after the owner's last one, whichever is later. Every
operation costs O(log n), so ten thousand workers and a million clips can be simulated.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

NORMAL, VIP = 0, 10


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
    lane: int = NORMAL
    start_tag: int = 0  # of its next clip
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def has_clip_to_claim(self) -> bool:
        return self.claimed < len(self.clip_seconds)

    @property
    def last_tag(self) -> int:
        return self.start_tag + len(self.clip_seconds) - self.claimed - 1


@dataclass(slots=True)
class _Lane:
    """A lane: ``heap`` holds the next clip of every job, and entries of jobs that have left; ``jobs`` are each owner's,
    in order."""

    heap: list[tuple[int, int, SimulatedJob]] = field(default_factory=list)
    jobs: dict[int, list[SimulatedJob]] = field(default_factory=lambda: defaultdict(list))


class ClaimQueue:
    """Jobs that have clips to claim. Times are seconds of any one clock, and must not go back."""

    def __init__(self, ageing_seconds: float = 600.0) -> None:
        self.ageing_seconds = ageing_seconds
        self.waiting_clips = 0
        self._lanes: dict[int, _Lane] = {NORMAL: _Lane(), VIP: _Lane()}
        self._ageing: list[tuple[float, int, SimulatedJob]] = []

    def add(self, job: SimulatedJob) -> None:
        if not job.clip_seconds:
            raise ValueError("A job has at least one clip.")
        self.waiting_clips += len(job.clip_seconds)
        self._enqueue(job, job.priority)
        if job.priority < VIP:
            heapq.heappush(self._ageing, (job.created_at, job.number, job))

    def claim(self, now: float) -> tuple[SimulatedJob, float] | None:
        """Return the job that is next, and what its next clip costs; None when nothing waits."""
        self._apply_ageing(now)
        for lane_number in sorted(self._lanes, reverse=True):
            job = self._first_in(lane_number)
            if job is not None:
                return job, self._take(job, now)
        return None

    def _take(self, job: SimulatedJob, now: float) -> float:
        seconds = job.clip_seconds[job.claimed]
        heapq.heappop(self._lanes[job.lane].heap)
        job.claimed += 1
        job.start_tag += 1
        self.waiting_clips -= 1
        if job.started_at is None:
            job.started_at = now
        if job.has_clip_to_claim:
            heapq.heappush(self._lanes[job.lane].heap, (job.start_tag, job.number, job))
        return seconds

    def _apply_ageing(self, now: float) -> None:
        while self._ageing and self._ageing[0][0] < now - self.ageing_seconds:
            job = heapq.heappop(self._ageing)[2]
            if job.has_clip_to_claim:
                self._enqueue(job, VIP)

    def _enqueue(self, job: SimulatedJob, lane_number: int) -> None:
        lane = self._lanes[lane_number]
        first = self._first_in(lane_number)
        own = lane.jobs[job.owner]
        while own and not (own[-1].has_clip_to_claim and own[-1].lane == lane_number):
            own.pop()
        job.lane, job.start_tag = lane_number, max(first.start_tag if first else 0, own[-1].last_tag + 1 if own else 0)
        own.append(job)
        heapq.heappush(lane.heap, (job.start_tag, job.number, job))

    def _first_in(self, lane_number: int) -> SimulatedJob | None:
        heap = self._lanes[lane_number].heap
        while heap and heap[0][2].lane != lane_number:
            heapq.heappop(heap)
        return heap[0][2] if heap else None
