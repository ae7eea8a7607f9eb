"""A worker's work on a published video whose files are missing: one clip that no longer exists, or the joining."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.files import bucket, clip_cache, local, published_files
from talking_head.jobs import rebuilding
from talking_head.jobs.claim import clip_request_for
from talking_head.jobs.rebuilding import RebuildClaim
from talking_head.models import Clip, Job
from talking_head.monitoring import job_metrics
from talking_head.pipeline.package_request import PackageResult
from talking_head.pipeline.requests import ClipResult
from talking_head.renderer.supervisor import End, RendererProcess, RenderOutcome, Watcher
from talking_head.worker import publishing
from talking_head.worker.lease_keeper import LeaseKeeper

logger = logging.getLogger(__name__)

KeepGoing = Callable[[], bool]


def rebuild(claim: RebuildClaim, renderer: RendererProcess, should_stop: Callable[[], bool]) -> None:
    """Do one step of the claimed rebuild and record its outcome."""
    keep_going = LeaseKeeper(
        subject=f"the rebuild of job {claim.job_id}",
        renew=lambda: rebuilding.renew_lease(claim),
        should_stop=should_stop,
        is_wanted=lambda: rebuilding.is_wanted(claim),
    ).keep_going
    try:
        _take_step(claim, renderer, keep_going)
    except bucket.TransferCancelled:
        rebuilding.release(claim)
    except TalkingHeadError as error:
        rebuilding.record_failure(claim, error)


def _take_step(claim: RebuildClaim, renderer: RendererProcess, keep_going: KeepGoing) -> None:
    job = Job.objects.get(pk=claim.job_id)
    clips = list(job.clips.all())
    if not clips:
        raise RendererError("This video has no sentences any more.", code="no_sentences", permanent=True)
    unusable = set(clip_cache.unusable_clips(clips, keep_going))
    lost = next((clip for clip in clips if clip.index in unusable), None)
    if lost is not None:
        _render(claim, job, lost, renderer, keep_going)
    else:
        _join(claim, job, clips, renderer, keep_going)


def _render(claim: RebuildClaim, job: Job, clip: Clip, renderer: RendererProcess, keep_going: KeepGoing) -> None:
    clip_cache.fetch_inputs(clip.pk, keep_going)
    clip.job = job
    request = clip_request_for(clip).to_json()
    outcome = renderer.run("render", request, job.timeout_seconds, Watcher(keep_going))
    result = ClipResult.from_json(_result_of(outcome))
    clip_cache.store([result], keep_going)
    if rebuilding.record_clip(claim, clip.pk, result):
        logger.info("clip %d was rendered again", clip.index, extra={"job": job.pk})
        rebuilding.release(claim)
    else:
        clip_cache.delete_withdrawn(job.pk, result)


def _join(claim: RebuildClaim, job: Job, clips: list[Clip], renderer: RendererProcess, keep_going: KeepGoing) -> None:
    staging = local.temporary_root() / f"rebuild-{job.pk}-{claim.fence}"
    try:
        outcome = publishing.package_clips(job, clips, staging, renderer, keep_going)
        result = PackageResult.from_json(_result_of(outcome))
        publishing.check_video(staging / published_files.VIDEO, result)
        if bucket.is_enabled():
            published_files.upload(job, staging, keep_going)
            put: Callable[[], None] = lambda: None  # noqa: E731 - the bucket has them
        else:
            put = partial(published_files.put, job, staging)
        if rebuilding.finish(claim, result, put):
            logger.info("the video was made again from its clips", extra={"job": job.pk})
            job.refresh_from_db()
            job_metrics.write(job)  # its record may have gone with the folder
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _result_of(outcome: RenderOutcome) -> dict[str, Any]:
    """Return the renderer's result.

    Raises:
        TransferCancelled: the work was stopped. TalkingHeadError: it failed.
    """
    if outcome.end is End.DONE:
        return outcome.values
    if outcome.end in (End.STOPPED, End.TERMINATED):
        raise bucket.TransferCancelled
    raise outcome.error or RendererError("The renderer gave no reason.")
