"""A discrete-event model of the job layer: what a worker does between two clips, and what it waits for.

Modelled as in ``talking_head.worker.worker``: one wakeup per job wakes one worker, a worker that finds more work wakes
the next worker once; a worker publishes complete jobs before it claims again; every claim needs the database for a
while, one after the other. Not modelled: failures, cancelling, the network, viewers.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from benchmarks.claim_order import NORMAL, VIP, ClaimQueue, SimulatedJob

QUANTILES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of the job layer, in seconds; docs/scaling.md has the source of the figures."""

    claims_per_second: float  # of the database, all workers together, with all other queries for a clip
    clip_overhead_seconds: float  # of a worker, for each clip, besides rendering and the claim itself
    publish_seconds: float
    wakeup_seconds: float  # from the wakeup to the worker's first look
    ageing_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """The jobs that teachers submit. ``clips`` are samples of (seconds of video, seconds of rendering)."""

    clips: Sequence[tuple[float, float]]
    mean_clips: float = 20.0
    vip_share: float = 0.1
    teachers: int = 200

    @property
    def mean_clip_seconds(self) -> float:
        return sum(seconds for _, seconds in self.clips) / len(self.clips)

    @property
    def mean_video_seconds(self) -> float:
        return sum(video_seconds for video_seconds, _ in self.clips) / len(self.clips)


def make_jobs(times: Iterable[float], lesson: Lesson, costs: Costs, rng: random.Random) -> list[SimulatedJob]:
    """Return one job for every time, by a random teacher, with a geometric number of clips (mean ``mean_clips``)."""
    jobs = []
    for number, created_at in enumerate(times):
        count = 1
        while rng.random() > 1 / lesson.mean_clips:
            count += 1
        seconds = [rng.choice(lesson.clips)[1] for _ in range(count)]
        priority = VIP if rng.random() < lesson.vip_share else NORMAL
        owner = rng.randrange(lesson.teachers)
        jobs.append(SimulatedJob(number, owner, priority, created_at, seconds, costs.publish_seconds))
    return jobs


@dataclass(slots=True)
class SimulatedOutcome:
    """The outcome of a simulation; the jobs themselves say when each began and ended."""

    jobs: list[SimulatedJob]
    workers: int
    seconds: float  # from the start to the last event
    busy_seconds: float
    database_seconds: float
    claims: int
    wakeups: int

    @property
    def finished(self) -> int:
        return sum(job.finished_at is not None for job in self.jobs)

    @property
    def utilisation(self) -> float:
        return self.busy_seconds / (self.workers * self.seconds) if self.seconds else 0.0

    @property
    def database_utilisation(self) -> float:
        return self.database_seconds / self.seconds if self.seconds else 0.0

    def waits(self, priority: int) -> list[float]:
        """Return the seconds from submission to the first claim."""
        return [job.started_at - job.created_at for job in self._of(priority) if job.started_at is not None]

    def turnarounds(self, priority: int) -> list[float]:
        """Return the seconds from submission to the finished video."""
        return [job.finished_at - job.created_at for job in self._of(priority) if job.finished_at is not None]

    def _of(self, priority: int) -> list[SimulatedJob]:
        return [job for job in self.jobs if job.priority == priority]


@dataclass(slots=True)
class Simulation:
    """A simulation of ``jobs`` (by rising ``created_at``) on ``workers`` slots; use it once."""

    jobs: list[SimulatedJob]
    workers: int
    costs: Costs
    environment: simpy.Environment = field(default_factory=simpy.Environment)
    arrived: int = 0
    _idle: deque[simpy.Event] = field(default_factory=deque)
    _pending_wakeups: int = 0
    _to_publish: deque[SimulatedJob] = field(default_factory=deque)
    _busy_seconds: float = 0.0
    _database_seconds: float = 0.0
    _claims: int = 0
    _wakeups: int = 0
    _queue: ClaimQueue = field(init=False)
    _database: simpy.Resource = field(init=False)

    def run(self, until_seconds: float | None = None) -> SimulatedOutcome:
        """Run until then, or until everything is finished."""
        self._queue = ClaimQueue(self.costs.ageing_seconds)
        self._database = simpy.Resource(self.environment)
        self.environment.process(self._arrive())
        for _ in range(self.workers):
            self.environment.process(self._work())
        self.environment.run(until_seconds)
        return SimulatedOutcome(
            self.jobs, self.workers, self.environment.now, self._busy_seconds, self._database_seconds,
            self._claims, self._wakeups,
        )  # fmt: skip

    @property
    def waiting_clips(self) -> int:
        return self._queue.waiting_clips

    def _arrive(self) -> Generator[simpy.Event, Any, None]:
        for job in self.jobs:
            yield self.environment.timeout(job.created_at - self.environment.now)
            self.arrived += 1
            self._queue.add(job)
            self._send_wakeup()

    def _send_wakeup(self) -> None:
        """Wake one worker; with all awake, the message waits for the first worker without work."""
        self._wakeups += 1
        if self._idle:
            self.environment.process(self._wake(self._idle.popleft()))
        else:
            self._pending_wakeups += 1

    def _wake(self, sleeper: simpy.Event) -> Generator[simpy.Event, Any, None]:
        yield self.environment.timeout(self.costs.wakeup_seconds)
        sleeper.succeed()

    def _work(self) -> Generator[simpy.Event, Any, None]:
        has_woken_next = False
        while True:
            if self._to_publish:
                yield from self._publish(self._to_publish.popleft())
            elif self._queue.waiting_clips:
                yield from self._claim_database()
                claimed = self._queue.claim(self.environment.now)
                if claimed is None:
                    continue
                if not has_woken_next and self._queue.waiting_clips:
                    has_woken_next = True
                    self._send_wakeup()
                yield from self._render(*claimed)
            else:
                has_woken_next = False
                yield from self._wait_for_wakeup()

    def _wait_for_wakeup(self) -> Generator[simpy.Event, Any, None]:
        if self._pending_wakeups:
            self._pending_wakeups -= 1
            yield self.environment.timeout(self.costs.wakeup_seconds)
            return
        sleeper = self.environment.event()
        self._idle.append(sleeper)
        yield sleeper

    def _claim_database(self) -> Generator[simpy.Event, Any, None]:
        seconds = 1 / self.costs.claims_per_second
        with self._database.request() as request:
            yield request
            yield self.environment.timeout(seconds)
        self._database_seconds += seconds
        self._claims += 1

    def _render(self, job: SimulatedJob, seconds: float) -> Generator[simpy.Event, Any, None]:
        whole_seconds = seconds + self.costs.clip_overhead_seconds
        yield self.environment.timeout(whole_seconds)
        self._busy_seconds += whole_seconds
        job.done += 1
        if job.done == len(job.clip_seconds):
            self._to_publish.append(job)

    def _publish(self, job: SimulatedJob) -> Generator[simpy.Event, Any, None]:
        yield self.environment.timeout(job.publish_seconds)
        self._busy_seconds += job.publish_seconds
        job.finished_at = self.environment.now


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile by nearest rank; 0 when there are no values."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else 0.0
