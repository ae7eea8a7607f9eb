"""Clips that are in the cache before they are claimed: finished together, as strictly as if each had been claimed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from talking_head.jobs import attempt_outcomes, cached_clips, claims, state_machine
from talking_head.jobs.claim import Usage
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from talking_head.pipeline.requests import ClipResult
from talking_head.renderer.supervisor import End, RenderOutcome
from talking_head.worker import finding
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import QUICK_TIMING, MakeJob, assert_invariants, outcomes, rendered_texts

RESULT = ClipResult(
    "a" * 64, "b" * 64, 0.96, 24, 64, 64, True, True, {"validation": 0.01}, {"speech": "fake 1"}, "c" * 64, ("Ünlike.",)
)
SENTENCES = tuple(f"Sentence {number}." for number in range(40))


def _running(make_job: MakeJob, *texts: str) -> tuple[Job, dict[int, ClipResult]]:
    """A running job, and results for all of its clips."""
    job = make_job(*texts, state=JobState.RUNNING)
    return job, dict.fromkeys(job.clips.values_list("pk", flat=True), RESULT)


class TestWorker:
    def test_an_edited_text_renders_one_clip(
        self, worker: Worker, make_job: MakeJob, published: list[uuid.UUID]
    ) -> None:
        first = make_job(*SENTENCES)
        worker.work(first.pk)
        rendered = len(rendered_texts())
        edited = make_job(*SENTENCES[:20], "A new sentence.", *SENTENCES[21:])
        worker.work(edited.pk)
        edited.refresh_from_db()
        assert edited.state == JobState.COMPLETED
        assert published == [first.pk, edited.pk]
        assert rendered_texts()[rendered:] == [SENTENCES[0], "A new sentence."]  # the claimed one is looked up again
        assert sorted(edited.clips.values_list("cached", flat=True)) == [False] + [True] * 39
        assert outcomes(edited, 7) == [("done", "")]
        assert_invariants(worker)

    def test_the_statements_do_not_grow_with_the_cached_sentences(
        self, worker: Worker, make_job: MakeJob, settings: Settings
    ) -> None:
        # What is asked by the clock would make the count depend on the machine.
        settings.TALKING_HEAD_TIMING = {
            **QUICK_TIMING,
            "poll_seconds": 60.0,
            "lease_seconds": 180.0,
            "renew_seconds": 60.0,
        }
        worker.renderer = new_renderer()
        counts = []
        for texts in (SENTENCES[:10], SENTENCES):
            worker.work(make_job(*texts).pk)
            job = make_job(*texts)
            with CaptureQueriesContext(connection) as queries:
                worker.work(job.pk)
            job.refresh_from_db()
            assert job.state == JobState.COMPLETED
            counts.append(len(queries))
        assert counts[0] == counts[1] < 60

    def test_a_search_that_fails_costs_nothing_but_time(
        self, worker: Worker, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = worker.renderer.run

        def fail_to_find(type_: str, *arguments: Any) -> RenderOutcome:
            return RenderOutcome(End.CRASHED) if type_ == "find" else run(type_, *arguments)

        monkeypatch.setattr(worker.renderer, "run", fail_to_find)
        job = make_job(*SENTENCES[:3])
        worker.work(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.COMPLETED
        assert [outcomes(job, index) for index in range(3)] == [[("done", "")]] * 3

    def test_nothing_is_searched_for_the_last_sentence(self, make_job: MakeJob) -> None:
        job = make_job("One.")
        assert claims.claim_clip("tester:1") is not None
        finding.finish_cached(job.pk, "tester:1", _NoRenderer(), lambda: True)  # type: ignore[arg-type]


class _NoRenderer:
    def run(self, *_arguments: object) -> RenderOutcome:
        raise AssertionError("There is nothing to look for.")


class TestRows:
    def test_each_gets_what_a_claim_and_a_report_would_have_given_it(self, make_job: MakeJob) -> None:
        job, found = _running(make_job, "One.", "Two.")
        assert cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.5)
        job.refresh_from_db()
        assert job.seq == 1
        for clip in job.clips.all():
            assert (clip.state, clip.fence, clip.crashes, clip.seq) == (ClipState.DONE, 1, 0, 1)
            assert (clip.lease_expires_at, clip.leased_by, clip.cached) == (None, "", True)
            assert (clip.clip_key, clip.take_key, clip.video_seconds) == ("a" * 64, "b" * 64, 0.96)
            assert clip.render_seconds == pytest.approx(0.25)
            assert clip.stages == {"validation": 0.01}
            assert ClipResult.from_json(clip.result) == RESULT
            (attempt,) = clip.attempts.all()
            assert (attempt.fence, attempt.worker, attempt.outcome) == (1, "tester:1", AttemptOutcome.DONE)
            assert attempt.finished_at is not None
            assert attempt.started_at <= attempt.finished_at
            assert (attempt.gpu, attempt.wall_seconds) == ({}, None)

    def test_what_another_worker_has_claimed_is_left_to_it(self, make_job: MakeJob) -> None:
        job, found = _running(make_job, "One.", "Two.", "Three.")
        claim = claims.claim_clip("other:1")
        assert claim is not None
        assert cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.1)
        assert list(job.clips.values_list("state", "fence")) == [("leased", 1), ("done", 1), ("done", 1)]
        assert attempt_outcomes.finish_clip(claim, RESULT, Usage())
        assert Attempt.objects.filter(clip__job=job).count() == 3

    def test_once_claimed_and_released_a_clip_goes_its_own_way(self, make_job: MakeJob) -> None:
        job, found = _running(make_job, "One.")
        claim = claims.claim_clip("other:1")
        assert claim is not None
        assert attempt_outcomes.release_clip(claim, AttemptOutcome.RELEASED)
        assert not cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.1)
        assert list(job.clips.values_list("state", "fence")) == [("waiting", 1)]

    @pytest.mark.parametrize("form", ["is_fallback", "is_half_resolution"])
    def test_another_form_of_the_clip_is_not_the_cached_one(self, make_job: MakeJob, form: str) -> None:
        job, found = _running(make_job, "One.")
        Clip.objects.filter(job=job).update(**{form: True})
        assert cached_clips.unclaimed_requests(job.pk) == {}
        assert not cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.1)

    def test_the_second_of_two_workers_changes_nothing(self, make_job: MakeJob) -> None:
        job, found = _running(make_job, "One.", "Two.")
        assert cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.1)
        seq = Job.objects.get(pk=job.pk).seq
        assert not cached_clips.finish_cached(job.pk, "tester:2", found, seconds=0.1)
        assert Job.objects.get(pk=job.pk).seq == seq
        assert set(Attempt.objects.values_list("worker", flat=True)) == {"tester:1"}

    @pytest.mark.parametrize("end", [state_machine.cancel, lambda job_id: Job.objects.filter(pk=job_id).delete()])
    def test_nothing_is_finished_after_the_end(self, make_job: MakeJob, end: Callable[[uuid.UUID], object]) -> None:
        job, found = _running(make_job, "One.", "Two.")
        end(job.pk)
        assert not cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.1)
        assert not Attempt.objects.exists()

    def test_its_statements_do_not_grow(self, make_job: MakeJob) -> None:
        counts = []
        for texts in (SENTENCES[:2], SENTENCES):
            job, found = _running(make_job, *texts)
            with CaptureQueriesContext(connection) as queries:
                assert cached_clips.finish_cached(job.pk, "tester:1", found, seconds=0.1)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 5
