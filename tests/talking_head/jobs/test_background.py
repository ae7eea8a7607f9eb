"""Recordings are transcribed last in line, chunk by chunk, and forecasts include that."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import transcription
from talking_head.models import ClipState, Job, JobState, Narration, NarrationState, Priority
from talking_head.pipeline.narration.transcribe import CHUNK_SECONDS
from talking_head.planning import queue_forecast
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import QUICK_TIMING, MakeJob, assert_invariants, rendered_texts

HOUR_SECONDS = 3_600.0


@pytest.fixture
def hours(teacher: User) -> list[Narration]:
    """Three recordings of an hour, just uploaded."""
    digests = [letter * 64 for letter in "abc"]
    for digest in digests:
        path = uploads.local_path(UploadKind.NARRATION, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"fLaC")
    return [Narration.objects.create(owner=teacher, digest=digest, duration_seconds=HOUR_SECONDS) for digest in digests]


def is_chunk(line: str) -> bool:
    return line.startswith("transcribed")


def stop_after_chunks(worker: Worker, count: int) -> None:
    worker.should_stop = lambda: sum(map(is_chunk, rendered_texts())) >= count


def test_61_videos_are_rendered_and_published_before_any_chunk(
    make_job: MakeJob, worker: Worker, hours: list[Narration], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [make_job("One.", "Two."), make_job("Three.")]
    states: list[set[str]] = []
    claim_chunk = transcription.claim_chunk

    def claim_and_look(*args: object) -> object:
        states.append(set(Job.objects.values_list("state", flat=True)))
        return claim_chunk(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(transcription, "claim_chunk", claim_and_look)
    stop_after_chunks(worker, 4)
    worker.work()
    lines = rendered_texts()
    assert sorted(lines[:3]) == ["One.", "Three.", "Two."]
    assert lines[3:] == [f"transcribed from {second} s" for second in (0, 0, 0, 20)], "they alternate"
    assert all(found == {JobState.COMPLETED} for found in states)
    assert len(jobs) == Job.objects.count()


def test_61_a_video_that_is_requested_meanwhile_waits_for_one_chunk(
    make_job: MakeJob, worker: Worker, hours: list[Narration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every chunk, of all recordings together, another teacher asks for a video."""
    record_chunk = transcription.record_chunk

    def ask_and_record(*args: object, **kwargs: object) -> bool:
        make_job("Urgent.", priority=Priority.VIP)
        return record_chunk(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(transcription, "record_chunk", ask_and_record)
    worker.should_stop = lambda: len(rendered_texts()) >= 12
    worker.work()
    lines = rendered_texts()
    assert sum(map(is_chunk, lines)) >= 5
    assert not any(is_chunk(line) and is_chunk(after) for line, after in pairwise(lines))


def test_61_a_recording_does_not_wait_for_ever_while_there_are_videos_to_make(
    make_job: MakeJob, worker: Worker, hours: list[Narration], settings: Settings
) -> None:
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "background_seconds": 0.0}
    make_job("One.", "Two.", "Three.")
    stop_after_chunks(worker, 3)
    worker.work()
    assert [is_chunk(line) for line in rendered_texts()][:5] == [True, False, True, False, True]


def test_61_a_chunk_is_short(hours: list[Narration]) -> None:
    assert CHUNK_SECONDS <= 20


def test_61_all_recordings_are_transcribed_in_the_end(
    make_job: MakeJob, worker: Worker, hours: list[Narration]
) -> None:
    Narration.objects.update(transcribed_seconds=HOUR_SECONDS - 40)
    job = make_job("One.")
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED
    assert set(Narration.objects.values_list("state", "error_code")) == {(NarrationState.FAILED, "audio_no_speech")}
    assert all(seconds is not None for seconds in Narration.objects.values_list("chunk_seconds", flat=True))
    assert_invariants(worker)


def test_61_forecasts_include_the_chunk_that_is_in_the_way(
    make_job: MakeJob, hours: list[Narration], settings: Settings
) -> None:
    settings.TALKING_HEAD_SLOTS = 1
    done = make_job("A sentence that was rendered once.")
    done.clips.update(state=ClipState.DONE, render_seconds=3.0, video_seconds=2.5)
    Job.objects.update(state=JobState.COMPLETED)
    Narration.objects.all().delete()
    alone = queue_forecast.queue_now().of_new_job(None, Priority.VIP, 4.0)
    lease = {"state": NarrationState.TRANSCRIBING, "lease_expires_at": timezone.now() + timedelta(seconds=30)}
    Narration.objects.create(digest="d" * 64, duration_seconds=HOUR_SECONDS, chunk_seconds=14.0, **lease)
    behind = queue_forecast.queue_now().of_new_job(None, Priority.VIP, 4.0)
    assert alone is not None
    assert behind is not None
    assert alone.start_seconds == 0.0
    assert behind.start_seconds == pytest.approx(7.0)
    assert behind.finish_seconds > alone.finish_seconds + 7.0
