"""Compares the simulation with reality: the same jobs in the real job layer with a renderer that only waits.

    python -m benchmarks.queue_run --slots 3 --jobs 24

makes a site in a temporary folder (SQLite), starts its real workers, measures on a few jobs what a clip, a wakeup and
publishing cost besides rendering, then submits another set of jobs at random times, and prints how long these really
waited next to the simulated times.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.claim_order import NORMAL, VIP, SimulatedJob
from benchmarks.machine import describe_machine
from benchmarks.queue_model import Costs, Simulation, quantile
from tests.talking_head.jobs.site import Site

TEACHERS = 5
SUBMIT = """
import json, sys, time
from django.contrib.auth.models import User
from talking_head.jobs import queue, wakeups
from talking_head.models import Clip, Job
started = time.monotonic()
for at_seconds, owner, priority, clips in json.loads(sys.argv[1]):
    time.sleep(max(0.0, at_seconds - (time.monotonic() - started)))
    teacher, _ = User.objects.get_or_create(username=f"teacher {owner}")
    job = Job.objects.create(owner=teacher, priority=priority, script="x", speech="fake", face="fake", profile="fast",
                             timeout_seconds=3600.0)
    Clip.objects.bulk_create(queue.enqueue(job, [
        Clip(job=job, index=index, text=f"{job.pk} {index} {seconds}", start=0, end=1)
        for index, seconds in enumerate(clips)
    ]))
    wakeups.wake_worker(job.pk)
    print(job.pk)
"""
READ = """
import json, sys
from talking_head.models import Attempt, Job
jobs = [Job.objects.get(pk=pk) for pk in json.loads(sys.argv[1])]
attempts = Attempt.objects.filter(clip__job__in=jobs).order_by("worker", "started_at")
print(json.dumps({
    "jobs": [[job.created_at.timestamp(), job.started_at.timestamp(), job.finished_at.timestamp(), job.state]
             for job in jobs],
    "attempts": [[row.worker, row.clip.job_id.hex, row.started_at.timestamp(), row.finished_at.timestamp()]
                 for row in attempts.select_related("clip")],
}))
"""


@dataclass(frozen=True, slots=True)
class Request:
    at_seconds: float
    owner: int
    priority: int
    clips: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class JobTimes:
    """The times of one job, in seconds since the first was submitted."""

    created_at: float
    started_at: float
    finished_at: float


def schedule(jobs: int, over_seconds: float, clip_seconds: float, rng: random.Random) -> list[Request]:
    """Return Poisson arrivals of jobs with 1 to 6 clips of about that length; one in five is a VIP's."""
    times = sorted(rng.uniform(0, over_seconds) for _ in range(jobs))
    return [
        Request(
            round(at_seconds, 2),
            rng.randrange(TEACHERS),
            VIP if rng.random() < 0.2 else NORMAL,
            tuple(round(clip_seconds * rng.uniform(0.7, 1.3), 2) for _ in range(rng.randint(1, 6))),
        )
        for at_seconds in times
    ]


class RealRun:
    """A site with its workers running."""

    def __init__(self, folder: Path, slots: int) -> None:
        self.site = Site(folder)
        self.site.environment |= {
            "DJANGO_SETTINGS_MODULE": "benchmarks.queue_run_settings",
            "TALKING_HEAD_SLOTS": str(slots),
            "LOG_LEVEL": "ERROR",
        }
        self.site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        self.site.start("work")

    def play(self, requests: Sequence[Request]) -> tuple[list[JobTimes], dict[str, Any]]:
        rows = [[request.at_seconds, request.owner, request.priority, request.clips] for request in requests]
        ids = self.site.python(SUBMIT, json.dumps(rows)).split()
        self.site.wait_until_all_ended()
        records = json.loads(self.site.python(READ, json.dumps(ids)))
        if {state for *_, state in records["jobs"]} != {"completed"}:
            raise RuntimeError(f"Not every job was completed.\n{self.site.log()}")
        zero = records["jobs"][0][0] - requests[0].at_seconds
        times = [
            JobTimes(created - zero, started - zero, ended - zero) for created, started, ended, _ in records["jobs"]
        ]
        return times, records


