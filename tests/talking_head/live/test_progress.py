"""What watchers are told: snapshots, honest estimates, and that telling never harms the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import channel_layers
from django.contrib.auth.models import User
from django.db import transaction

from talking_head.live import events, snapshots
from talking_head.live.unix_layer import UnixSocketChannelLayer
from talking_head.models import Attempt, Clip, ClipState, Job, JobState
from talking_head.planning import render_rate
from tests.talking_head.rows import finish_clip, make_finished_job, make_job

Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def sent(live: UnixSocketChannelLayer, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Everything that is broadcast."""
    messages: Sent = []
    monkeypatch.setattr(live, "group_send_now", lambda group, message: messages.append((group, message)))
    monkeypatch.setattr(live, "has_listeners", lambda group: True)
    return messages


@pytest.fixture(autouse=True)
def nothing_known_yet() -> None:
    render_rate._cached_bases.clear()


@pytest.mark.django_db
class TestSnapshot:
    def test_of_a_running_job(self, teacher: User) -> None:
        job = make_job(teacher, state=JobState.RUNNING, seq=3)
        finish_clip(job, 0, cached=True)
        Clip.objects.filter(job=job, index=1).update(state=ClipState.LEASED)
        Attempt.objects.create(clip=job.clips.get(index=1), fence=1, worker="w", stage="motion")
        snapshot = snapshots.job_snapshot(job)
        assert (snapshot["id"], snapshot["seq"], snapshot["stage"]) == (str(job.pk), 3, "motion")
        assert (snapshot["clips_done"], snapshot["clips_total"], snapshot["video"]) == (1, 3, None)
        done, leased, _waiting = snapshot["clips"]
        assert (done["url"], done["cached"], leased["url"]) == (f"/media/jobs/{job.pk}/clips/0.mp4", True, None)
        assert job.script[done["start"] : done["end"]] == done["text"]

    def test_of_a_finished_job(self) -> None:
        job = make_finished_job(
            state=JobState.FALLBACK, error_code="job_timeout", error_message="Slow.", error_hint="Fast."
        )
        snapshot = snapshots.job_snapshot(job)
        assert snapshot["error"] == {"code": "job_timeout", "message": "Slow.", "hint": "Fast.", "suggestion": "Fast."}
        assert snapshot["video"] == {
            "url": f"/media/jobs/{job.pk}/video.mp4",
            "captions_url": f"/media/jobs/{job.pk}/captions.vtt",
            "transcript_url": f"/media/jobs/{job.pk}/transcript.json",
            "poster_url": f"/media/jobs/{job.pk}/poster.jpg",
            "seconds": 7.68,
            "width_px": 256,
            "height_px": 256,
        }
        assert (snapshot["stage"], snapshot["seconds_left"]) == (None, None)

    def test_it_is_of_the_rows_and_not_of_the_object_in_hand(self) -> None:
        job = make_job()
        Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, seq=8)
        assert snapshots.job_snapshot(job)["state"] == "cancelled"

    def test_the_number_of_queries_does_not_grow_with_the_text(
        self, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        job = make_job(state=JobState.RUNNING, sentences=tuple(f"Sentence {number}." for number in range(100)))
        with django_assert_max_num_queries(5):
            snapshots.job_snapshot(job)

    def test_places_in_the_queue(self) -> None:
        jobs = [make_job(), make_job(), make_job(priority=10), make_job(state=JobState.RUNNING)]
        assert [snapshots.job_snapshot(job)["queue_position"] for job in jobs] == [2, 3, 1, None]


@pytest.mark.django_db
class TestSecondsLeft:
    def seconds_left(self, job: Job) -> float | None:
        render_rate.invalidate(job.pk)
        return render_rate.seconds_left(job)

    def test_nothing_is_claimed_without_a_measurement(self) -> None:
        assert self.seconds_left(make_job(state=JobState.RUNNING)) is None

    def test_what_was_slow_so_far_stays_slow(self) -> None:
        quick, slow = (make_job(state=JobState.RUNNING, profile=name) for name in ("fast", "quality"))
        finish_clip(quick, 0, render_seconds=1.0)
        finish_clip(slow, 0, render_seconds=10.0)
        fast_seconds, slow_seconds = self.seconds_left(quick), self.seconds_left(slow)
        assert fast_seconds and slow_seconds
        assert slow_seconds == pytest.approx(10 * fast_seconds, abs=0.5)

    def test_it_falls_with_every_clip(self) -> None:
        job = make_job(state=JobState.RUNNING)
        left = []
        for index in range(3):
            finish_clip(job, index, render_seconds=2.0)
            left.append(self.seconds_left(job))
        assert None not in left
        assert left == sorted(left, reverse=True)  # type: ignore[type-var]
        assert left[-1] == 0

    def test_clips_from_the_cache_and_stand_ins_say_nothing(self) -> None:
        job = make_job(state=JobState.RUNNING)
        finish_clip(job, 0, render_seconds=0.001, cached=True)
        finish_clip(job, 1, render_seconds=0.001, is_fallback=True)
        assert self.seconds_left(job) is None

    def test_other_jobs_of_the_same_kind_say_something(self) -> None:
        earlier = make_job(state=JobState.COMPLETED)
        finish_clip(earlier, 0, render_seconds=5.0)
        assert self.seconds_left(make_job(state=JobState.RUNNING)) is not None
        assert self.seconds_left(make_job(state=JobState.RUNNING, profile="quality")) is None
        assert self.seconds_left(make_job(state=JobState.RUNNING, face="still")) is None

    def test_two_at_once_are_twice_as_fast(self) -> None:
        job = make_job(state=JobState.RUNNING, sentences=("One two.", "One two.", "One two.", "One two."))
        finish_clip(job, 0, render_seconds=8.0)
        alone = self.seconds_left(job)
        job.clips.filter(index__in=(1, 2)).update(state=ClipState.LEASED)
        together = self.seconds_left(job)
        assert alone and together == pytest.approx(alone / 2, abs=0.1)

    def test_it_falls_within_a_clip_and_keeps_to_the_rows(self) -> None:
        job = make_job(state=JobState.RUNNING)
        finish_clip(job, 0, render_seconds=4.0)
        shares = [render_rate.seconds_left_within_clip(job.pk, 1, share) for share in (0.0, 0.5, 1.0, 7.0)]
        assert shares[0] == self.seconds_left(job)
        assert shares[0] > shares[1] > shares[2] == shares[3]  # type: ignore[operator]

    @pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED])
    def test_an_ended_job_takes_no_more_time(self, state: str) -> None:
        job = make_job(state=state)
        finish_clip(job, 0)
        assert self.seconds_left(job) is None


