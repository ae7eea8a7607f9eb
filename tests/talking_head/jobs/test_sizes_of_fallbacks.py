"""A job whose face engine draws in another size than its fallbacks is published all the same."""

from __future__ import annotations

from typing import Any

from talking_head.jobs import publish_claims
from talking_head.jobs.claim import clip_request_for, clips_of_another_size
from talking_head.models import ClipState, Job, JobState
from talking_head.pipeline.cache.entries import ClipMetadata, store_clip_metadata
from talking_head.worker.publishing import publish
from talking_head.worker.worker import Worker
from tests.talking_head.rows import finish_clip


def finished(job: Job, index: int, size_px: tuple[int, int], **fields: Any) -> None:
    """Marks a clip as rendered in that size, with an entry in the cache that is whole."""
    width, height = size_px
    video = finish_clip(job, index, result={"width_px": width, "height_px": height}, **fields)
    metadata = ClipMetadata(
        take_key="", frame_count=64, width_px=width, height_px=height, video_bytes=video.stat().st_size, engines={}
    )
    store_clip_metadata(video.parent, metadata)


def test_a_fallback_that_was_rendered_first_is_rendered_again_in_the_size_of_the_others(
    make_job: Any, worker: Worker
) -> None:
    job = make_job("One.", "Two.")
    finished(job, 0, (512, 512), is_fallback=True)
    finished(job, 1, (320, 240))
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    claim = publish_claims.claim_job(job.pk)
    assert claim is not None
    assert not publish(claim, worker.renderer, lambda: False)
    first, second = job.clips.order_by("index")
    assert (first.state, second.state) == (ClipState.WAITING, ClipState.DONE)
    request = clip_request_for(first)
    assert (request.fallback, request.width_px, request.height_px) == (True, 320, 240)
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING


def test_sizes_are_compared_only_with_clips_that_are_as_requested(make_job: Any) -> None:
    job = make_job("One.", "Two.", "Three.")
    finished(job, 0, (512, 512), is_fallback=True)
    assert clips_of_another_size(list(job.clips.all())) == []
    finished(job, 1, (512, 512))
    finished(job, 2, (256, 256), is_fallback=True)
    assert clips_of_another_size(list(job.clips.all())) == [2]
    assert clip_request_for(job.clips.get(index=1)).width_px == 0
