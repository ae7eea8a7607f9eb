"""The real thing, once: two sentences, the embedded engines, the real renderer process, a published video."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from talking_head import services
from talking_head.files import local
from talking_head.models import JobState
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.media import inspect_video
from tests.talking_head.jobs.conftest import assert_invariants

SCRIPT = "Water boils. Steam is invisible."


@pytest.mark.django_db(transaction=True)
def test_a_text_and_a_portrait_become_a_published_video(teacher: User, portrait_png: Path, settings: Settings) -> None:
    del settings.TALKING_HEAD_RENDERER
    settings.TALKING_HEAD_TIMING = {}
    digest = services.store_portrait(portrait_png.read_bytes()).digest
    job = services.submit_job(owner=teacher, script=SCRIPT, title="Water", portrait_digest=digest, profile="fast")
    worker = Worker(new_renderer(), name="tester:1")
    try:
        worker.work()
        job.refresh_from_db()
        assert job.state == JobState.COMPLETED, job.error_message
        again = services.retry_job(job)
        worker.work()
    finally:
        worker.renderer.close()

    results = local.results_folder(job.pk)
    info = inspect_video(results / "video.mp4")
    assert job.video_seconds == pytest.approx(info.video_seconds)
    assert info.frame_count % 8 == 0
    assert (info.width_px, info.height_px) == (job.width_px, job.height_px)
    transcript = json.loads((results / "transcript.json").read_text())["utterances"]
    assert [utterance["text"].strip() for utterance in transcript] == ["Water boils.", "Steam is invisible."]
    assert transcript[1]["words"][0]["text"].strip(".") == "Steam"
    assert transcript[1]["start_seconds"] == pytest.approx(transcript[0]["end_seconds"])
    assert (results / "captions.vtt").read_text().startswith("WEBVTT")
    assert json.loads((results / "manifest.json").read_text())["inputs"]["portrait_sha256"] == digest
    metrics = json.loads(local.metrics_file(job.pk).read_text())
    assert metrics["engines"]["speech"].startswith("hibari")
    assert metrics["engines"]["face"].startswith("puppet")
    assert all(metrics["stages"][stage] > 0 for stage in ("speech", "motion", "frames", "encode", "publish"))

    again.refresh_from_db()
    assert again.state == JobState.COMPLETED
    assert list(again.clips.values_list("cached", flat=True)) == [True, True]
    assert local.results_folder(again.pk).joinpath("video.mp4").read_bytes() == (results / "video.mp4").read_bytes()
    assert_invariants(worker)


@pytest.mark.django_db(transaction=True)
def test_one_call_renders_a_video_without_a_portrait(settings: Settings) -> None:
    del settings.TALKING_HEAD_RENDERER
    settings.TALKING_HEAD_TIMING = {}
    path = Path(services.generate_talking_video("Hello.", performance_mode="fast"))
    assert inspect_video(path).frame_count > 8
