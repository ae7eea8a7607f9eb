"""Publishing: the clips of a finished job become one video, exactly once.

The renderer process joins the clips in a staging folder that belongs to one publisher alone (its name carries the
fence). Then one transaction takes the job out of ``publishing``, sends ``job_published``, and renames the folder while
it still holds the job's row. So a publisher that lost its fence, or one whose job was cancelled, never reaches the
rename; and a crash between rename and commit leaves a folder without a row, which the next publisher or the sweeper
removes. Where there is a bucket, the files are uploaded and checked before the transaction, under a name that carries
the fence, and the row's change alone publishes them (:mod:`talking_head.files.job_files`).
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from talking_head.digests import sha256_of_file
from talking_head.errors import RendererError, TalkingHeadError, map_os_errors
from talking_head.files import bucket, clip_cache, job_files, local
from talking_head.jobs import publish_claims
from talking_head.jobs.claim import JOB_TIMEOUT, clip_request_for, clips_of_another_size
from talking_head.jobs.publish_claims import PublishClaim
from talking_head.jobs.state_machine import atomic_transition, transition_job
from talking_head.models import Clip, Job
from talking_head.monitoring import tracing
from talking_head.pipeline.package_request import PackageClip, PackageRequest, PackageResult
from talking_head.renderer.supervisor import End, RendererProcess, RenderOutcome, Watcher
from talking_head.signals import job_published
from talking_head.timing import timing
from talking_head.worker.lease_keeper import LeaseKeeper

logger = logging.getLogger(__name__)

MAX_CLAIMS = 20  # of a clip whose file is damaged after each: then the disk must be the cause


def publish(claim: PublishClaim, renderer: RendererProcess, should_stop: Callable[[], bool]) -> bool:
    """Make the files of a job and publish them; return False when they were not published (the job's row says why)."""
    with tracing.span("publish", claim.job_id):
        return _publish(claim, renderer, should_stop)


def _publish(claim: PublishClaim, renderer: RendererProcess, should_stop: Callable[[], bool]) -> bool:
    started = time.monotonic()
    job = Job.objects.get(pk=claim.job_id)
    clips = list(job.clips.all())
    staging = local.staging_folder(job.pk, claim.fence)
    keep_going = LeaseKeeper(
        subject=f"the publishing of job {job.pk}",
        renew=lambda: publish_claims.renew_lease(claim),
        should_stop=should_stop,
        is_wanted=lambda: publish_claims.holds_lease(claim),
    ).keep_going
    try:
        if unusable := clip_cache.unusable_clips(clips, keep_going):
            logger.warning("job %s: clips %s are missing from the cache or damaged", job.pk, unusable)
            _rerender(claim, clips, unusable)
            return False
        if misfits := clips_of_another_size(clips):
            logger.warning("job %s: fallbacks %s take the size of the other clips", job.pk, misfits)
            publish_claims.rerender_clips(claim, misfits)
            return False
        outcome = package_clips(job, clips, staging, renderer, keep_going)
        if outcome.end is End.DONE:
            result = PackageResult.from_json(outcome.values)
            check_video(staging / "video.mp4", result)
            if bucket.is_enabled():
                job_files.upload_staged(job.pk, claim.fence, staging, keep_going)
            return _commit_publication(claim, job, clips, staging, result, time.monotonic() - started)
    except bucket.TransferCancelled:
        outcome = RenderOutcome(End.STOPPED)
    except TalkingHeadError as error:
        publish_claims.record_failure(claim, error)
        return False
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _release_or_fail(claim, outcome, should_stop)
    return False


def _rerender(claim: PublishClaim, clips: list[Clip], indexes: list[int]) -> None:
    """Render these clips again; fail the job when that has not helped again and again."""
    if any(clip.fence >= MAX_CLAIMS for clip in clips if clip.index in indexes):
        error = RendererError(
            "Finished sentences were damaged on the disk again and again.",
            code="storage_damaged",
            hint="Tell an administrator: the disk may be failing.",
            permanent=True,
        )
        publish_claims.record_failure(claim, error)
    else:
        publish_claims.rerender_clips(claim, indexes)


def package_clips(
    job: Job, clips: list[Clip], staging: Path, renderer: RendererProcess, keep_going: Callable[[], bool]
) -> RenderOutcome:
    """Have the files of a job's video made from its clips in a new folder; a :class:`PackageResult` comes back."""
    request = PackageRequest(
        folder=str(staging),
        title=job.title,
        language=job.language,
        script=job.script,
        clips=tuple(_package_clip(job, clip) for clip in clips),
    )
    return renderer.run("package", request.to_json(), timing().publish_seconds, Watcher(keep_going))


def _package_clip(job: Job, clip: Clip) -> PackageClip:
    clip.job = job
    return PackageClip(
        index=clip.index,
        start=clip.start,
        end=clip.end,
        chapter=clip.chapter,
        is_fallback=clip.is_fallback,
        request=clip_request_for(clip).to_json(),
        result=clip.result,
    )


def _release_or_fail(claim: PublishClaim, outcome: RenderOutcome, should_stop: Callable[[], bool]) -> None:
    if outcome.end in (End.STOPPED, End.TERMINATED):
        if should_stop() or outcome.end is End.TERMINATED:
            publish_claims.release(claim)
        return  # otherwise the job was cancelled or taken over: this worker may not change it any more
    error: TalkingHeadError = outcome.error or RendererError("The renderer gave no reason.")
    logger.warning("job %s could not be published: %s\n%s", claim.job_id, error, outcome.log_tail)
    publish_claims.record_failure(claim, error, is_outside=outcome.is_outside)


def check_video(path: Path, result: PackageResult) -> None:
    """Check that the video is, byte for byte, the one that the renderer wrote and checked."""
    with map_os_errors():
        digest = sha256_of_file(path)
    if digest != result.sha256:
        raise RendererError("The finished video was damaged while it was stored.", code="video_damaged")


@atomic_transition
def _commit_publication(
    claim: PublishClaim, job: Job, clips: list[Clip], staging: Path, result: PackageResult, seconds: float
) -> None:
    """Publish the video in one transaction. The order matters: first the row (from then on no other process can publish
    or cancel), then the other apps, and the rename last, when nothing here can fail any more."""
    fallbacks = [clip for clip in clips if clip.is_fallback]
    transition_job(
        job.pk,
        "complete_with_fallback" if fallbacks else "complete",
        claim.fence_q,
        **publish_claims.NOT_INTERRUPTED,
        video_seconds=result.video_seconds,
        width_px=result.width_px,
        height_px=result.height_px,
        stages={**job.stages, "publish": round(seconds, 3)},
        **_fallback_error_fields(fallbacks, len(clips)),
    )
    job.refresh_from_db()
    _send_job_published(job)
    if not bucket.is_enabled():  # in a bucket the files lie under this claim's fence already
        with map_os_errors():
            _move_into_place(staging, local.results_folder(job.pk))


def _send_job_published(job: Job) -> None:
    try:
        job_published.send(sender=Job, job=job)
    except Exception as error:  # the receivers are other apps: any error they raise prevents the publication
        logger.exception("A receiver of job_published refused job %s.", job.pk)
        raise RendererError(
            "The finished video could not be handed over.", code="handover_failed", hint="Try again."
        ) from error


def _move_into_place(staging: Path, results: Path) -> None:
    if results.exists():  # of a publisher that crashed before its commit: it was not published, so it is unused
        shutil.rmtree(results)
    staging.rename(results)


def _fallback_error_fields(fallbacks: list[Clip], clip_count: int) -> dict[str, Any]:
    """Return the job's error fields: why sentences are shown as fallbacks, the deadline before any other reason."""
    if not fallbacks:
        return {"error_code": "", "error_message": "", "error_hint": ""}
    reason = next((clip for clip in fallbacks if clip.error_code == JOB_TIMEOUT), fallbacks[0])
    count = "one sentence is" if len(fallbacks) == 1 else f"{len(fallbacks)} of {clip_count} sentences are"
    return {
        "error_code": reason.error_code,
        "error_message": f"{reason.error_message} Therefore {count} shown as a still picture.",
        "error_hint": reason.error_hint,
    }