class TestTelling:
    @pytest.mark.django_db(transaction=True)
    def test_inside_a_transaction_only_what_is_committed_is_told(self, sent: Sent) -> None:
        job = make_job(state=JobState.RUNNING)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            events.notify_job_changed(job.pk)
            raise ZeroDivisionError
        assert sent == []
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(state=JobState.PUBLISHING, seq=4)
            events.notify_job_changed(job.pk)
            assert sent == []
        ((group, message),) = sent
        assert group == f"job.{job.pk}"
        assert (message["event"]["state"], message["event"]["seq"]) == ("publishing", 4)

    @pytest.mark.django_db(transaction=True)
    def test_a_clips_event_has_the_clip_as_in_the_snapshot(self, sent: Sent) -> None:
        job = make_job(state=JobState.RUNNING, seq=2)
        finish_clip(job, 1)
        events.notify_clip_changed(job.pk, 1)
        event = sent[0][1]["event"]
        assert event["clip"] == snapshots.job_snapshot(job)["clips"][1]
        assert (event["type"], event["seq"], event["clips_done"]) == ("clip", 2, 1)

    @pytest.mark.django_db(transaction=True)
    def test_hundreds_of_stages_read_the_rows_once(
        self, sent: Sent, django_assert_max_num_queries: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(render_rate, "BASIS_MAX_AGE_SECONDS", 3600.0)
        job = make_job(state=JobState.RUNNING)
        finish_clip(job, 0)
        with django_assert_max_num_queries(3):
            for frame in range(300):
                events.notify_stage(job.pk, 1, "frames", frame, 300)
        assert len(sent) == 300
        assert sent[0][1]["event"]["seconds_left"] > sent[-1][1]["event"]["seconds_left"]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("broken", ["layer", "job"])
    def test_what_cannot_be_told_never_reaches_the_caller(
        self, live: UnixSocketChannelLayer, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        def fail(*_arguments: Any) -> None:
            raise OSError("no such socket")

        job_id = uuid4() if broken == "job" else make_job().pk
        if broken == "layer":
            monkeypatch.setattr(live, "has_listeners", fail)
        events.notify_job_changed(job_id)
        events.notify_clip_changed(job_id, 0)
        events.notify_stage(job_id, 0, "frames", 1, 2)
        events.send_preview(job_id, b"jpeg")

    @pytest.mark.django_db(transaction=True)
    def test_layers_that_need_an_event_loop_get_one(self, live: UnixSocketChannelLayer) -> None:
        heard: list[dict[str, Any]] = []

        class OtherLayer:
            async def group_send(self, group: str, message: dict[str, Any]) -> None:
                await asyncio.sleep(0)
                heard.append(message)

        channel_layers.set("default", OtherLayer())
        events.send_preview(uuid4(), b"jpeg")
        channel_layers.set("default", live)
        assert heard == [{"type": "job.preview", "jpeg": b"jpeg"}]
