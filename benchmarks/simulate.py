"""Simulates how long teachers wait with so many workers, how many workers it takes, and what is saturated first.

    python -m benchmarks.simulate                                    # 1 to 10,000 workers at 70 % load
    python -m benchmarks.simulate --pattern exam-evening --jobs-per-hour 120 --workers 2 4 8
    python -m benchmarks.simulate --jobs-per-hour 600 --target-seconds 30      # how many workers are needed
    python -m benchmarks.simulate --metrics media/results_*/performance_metrics_*.json

Rendering times come from the performance metrics of real jobs, or else from docs/benchmarks.md. See docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.arrivals import PATTERNS, arrival_times
from benchmarks.claim_order import NORMAL, VIP
from benchmarks.queue_model import Costs, Lesson, SimulatedOutcome, Simulation, make_jobs, quantile

HOUR_SECONDS = 3_600.0
# Measured: docs/benchmarks.md (text to MP4 at load 3.4; bits) and docs/scaling.md (the job layer).
REAL_TIME_FACTORS = {"fast": 0.080, "quality": 0.181}
KILOBITS_PER_SECOND = {"fast": 270.0, "quality": 375.0}
SENTENCE_MEDIAN_SECONDS, SENTENCE_SIGMA = 4.6, 0.45  # log-normal: 200 sentences of the benchmark are 17 minutes
RENDER_SECONDS_AT_LEAST = 0.05
CLIP_OVERHEAD_SECONDS, PUBLISH_SECONDS, WAKEUP_SECONDS = 0.08, 0.5, 0.15
# Of PostgreSQL's processors: for a clip from its claim to its share of the published video, and while it is rendered.
DATABASE_SECONDS_PER_CLIP, DATABASE_SECONDS_PER_RENDERING_SECOND = 0.010, 0.0025
WAKEUPS_PER_SECOND = 370.0
STORAGE_BYTES_PER_SECOND = 143e6
WORKERS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
MAX_CLIPS = 150_000  # of one simulated run: some ten seconds
MOST_WORKERS = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the report."""

    workers: int
    pattern: str
    jobs_per_hour: float
    hours: float


# --- load ------------------------------------------------------------------------------------------------------------


def clips_from_benchmarks(real_time_factor: float, rng: random.Random, count: int = 5_000) -> list[tuple[float, float]]:
    """Return sentences as long as those of the benchmark, rendered as fast as there."""
    lengths = [rng.lognormvariate(math.log(SENTENCE_MEDIAN_SECONDS), SENTENCE_SIGMA) for _ in range(count)]
    return [(length, max(RENDER_SECONDS_AT_LEAST, real_time_factor * length)) for length in lengths]


def clips_from_metrics(files: Iterable[Path]) -> list[tuple[float, float]]:
    """Return the times of real jobs (``performance_metrics_<job>.json``), including clips from the cache.

    Raises:
        ValueError: there is no finished clip in them.
    """
    clips = [
        (float(clip["video_seconds"]), float(clip["seconds"]))
        for file in files
        for clip in json.loads(file.read_text(encoding="utf-8"))["clips"]
        if clip["video_seconds"] and clip["seconds"]
    ]
    if not clips:
        raise ValueError("None of these files contains a finished clip.")
    return clips


def database_clips_per_second(lesson: Lesson, cores: float) -> float:
    """Return how many clips per second a database with so many processors can handle."""
    rendering = DATABASE_SECONDS_PER_RENDERING_SECOND * lesson.mean_clip_seconds
    return cores / (DATABASE_SECONDS_PER_CLIP + rendering)


def busy_seconds_per_job(lesson: Lesson, costs: Costs) -> float:
    """Return how long one job keeps workers busy, on average."""
    per_clip = lesson.mean_clip_seconds + costs.clip_overhead_seconds + 1 / costs.claims_per_second
    return lesson.mean_clips * per_clip + costs.publish_seconds


def jobs_per_hour_at(load: float, workers: int, lesson: Lesson, costs: Costs) -> float:
    return load * workers * HOUR_SECONDS / busy_seconds_per_job(lesson, costs)


