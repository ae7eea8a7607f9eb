"""The fault table, case by case: each injected for real, each with the invariants afterwards."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from talking_head.errors import RendererError
from talking_head.files import local
from talking_head.jobs import attempt_outcomes, claims, publish_claims, state_machine
from talking_head.jobs.claim import AttemptFailure, Usage
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from talking_head.pipeline.requests import ClipResult
from talking_head.worker import drain
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import QUICK_TIMING, MakeJob, assert_invariants, outcomes, rendered_texts


def ended(job: Job) -> Job:
    job.refresh_from_db()
    return job


def test_a_job_without_faults_is_completed_and_published_once(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID]
) -> None:
    job = make_job("One.", "Two.", "Three.")
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert published == [job.pk]
    assert rendered_texts() == ["One.", "Two.", "Three."]
    assert job.video_seconds == pytest.approx(3 * 0.96)
    assert job.error_code == ""
    assert_invariants(worker)


def test_1_a_killed_renderer_costs_one_retry(make_job: MakeJob, worker: Worker, published: list[uuid.UUID]) -> None:
    job = make_job("One.", "crash once", "Three.")
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert outcomes(job, 1) == [("crashed", "renderer_crashed"), ("done", "")]
    assert published == [job.pk]
    assert_invariants(worker)


def test_3_a_clip_that_always_kills_its_renderer_is_poisoned_and_its_neighbours_finish(
    make_job: MakeJob, worker: Worker
) -> None:
    job, neighbour = make_job("One.", "crash", "Three."), make_job("Another job.")
    worker.work()
    assert ended(job).state == JobState.FALLBACK
    assert job.error_code == "poisoned"
    assert outcomes(job, 1) == [("crashed", "renderer_crashed")] * 2 + [("done", "")]
    fallbacks = list(job.clips.filter(is_fallback=True).values_list("index", "error_code"))
    assert fallbacks == [(1, "poisoned")]
    assert ended(neighbour).state == JobState.COMPLETED
    assert_invariants(worker)


def test_3_when_even_the_stand_in_kills_the_job_fails_and_says_why(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", "crash always")
    worker.work()
    assert ended(job).state == JobState.FAILED
    assert job.error_code == "renderer_crashed"
    assert job.clips.get(index=0).state == ClipState.DONE
    assert job.clips.get(index=1).state == ClipState.FAILED
    assert len(outcomes(job, 1)) == 4
    assert_invariants(worker)


@pytest.mark.parametrize("text", ["grind", "swallow", "parent"])
def test_8_9_10_a_clip_that_cannot_be_interrupted_ends_with_its_job_and_is_recorded(
    make_job: MakeJob, worker: Worker, text: str
) -> None:
    """A long call into C, code that swallows every exception, and one that started children: at the deadline."""
    job = make_job("One.", text, timeout_seconds=1.5)
    worker.work()
    assert ended(job).state == JobState.FALLBACK
    assert job.error_code == "job_timeout"
    assert outcomes(job, 1)[0] == ("timeout", "job_timeout")
    assert "shorter text" in job.error_hint
    assert_invariants(worker)


def test_8_a_clip_may_not_use_up_the_time_of_the_whole_job(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("hang", "Two.", timeout_seconds=12.0, script="x" * 400)
    worker.work()
    assert ended(job).state == JobState.FALLBACK
    assert outcomes(job, 0)[:2] == [("timeout", "clip_timeout"), ("timeout", "clip_timeout")]
    assert not job.clips.get(index=1).is_fallback
    assert_invariants(worker)


def test_11_a_stopped_renderer_is_killed_and_its_clip_retried(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("freeze once", "Two.")
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert outcomes(job, 0) == [("crashed", "renderer_stalled"), ("done", "")]
    assert_invariants(worker)


def test_12_a_worker_that_slept_past_its_lease_changes_nothing(
    make_job: MakeJob, worker: Worker, settings: Settings
) -> None:
    """What a supervisor that was stopped, then continued, would write is refused by the fence."""
    job = make_job("One.")
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "lease_seconds": 0.0}
    stale = claims.claim_clip("sleeper:1")
    assert stale is not None
    settings.TALKING_HEAD_TIMING = QUICK_TIMING
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    before = Clip.objects.values().get(job=job)
    result = ClipResult("stale", "stale", 9.0, 225, 64, 64, False, False)
    assert not claims.renew_lease(stale)
    assert not claims.still_wanted(stale)
    assert not attempt_outcomes.finish_clip(stale, result, Usage())
    assert not attempt_outcomes.fail_clip(stale, AttemptFailure(RendererError("late")))
    assert not attempt_outcomes.release_clip(stale, AttemptOutcome.RELEASED)
    assert Clip.objects.values().get(job=job) == before
    assert outcomes(job, 0) == [("lost", "worker_lost"), ("done", "")]
    assert_invariants(worker)


def test_14_of_two_reports_for_one_claim_one_wins(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.")
    claim = claims.claim_clip("twin:1")
    assert claim is not None
    result = ClipResult("a" * 64, "a" * 64, 0.96, 24, 64, 64, False, False)
    assert attempt_outcomes.finish_clip(claim, result, Usage())
    assert not attempt_outcomes.finish_clip(claim, result, Usage())
    assert not attempt_outcomes.fail_clip(claim, AttemptFailure(RendererError("late")))
    assert job.clips.get().crashes == 0


def test_17_a_queued_job_that_is_cancelled_is_never_rendered(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID]
) -> None:
    job = make_job("One.")
    assert state_machine.cancel(job.pk)
    assert not state_machine.cancel(job.pk)
    worker.work()
    assert ended(job).state == JobState.CANCELLED
    assert (rendered_texts(), published) == ([], [])
    assert_invariants(worker)


def test_17_a_clip_that_is_ready_when_its_job_is_cancelled_does_not_look_lost(
    make_job: MakeJob, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("One.", "Two.")
    finish = attempt_outcomes.finish_clip

    def cancel_and_finish(claim: claims.Claim, result: ClipResult, usage: Usage) -> bool:
        state_machine.cancel(job.pk)
        return finish(claim, result, usage)

    monkeypatch.setattr(attempt_outcomes, "finish_clip", cancel_and_finish)
    worker.work()
    assert ended(job).state == JobState.CANCELLED
    assert outcomes(job, 0) == [("cancelled", "cancelled")]
    assert set(job.clips.values_list("state", "crashes")) == {(ClipState.WAITING, 0)}
    assert_invariants(worker)


@pytest.mark.parametrize(("texts", "title"), [(("One.", "hang"), ""), (("One.",), "hang")])
def test_17_a_job_cancelled_while_running_or_publishing_is_never_published(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID], texts: tuple[str, ...], title: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Cancelled from inside the first question that the supervisor asks about the clip or the package that hangs."""
    job = make_job(*texts, title=title)
    asked, module = ("holds_lease", publish_claims) if title else ("still_wanted", claims)
    ask = getattr(module, asked)
    questions = 0

    def cancel_and_ask(claim: claims.Claim) -> bool:
        nonlocal questions
        questions += 1
        if getattr(claim, "index", 1) == 1:
            state_machine.cancel(job.pk)
        return bool(ask(claim))

    monkeypatch.setattr(module, asked, cancel_and_ask)
    worker.work()
    assert questions > 0
    assert ended(job).state == JobState.CANCELLED
    assert published == []
    assert not (local.results_folder(job.pk) / "video.mp4").exists()
    assert json.loads(local.metrics_file(job.pk).read_text())["outcome"] == "cancelled"
    assert_invariants(worker)


