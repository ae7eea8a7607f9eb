"""The model of the queue loses nothing, invents nothing, and behaves as queues must."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import simulate
from benchmarks.arrivals import PATTERNS, arrival_times
from benchmarks.claim_order import NORMAL, VIP, SimulatedJob
from benchmarks.queue_model import Costs, Lesson, SimulatedOutcome, Simulation, make_jobs, quantile
from benchmarks.queue_run import JobTimes, Request, compare
from benchmarks.queue_run import simulate as simulate_run

FREE = Costs(claims_per_second=1e9, clip_overhead_seconds=0.0, publish_seconds=0.0, wakeup_seconds=0.0)
LESSON = Lesson([(5.0, 1.0)], mean_clips=4.0, teachers=5)


def played(jobs: list[SimulatedJob], workers: int, costs: Costs = FREE, until: float | None = None) -> SimulatedOutcome:
    return Simulation(jobs, workers, costs).run(until)


@st.composite
def job_lists(draw: st.DrawFn) -> list[SimulatedJob]:
    times = sorted(draw(st.lists(st.floats(0, 50), min_size=1, max_size=25)))
    seconds = st.lists(st.floats(0.1, 5), min_size=1, max_size=5)
    owners, priorities = st.integers(0, 3), st.sampled_from([NORMAL, VIP])
    return [
        SimulatedJob(number, draw(owners), draw(priorities), time, draw(seconds), 0.2)
        for number, time in enumerate(times)
    ]


@settings(deadline=None, max_examples=60)
@given(job_lists(), st.integers(1, 6), st.floats(0.5, 80))
def test_what_arrived_is_finished_or_still_there(jobs: list[SimulatedJob], workers: int, until: float) -> None:
    costs = Costs(claims_per_second=20.0, clip_overhead_seconds=0.05, publish_seconds=0.2, wakeup_seconds=0.1)
    simulation = Simulation(jobs, workers, costs)
    outcome = simulation.run(until)
    arrived = [job for job in jobs if job.created_at < until]
    assert simulation.arrived == len(arrived)
    in_work = [job for job in arrived if job.finished_at is None]
    assert outcome.finished + len(in_work) == len(arrived)
    assert simulation.waiting_clips == sum(len(job.clip_seconds) - job.claimed for job in arrived)
    being_rendered = sum(job.claimed - job.done for job in arrived)
    assert 0 <= being_rendered <= workers
    assert outcome.claims >= sum(job.claimed for job in arrived)


@settings(deadline=None, max_examples=60)
@given(job_lists(), st.integers(1, 6))
def test_in_the_end_everything_is_finished_and_no_work_is_lost(jobs: list[SimulatedJob], workers: int) -> None:
    outcome = played(jobs, workers, replace(FREE, publish_seconds=0.2))
    assert outcome.finished == len(jobs)
    assert (
        sum(job.claimed for job in jobs) == sum(job.done for job in jobs) == sum(len(job.clip_seconds) for job in jobs)
    )
    work_seconds = sum(sum(job.clip_seconds) + job.publish_seconds for job in jobs)
    assert outcome.busy_seconds == pytest.approx(work_seconds)
    for job in jobs:
        assert job.started_at is not None
        assert job.finished_at is not None
        assert job.created_at <= job.started_at + 1e-6
        assert job.finished_at - job.started_at >= max(job.clip_seconds) - 1e-6


def test_clips_of_one_job_are_rendered_at_once() -> None:
    job = SimulatedJob(0, 0, NORMAL, 0.0, [1.0] * 8)
    played([job], workers=4)
    assert job.finished_at == pytest.approx(2.0)


def test_one_worker_does_one_thing_after_the_other() -> None:
    jobs = [SimulatedJob(number, number, NORMAL, 0.0, [1.0]) for number in range(3)]
    played(jobs, workers=1)
    assert sorted(job.started_at or 0.0 for job in jobs) == pytest.approx([0, 1, 2], abs=1e-6)


def test_every_worker_wakes_the_next_and_each_needs_its_time() -> None:
    job = SimulatedJob(0, 0, NORMAL, 0.0, [1.0] * 4)
    played([job], workers=4, costs=replace(FREE, wakeup_seconds=0.1))
    assert job.finished_at == pytest.approx(0.1 + 0.1 + 0.1 + 0.1 + 1.0)


def test_a_slow_database_limits_how_many_workers_are_of_use() -> None:
    jobs = [SimulatedJob(number, number, NORMAL, 0.0, [1.0] * 10) for number in range(40)]
    outcome = played(jobs, workers=100, costs=replace(FREE, claims_per_second=10.0))
    assert max(job.finished_at or 0.0 for job in jobs) == pytest.approx(41, abs=0.1)
    assert outcome.database_utilisation > 0.9
    assert outcome.utilisation < 0.15


def test_a_single_server_waits_as_the_textbook_says() -> None:
    """M/D/1 at load 0.5 with one clip a job: a mean wait of half a service time (Pollaczek and Khinchine)."""
    rng = random.Random(3)
    lesson = Lesson([(5.0, 1.0)], mean_clips=1.0, vip_share=0.0)
    jobs = make_jobs(arrival_times("steady", 1_800, 40_000, rng), lesson, FREE, rng)
    waits = played(jobs, workers=1).waits(NORMAL)
    assert sum(waits) / len(waits) == pytest.approx(0.5, rel=0.08)


def test_vips_wait_less() -> None:
    outcome = simulate.play(
        simulate.Case(3, "steady", simulate.jobs_per_hour_at(0.9, 3, LESSON, FREE), 2.0), LESSON, FREE
    )
    assert quantile(outcome.waits(VIP), 0.95) < quantile(outcome.waits(NORMAL), 0.95)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_the_mean_it_promises_and_keeps_below_its_peak(pattern: str) -> None:
    rate, peak = PATTERNS[pattern]
    samples = [rate(10.0 * step) for step in range(4 * 360)]
    assert sum(samples) / len(samples) == pytest.approx(1.0, abs=0.01)
    assert 0 < min(samples) <= max(samples) <= peak
    times = list(arrival_times(pattern, 500, 4 * 3_600, random.Random(1)))
    assert times == sorted(times)
    assert len(times) == pytest.approx(2_000, abs=150)


class TestAnswers:
    def test_the_workers_needed_are_enough_and_one_less_is_not(self) -> None:
        question = ("top-of-the-hour", 400.0, 1.0, 20.0)
        needed = simulate.workers_needed(*question, LESSON, FREE)
        assert needed is not None

        def p95(workers: int) -> float:
            outcome = simulate.play(simulate.Case(workers, *question[:3]), LESSON, FREE)
            return quantile(outcome.waits(NORMAL), 0.95)

        assert p95(needed) <= 20.0 < p95(needed - 1)

    def test_no_number_of_workers_helps_a_database_that_is_too_slow(self) -> None:
        slow = replace(FREE, claims_per_second=0.1)
        assert simulate.workers_needed("steady", 400.0, 0.2, 20.0, LESSON, slow) is None

    def test_what_is_full_first(self) -> None:
        costs = replace(FREE, claims_per_second=100.0)
        first = simulate.limits(LESSON, costs, kilobits_per_second=100.0)[0]
        assert first[0].startswith("database")
        assert first[2] == pytest.approx(101, abs=0.1)  # a busy worker claims a clip every 1.01 s

    def test_real_metrics_are_read_and_empty_ones_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "performance_metrics_1.json"
        clips = [{"video_seconds": 5.0, "seconds": 0.5}, {"video_seconds": None, "seconds": 0.0}]
        file.write_text(json.dumps({"clips": clips}))
        assert simulate.clips_from_metrics([file]) == [(5.0, 0.5)]
        file.write_text(json.dumps({"clips": clips[1:]}))
        with pytest.raises(ValueError, match="finished clip"):
            simulate.clips_from_metrics([file])

    def test_the_report(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        words = "simulate --workers 1 2 --hours 0.2 --jobs-per-hour 60 --target-seconds 30 --json"
        monkeypatch.setattr("sys.argv", words.split())
        assert simulate.main() == 0
        report = json.loads(capsys.readouterr().out)
        assert [row["workers"] for row in report["rows"]] == [1, 2]
        assert all(row["jobs"] == row["finished"] > 0 for row in report["rows"])
        assert report["workers_needed"] >= 1


def test_a_real_run_is_compared_job_by_job() -> None:
    requests = [Request(0.0, 0, NORMAL, (1.0,)), Request(0.5, 1, VIP, (1.0,))]
    real = [JobTimes(0.0, 0.1, 1.2), JobTimes(0.5, 1.2, 2.3)]
    simulated = simulate_run(requests, real, 1, replace(FREE, wakeup_seconds=0.1))
    assert [job_times.started_at for job_times in simulated] == pytest.approx([0.1, 1.1 + 0.1], abs=0.11)
    rows = compare(requests, real, simulated)
    assert [(row["class"], row["what"], row["jobs"]) for row in rows] == [
        ("normal", "wait", 1), ("normal", "ready", 1), ("vip", "wait", 1), ("vip", "ready", 1),
    ]  # fmt: skip
    assert rows[0]["real_p50"] == pytest.approx(0.1)
    assert rows[3]["real_p95"] == pytest.approx(1.8)
