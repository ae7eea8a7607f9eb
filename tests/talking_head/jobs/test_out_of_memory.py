"""Cases 21 and 22 of the fault table: memory runs out, on the processor or on the GPU. A fresh process tries once
smaller, and then a stand-in is shown."""

from __future__ import annotations

import json
import sys

import pytest
from pytest_django import Settings

from talking_head import services
from talking_head.files import local
from talking_head.models import Attempt, Job, JobState
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.pictures import ASTRONAUT
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, outcomes, rendered_texts

HALF = "half resolution, no enhancer"


def attempts_of(job: Job, index: int) -> list[Attempt]:
    return list(Attempt.objects.filter(clip__job=job, clip__index=index).order_by("fence"))


@pytest.mark.parametrize(
    ("text", "outcome"), [("limit", "failed"), ("memory", "failed"), ("cuda", "failed"), ("badalloc", "crashed")]
)
def test_21_22_a_clip_that_never_fits_is_tried_once_smaller_in_a_fresh_process_and_then_replaced(
    make_job: MakeJob, worker: Worker, text: str, outcome: str
) -> None:
    job = make_job("One.", text, "Three.")
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.FALLBACK
    assert job.error_code == "out_of_memory"
    assert outcomes(job, 1) == [(outcome, "out_of_memory")] * 2 + [("done", "")]
    tries = attempts_of(job, 1)
    assert [attempt.form for attempt in tries] == ["", HALF, "fallback"]
    assert len({attempt.renderer_pid for attempt in tries}) == 3, "a process that ran out of memory was used again"
    assert [clip.is_fallback for clip in job.clips.all()] == [False, True, False]
    (neighbour,) = attempts_of(job, 2)
    assert neighbour.renderer_pid not in {attempt.renderer_pid for attempt in tries[:2]}
    assert rendered_texts().count("Three.") == 1, "a neighbour suffered"
    assert_invariants(worker)


def test_21_a_clip_that_fits_when_smaller_is_no_stand_in_and_says_so_in_the_records(
    make_job: MakeJob, worker: Worker
) -> None:
    job = make_job("One.", "toolarge")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.COMPLETED, "")
    assert outcomes(job, 1) == [("failed", "out_of_memory"), ("done", "")]
    assert [attempt.form for attempt in attempts_of(job, 1)] == ["", HALF]
    metrics = json.loads(local.metrics_file(job.pk).read_text())
    assert [clip["form"] for clip in metrics["clips"]] == ["", HALF]
    assert HALF in (local.results_folder(job.pk) / "log.txt").read_text()
    assert_invariants(worker)


def test_a_killed_renderer_is_a_crash_and_no_reason_to_draw_smaller(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("crash")
    worker.work()
    assert [attempt.form for attempt in attempts_of(job, 0)] == ["", "", "fallback"]
    assert_invariants(worker)


def test_21_a_renderer_that_has_no_room_to_start_says_out_of_memory(
    make_job: MakeJob, worker: Worker, settings: Settings
) -> None:
    """Under such a limit not even the stand-in can be made: the job fails in words, and nothing spins."""
    settings.TALKING_HEAD_RENDERER = [
        "sh", "-c", 'ulimit -v 60000; exec "$@"', "sh", sys.executable, "-m", "talking_head.renderer.child",
    ]  # fmt: skip
    worker.renderer = new_renderer()
    job = make_job("One.")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "out_of_memory")
    assert {code for _outcome, code in outcomes(job, 0)} == {"out_of_memory"}
    assert [attempt.form for attempt in attempts_of(job, 0)][:2] == ["", HALF]
    assert_invariants(worker)


@pytest.mark.parametrize(
    ("room_for", "state"), [("half_resolution", JobState.COMPLETED), ("fallback", JobState.FALLBACK)]
)
def test_21_the_real_renderer_under_a_real_limit(
    make_job: MakeJob, worker: Worker, settings: Settings, room_for: str, state: JobState
) -> None:
    """The puppet, with room for a megabyte more than it takes to be warm: the picture does not fit."""
    settings.TALKING_HEAD_RENDERER = [sys.executable, "-m", "tests.talking_head.worker.limited_child", room_for]
    worker.renderer = new_renderer()
    picture = ASTRONAUT
    digest = services.store_portrait(picture.read_bytes()).digest
    job = make_job(
        "This is a leaf.", "It is green.", speech="hibari", face="puppet", portrait_digest=digest, profile="fast"
    )
    worker.work()
    job.refresh_from_db()
    assert job.state == state, job.error_message
    tries = outcomes(job, 0)
    assert {code for _outcome, code in tries[:-1]} == {"out_of_memory"}
    assert len(tries) == (2 if room_for == "half_resolution" else 3)
    assert outcomes(job, 1) == [("done", "")]
    figures = json.loads(local.metrics_file(job.pk).read_text())
    assert (job.width_px, job.height_px) == (256, 256), "a smaller clip must still join with its neighbours"
    if room_for == "half_resolution":
        assert "half size" in figures["engines"]["face"]
        assert [bool(clip["notices"]) for clip in figures["clips"]] == [True, False]
    assert_invariants(worker)