# --- results ---------------------------------------------------------------------------------------------------------


def play(case: Case, lesson: Lesson, costs: Costs, seed: int = 1) -> SimulatedOutcome:
    rng = random.Random(seed)
    times = arrival_times(case.pattern, case.jobs_per_hour, case.hours * HOUR_SECONDS, rng)
    return Simulation(make_jobs(times, lesson, costs, rng), case.workers, costs).run()


def affordable_hours(hours: float, jobs_per_hour: float, lesson: Lesson) -> float:
    """Return as many of these hours as ``MAX_CLIPS`` allow."""
    return min(hours, MAX_CLIPS / (jobs_per_hour * lesson.mean_clips))


def workers_needed(pattern: str, jobs_per_hour: float, hours: float, target_seconds: float, lesson: Lesson,
                   costs: Costs) -> int | None:  # fmt: skip
    """Return the fewest workers with which 95 % of normal jobs begin within the target; None when more do not help."""

    def is_enough(workers: int) -> bool:
        outcome = play(Case(workers, pattern, jobs_per_hour, hours), lesson, costs)
        return quantile(outcome.waits(NORMAL), 0.95) <= target_seconds

    low = max(1, math.floor(jobs_per_hour * busy_seconds_per_job(lesson, costs) / HOUR_SECONDS))
    high = low
    while not is_enough(high):
        low, high = high + 1, high * 2
        if high > MOST_WORKERS:
            return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return high


def limits(
    lesson: Lesson, costs: Costs, kilobits_per_second: float, wakeups_per_second: float = WAKEUPS_PER_SECOND
) -> list[tuple[str, float, float]]:
    """Return ``(resource, capacity per second, busy workers that use all of it)``, in the order of saturation."""
    clips_per_second = lesson.mean_clips / busy_seconds_per_job(lesson, costs)  # of one busy worker
    jobs_per_second = clips_per_second / lesson.mean_clips
    # A clip is written once, and once more as part of the finished video.
    bytes_per_second = 2 * clips_per_second * lesson.mean_video_seconds * kilobits_per_second * 1_000 / 8
    rows = [
        ("database (clips)", costs.claims_per_second, costs.claims_per_second / clips_per_second),
        ("broker (wakeups)", wakeups_per_second, wakeups_per_second / (2 * jobs_per_second)),
        ("storage (bytes)", STORAGE_BYTES_PER_SECOND, STORAGE_BYTES_PER_SECOND / bytes_per_second),
    ]
    return sorted(rows, key=lambda row: row[2])


# --- report ----------------------------------------------------------------------------------------------------------


def row_of(case: Case, outcome: SimulatedOutcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "pattern": case.pattern,
        "workers": case.workers,
        "jobs_per_hour": round(case.jobs_per_hour, 1),
        "simulated_minutes": round(case.hours * 60, 1),
        "jobs": len(outcome.jobs),
        "finished": outcome.finished,
        "utilisation": round(outcome.utilisation, 3),
        "database": round(outcome.database_utilisation, 3),
    }
    for name, priority in (("normal", NORMAL), ("vip", VIP)):
        for share in (0.5, 0.95):
            row[f"{name}_wait_p{share * 100:.0f}"] = round(quantile(outcome.waits(priority), share), 2)
    row["normal_ready_p95"] = round(quantile(outcome.turnarounds(NORMAL), 0.95), 1)
    return row


def table(rows: Sequence[dict[str, Any]]) -> str:
    heads = ("workers", "jobs/h", "minutes", "busy", "database", "wait p50", "p95", "VIP p50", "p95", "ready p95")
    names = ("workers", "jobs_per_hour", "simulated_minutes", "utilisation", "database", "normal_wait_p50",
             "normal_wait_p95", "vip_wait_p50", "vip_wait_p95", "normal_ready_p95")  # fmt: skip
    lines = ["".join(f"{head:>13}" for head in heads)]
    lines += ["".join(f"{row[name]:>13,}" for name in names) for row in rows]
    return "\n".join(lines)


