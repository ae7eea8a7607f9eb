"""Who publishes a job: one worker at a time, under a lease with a fence."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.jobs.leases import Lease
from talking_head.jobs.state_machine import (
    MAX_CRASHES,
    LostRace,
    atomic_transition,
    fail_job,
    seconds_from_now,
    transition_clip,
    transition_job,
)
from talking_head.live import events
from talking_head.models import Clip, ClipState, Job, JobState
from talking_head.timing import timing

PUBLISH_CANDIDATES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishClaim(Lease):
    """One worker's right to publish one job."""

    job_id: UUID


def _publishable() -> QuerySet[Job]:
    """Jobs whose clips are all done, and jobs whose publisher is gone."""
    return Job.objects.filter(_is_ready() | _is_orphaned()).order_by("-priority", "created_at")


def _is_ready() -> Q:
    unfinished = Clip.objects.filter(job=OuterRef("pk")).exclude(state=ClipState.DONE)
    return Q(~Exists(unfinished), state=JobState.RUNNING)


def _is_orphaned() -> Q:
    return Q(state=JobState.PUBLISHING, lease_expires_at__lt=Now())


def is_anything_to_publish() -> bool:
    return _publishable().exists()


def claim_publishing(job_id: UUID | None = None) -> PublishClaim | None:
    """Takes the publishing of some job, or of this one; None when there is nothing to publish now."""
    jobs = _publishable() if job_id is None else _publishable().filter(pk=job_id)
    for job in jobs[:PUBLISH_CANDIDATES]:
        if job.publish_crashes >= MAX_CRASHES:
            _give_up_publishing(job)
        elif _take_publishing(job):
            return PublishClaim(job_id=job.pk, fence=job.fence + 1)
    return None


@atomic_transition
def _take_publishing(job: Job) -> None:
    is_orphan = job.state == JobState.PUBLISHING
    transition_job(
        job.pk,
        "take_over_publishing" if is_orphan else "begin_publishing",
        _is_orphaned() if is_orphan else _is_ready(),
        Q(fence=job.fence),
        fence=F("fence") + 1,
        publish_crashes=F("publish_crashes") + 1,
        lease_expires_at=seconds_from_now(timing().lease_seconds),
    )


@atomic_transition
def _give_up_publishing(job: Job) -> None:
    error = RendererError("The clips could not be joined.", code="publish_failed", hint="Try again.")
    if job.error_code:  # what the last publisher reported before it gave the job back
        error = RendererError(job.error_message, code=job.error_code, hint=job.error_hint)
    fail_job(job.pk, error, Q(fence=job.fence))


def renew_publishing(claim: PublishClaim) -> bool:
    """False when the job was cancelled or somebody took over."""
    mine = Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING)
    return bool(mine.update(lease_expires_at=seconds_from_now(timing().lease_seconds)))


def holds_publishing(claim: PublishClaim) -> bool:
    return Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING).exists()


@atomic_transition
def postpone_publishing(claim: PublishClaim, error: TalkingHeadError, *, crashed: bool) -> None:
    """Gives the job back after a failure; somebody takes it over when the backoff is up, or gives up on it."""
    wait_seconds = 0.0 if crashed else timing().backoff_seconds
    values = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    if error.permanent:
        fail_job(claim.job_id, error, claim.fence_q)
        return
    mine = Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING)
    if not mine.update(fence=F("fence") + 1, lease_expires_at=seconds_from_now(wait_seconds), **values):
        raise LostRace


@atomic_transition
def release_publishing(claim: PublishClaim) -> None:
    """Gives the job back because the worker stops: not a crash. The claim ends with it, hence the new fence."""
    mine = Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING)
    if not mine.update(fence=F("fence") + 1, lease_expires_at=Now(), publish_crashes=F("publish_crashes") - 1):
        raise LostRace


@atomic_transition
def render_clips_again(claim: PublishClaim, indexes: list[int]) -> None:
    """Some finished clips are no longer in the cache (it may be deleted at any time): back to rendering these."""
    transition_job(claim.job_id, "render_again", claim.fence_q, lease_expires_at=None)
    for clip in Clip.objects.filter(job=claim.job_id, index__in=indexes):
        transition_clip(clip.pk, "render_again", clip_key="", cached=False)
        events.notify_clip_changed(claim.job_id, clip.index)