def test_17_cancelled_between_the_files_and_the_commit_nothing_is_published(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("One.")
    from talking_head.worker import publishing as publish

    check = publish.check_video

    def check_then_cancel(*args: object) -> None:
        check(*args)  # type: ignore[arg-type]
        state_machine.cancel(job.pk)

    monkeypatch.setattr(publish, "check_video", check_then_cancel)
    worker.work()
    assert ended(job).state == JobState.CANCELLED
    assert published == []
    assert not (local.results_folder(job.pk) / "video.mp4").exists()
    assert_invariants(worker)


def test_25_a_damaged_model_is_not_retried_but_replaced_by_a_labelled_stand_in(
    make_job: MakeJob, worker: Worker
) -> None:
    job = make_job("One.", "refuse")
    worker.work()
    assert ended(job).state == JobState.FALLBACK
    assert job.clips.get(index=1).is_fallback
    assert outcomes(job, 1) == [("failed", "checkpoint_corrupt"), ("done", "")]
    assert job.error_hint == "Download it again."
    assert_invariants(worker)


def test_a_passing_trouble_is_retried_and_leaves_no_mark(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("busy once")
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert outcomes(job, 0) == [("failed", "no_space"), ("done", "")]
    assert_invariants(worker)


def test_a_publisher_that_crashes_is_followed_by_another(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID]
) -> None:
    job = make_job("One.", title="crash once")
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert (published, job.publish_crashes) == ([job.pk], 1)
    assert rendered_texts() == ["One."]
    assert_invariants(worker)


def test_publishing_that_always_crashes_fails_the_job(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", title="crash")
    worker.work()
    assert ended(job).state == JobState.FAILED
    assert job.error_code == "renderer_crashed"
    assert_invariants(worker)


def test_15_a_crash_between_the_rename_and_the_commit_leads_to_one_publication(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are in place, the row is not: the next publisher replaces what it finds."""
    from talking_head.worker import publishing as publish

    job = make_job("One.")
    move_into_place = publish._move_into_place

    class PowerCut(BaseException):
        pass

    def move_and_die(staging: Path, results: Path) -> None:
        move_into_place(staging, results)
        raise PowerCut

    monkeypatch.setattr(publish, "_move_into_place", move_and_die)
    with pytest.raises(PowerCut):
        worker.work()
    assert ended(job).state == JobState.PUBLISHING
    monkeypatch.setattr(publish, "_move_into_place", move_into_place)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=job.created_at)
    published.clear()
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert published == [job.pk]
    assert_invariants(worker)


def test_clips_that_vanished_from_the_cache_are_rendered_again(
    make_job: MakeJob, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache is safe to delete, even between the last clip and the publication."""
    import shutil

    job = make_job("One.", "Two.")
    take = publish_claims._claim
    emptied: list[bool] = []

    def empty_the_cache_once(*args: object) -> bool:
        if not emptied:
            emptied.append(True)
            shutil.rmtree(local.cache_root() / "clips")
        return take(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(publish_claims, "_claim", empty_the_cache_once)
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert rendered_texts() == ["One.", "Two.", "One.", "Two."]
    assert_invariants(worker)


def test_the_rest_of_a_late_job_becomes_stand_ins_and_what_is_done_stays(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", "hang", "Three.", "Four.", script="hang", timeout_seconds=1.5, profile="balanced")
    worker.work()
    assert ended(job).state == JobState.FALLBACK
    assert list(job.clips.values_list("is_fallback", flat=True)) == [False, True, True, True]
    assert job.error_code == "job_timeout"
    assert "3 of 4 sentences" in job.error_message
    assert "fast" in job.error_hint
    assert_invariants(worker)


def test_6_7_a_worker_told_to_stop_gives_its_clip_back_and_claims_nothing_more(
    make_job: MakeJob, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("hang", "Two.", timeout_seconds=60.0)
    waiting = [make_job("Other.") for _ in range(8)]
    ask = claims.still_wanted

    def stop_and_ask(claim: claims.Claim) -> bool:
        drain.begin()
        return ask(claim)

    monkeypatch.setattr(claims, "still_wanted", stop_and_ask)
    worker.work()
    assert outcomes(job, 0) == [("released", "")]
    assert job.clips.get(index=0).state == ClipState.WAITING
    assert job.clips.get(index=0).crashes == 0
    assert all(ended(other).state == JobState.QUEUED for other in waiting)
    assert_invariants(worker)


def test_a_worker_that_dies_is_found_out_by_its_lease_and_its_clip_done_by_another(
    make_job: MakeJob, worker: Worker, settings: Settings
) -> None:
    job = make_job("One.")
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "lease_seconds": 0.0}
    assert claims.claim_clip("dead:1") is not None
    settings.TALKING_HEAD_TIMING = QUICK_TIMING
    worker.work()
    assert ended(job).state == JobState.COMPLETED
    assert Attempt.objects.filter(clip__job=job).order_by("fence").values_list("worker", flat=True)[0] == "dead:1"
    assert_invariants(worker)


def test_metrics_are_written_whatever_the_outcome(make_job: MakeJob, worker: Worker, teacher: User) -> None:
    jobs = {
        "completed": make_job("One."),
        "fallback": make_job("One.", "refuse"),
        "failed": make_job("refuse always"),
        "cancelled": make_job("One."),
    }
    state_machine.cancel(jobs["cancelled"].pk)
    worker.work()
    for outcome, job in jobs.items():
        metrics = json.loads(local.metrics_file(job.pk).read_text())
        assert list(metrics) == [
            "job", "outcome", "error", "profile", "timeout_seconds", "total_seconds", "video_seconds",
            "real_time_factor", "stages", "clips", "engines", "resources", "chosen",
        ]  # fmt: skip
        assert metrics["outcome"] == outcome
        assert (metrics["error"] is None) == (outcome == "completed")
        assert list(metrics["stages"]) == ["validation", "speech", "motion", "frames", "enhance", "encode", "publish"]
        assert set(metrics["engines"]) == {"speech", "face", "enhancer"}
        assert metrics["resources"]["gpu"]["available"] is False
        assert len(metrics["clips"]) == job.clips.count()
        assert (local.results_folder(job.pk) / "log.txt").read_text().count("\n") >= 2
    completed = json.loads(local.metrics_file(jobs["completed"].pk).read_text())
    assert completed["real_time_factor"] > 0
    assert completed["resources"]["rss_peak_bytes"] > 0
    assert completed["clips"][0]["cached"] is False


def test_publishing_and_cancelling_at_once_has_one_winner(make_job: MakeJob, worker: Worker) -> None:
    """The database decides: whichever UPDATE comes second finds no row."""
    job = make_job("One.")
    claim = claims.claim_clip("one:1")
    assert claim is not None
    assert attempt_outcomes.finish_clip(claim, ClipResult("a" * 64, "a" * 64, 0.96, 24, 64, 64, False, False), Usage())
    publishing = publish_claims.claim_job()
    assert publishing is not None
    assert publish_claims.claim_job() is None
    assert state_machine.cancel(job.pk)
    assert not publish_claims.renew_lease(publishing)
    assert not publish_claims.holds_lease(publishing)