def main() -> int:
    options = _options()
    rng = random.Random(options.seed)
    clips = (
        clips_from_metrics(options.metrics)
        if options.metrics
        else clips_from_benchmarks(options.real_time_factor or REAL_TIME_FACTORS[options.profile], rng)
    )
    lesson = Lesson(clips, options.clips, options.vip_share, options.teachers)
    clips_per_second = options.claims_per_second or database_clips_per_second(lesson, options.database_cores)
    costs = Costs(clips_per_second, options.clip_overhead, options.publish, WAKEUP_SECONDS)
    report: dict[str, Any] = {
        "clip_seconds": round(lesson.mean_clip_seconds, 3),
        "job_seconds": round(busy_seconds_per_job(lesson, costs), 2),
        "rows": _rows(options, lesson, costs),
        "limits": limits(lesson, costs, KILOBITS_PER_SECOND[options.profile], options.rings_per_second),
    }
    if options.jobs_per_hour and options.target_seconds:
        report["workers_needed"] = workers_needed(
            options.pattern, options.jobs_per_hour, affordable_hours(options.hours, options.jobs_per_hour, lesson),
            options.target_seconds, lesson, costs,
        )  # fmt: skip
    print(json.dumps(report) if options.json else _report_text(report, options))
    return 0


def _rows(options: argparse.Namespace, lesson: Lesson, costs: Costs) -> list[dict[str, Any]]:
    rows = []
    for workers in options.workers:
        jobs_per_hour = options.jobs_per_hour or jobs_per_hour_at(options.load, workers, lesson, costs)
        hours = affordable_hours(options.hours, jobs_per_hour, lesson)
        if options.pattern != "steady" and hours < min(1.0, options.hours):
            continue  # too short a time to show the pattern
        case = Case(workers, options.pattern, jobs_per_hour, hours)
        rows.append(row_of(case, play(case, lesson, costs, options.seed)))
    return rows


def _report_text(report: dict[str, Any], options: argparse.Namespace) -> str:
    lines = [
        f"{options.pattern}; a clip takes {report['clip_seconds']} s to render, a job {report['job_seconds']} s in all",
        "waits in seconds, from submission to the first claim; ready: from submission to the finished video",
        table(report["rows"]),
        "",
        "saturated first (busy workers that use all of it):",
        *(
            f"  {name:20}{capacity:>14,.0f} /s {workers:>10,.0f} workers"
            for name, capacity, workers in report["limits"]
        ),
    ]
    if "workers_needed" in report:
        needed = report["workers_needed"]
        result = f"{needed} workers" if needed else f"not even {MOST_WORKERS} workers are enough"
        lines += [
            "",
            f"95 % of {options.jobs_per_hour:g} jobs an hour begin within {options.target_seconds:g} s: {result}",
        ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--pattern", choices=PATTERNS, default="steady")
    parser.add_argument("--load", type=float, default=0.7, help="share of the workers that is busy on average")
    parser.add_argument("--jobs-per-hour", type=float, help="instead of --load")
    parser.add_argument("--target-seconds", type=float, help="with --jobs-per-hour: how many workers are needed")
    parser.add_argument("--hours", type=float, default=4.0, help=f"at most; shortened to {MAX_CLIPS:,} clips")
    parser.add_argument("--profile", choices=REAL_TIME_FACTORS, default="quality")
    parser.add_argument("--real-time-factor", type=float, help="seconds of rendering per second of video")
    parser.add_argument("--metrics", type=Path, nargs="+", help="performance_metrics_*.json of real jobs")
    parser.add_argument("--clips", type=float, default=20.0, help="clips of a job, on average")
    parser.add_argument("--vip-share", type=float, default=0.1)
    parser.add_argument("--teachers", type=int, default=200)
    parser.add_argument("--database-cores", type=float, default=2.0, help="processors of PostgreSQL alone")
    parser.add_argument(
        "--claims-per-second", type=float, help="clips that the database can handle, instead of --database-cores"
    )
    parser.add_argument("--clip-overhead", type=float, default=CLIP_OVERHEAD_SECONDS)
    parser.add_argument("--publish", type=float, default=PUBLISH_SECONDS)
    parser.add_argument("--rings-per-second", type=float, default=WAKEUPS_PER_SECOND)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