def measure_costs(run: RealRun, slots: int) -> Costs:
    """Return what the job layer adds, from jobs that never compete, and from one that keeps every slot busy."""
    alone = [Request(3.0 * number, 0, NORMAL, (0.2,)) for number in range(6)]
    times, _ = run.play(alone)
    times = times[1:]  # the first one starts renderers
    wakeup_seconds = statistics.median(job_times.started_at - job_times.created_at for job_times in times)
    _, records = run.play([Request(0.0, 0, NORMAL, (0.5,) * 8 * slots)])
    gaps = [
        later[2] - earlier[2] - 0.5
        for earlier, later in zip(records["attempts"], records["attempts"][1:], strict=False)
        if earlier[0] == later[0]
    ]
    overhead_seconds = max(0.0, statistics.median(gaps))
    publish_seconds = statistics.median(
        job_times.finished_at - job_times.started_at - 0.2 - overhead_seconds for job_times in times
    )
    return Costs(1_000.0, overhead_seconds, max(0.0, publish_seconds), max(0.0, wakeup_seconds))


def simulate(requests: Sequence[Request], times: Sequence[JobTimes], slots: int, costs: Costs) -> list[JobTimes]:
    """Simulate the same jobs, submitted at the moments when they really were."""
    jobs = [
        SimulatedJob(
            number, request.owner, request.priority, job_times.created_at, list(request.clips), costs.publish_seconds
        )
        for number, (request, job_times) in enumerate(zip(requests, times, strict=True))
    ]
    Simulation(jobs, slots, costs).run()
    return [JobTimes(job.created_at, job.started_at or 0.0, job.finished_at or 0.0) for job in jobs]


def compare(
    requests: Sequence[Request], real: Sequence[JobTimes], simulated: Sequence[JobTimes]
) -> list[dict[str, Any]]:
    """Return the real and simulated seconds, by class."""
    rows = []
    for name, priority in (("normal", NORMAL), ("vip", VIP)):
        numbers = [number for number, request in enumerate(requests) if request.priority == priority]
        for quantity in ("wait", "ready"):
            figures: dict[str, float] = {}
            for label, times in (("real", real), ("simulated", simulated)):
                seconds = [_seconds(times[number], quantity) for number in numbers]
                figures |= {f"{label}_p50": quantile(seconds, 0.5), f"{label}_p95": quantile(seconds, 0.95)}
            rows.append({"class": name, "what": quantity, "jobs": len(numbers), **figures})
    return rows


def _seconds(job_times: JobTimes, quantity: str) -> float:
    return (job_times.started_at if quantity == "wait" else job_times.finished_at) - job_times.created_at


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--clip-seconds", type=float, default=1.0)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    over_seconds = options.jobs * 3.5 * options.clip_seconds / (options.load * options.slots)
    requests = schedule(options.jobs, over_seconds, options.clip_seconds, random.Random(options.seed))
    before = describe_machine()
    with tempfile.TemporaryDirectory(prefix="lectern-queue-") as folder:
        run = RealRun(Path(folder) / "site", options.slots)
        try:
            costs = measure_costs(run, options.slots)
            real, _ = run.play(requests)
        finally:
            run.site.end()
    rows = compare(requests, real, simulate(requests, real, options.slots, costs))
    print(json.dumps({"machine": before, "load_after": describe_machine()["load_1_minute"]}))
    print(f"{options.slots} slots, {options.jobs} jobs in {over_seconds:.0f} s; measured: {costs}")
    print(f"{'':16}{'jobs':>6}{'real p50':>10}{'p95':>8}{'simulated p50':>15}{'p95':>8}   seconds")
    for row in rows:
        print(
            f"{row['class'] + ' ' + row['what']:16}{row['jobs']:6}{row['real_p50']:10.2f}{row['real_p95']:8.2f}"
            f"{row['simulated_p50']:15.2f}{row['simulated_p95']:8.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
