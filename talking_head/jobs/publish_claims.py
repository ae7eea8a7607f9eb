"""Claims of publishing: one worker at a time publishes a job, under a lease with a fence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.jobs import outside_causes
from talking_head.jobs.leases import Lease
from talking_head.jobs.outside_causes import MAX_INTERRUPTIONS
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
NOT_INTERRUPTED: dict[str, Any] = {"publish_interruptions": F("publish_interruptions") - 1}  # of an orderly end


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishClaim(Lease):
    """One worker's right to publish one job."""

    job_id: UUID


def _publishable() -> QuerySet[Job]:
    """Return the jobs whose clips are all done, and those whose publisher lost its lease."""
    return Job.objects.filter(_is_ready() | _is_orphaned()).order_by("-priority", "created_at")


def _is_ready() -> Q:
    # "Not done" as what sorts before it and what sorts after it: two steps in the index of a job's states. Asked in one
    # condition, a database reads every clip that is done, each time that a worker looks for work.
    clips = Clip.objects.filter(job=OuterRef("pk"))
    unfinished = Exists(clips.filter(state__lt=ClipState.DONE)), Exists(clips.filter(state__gt=ClipState.DONE))
    return Q(*(~exists for exists in unfinished), Exists(clips), state=JobState.RUNNING)


def _is_orphaned() -> Q:
    return Q(state=JobState.PUBLISHING, lease_expires_at__lt=Now())


def has_publishable_jobs() -> bool:
    return _publishable().exists()


def seconds_until_publishable(job_id: UUID | None = None) -> float | None:
    """Return how long the next job that is being published waits, for its backoff or for the lease of its publisher;
    None when there is none."""
    jobs = Job.objects.filter(state=JobState.PUBLISHING, **({"pk": job_id} if job_id else {}))
    first = jobs.exclude(lease_expires_at=None).annotate(now=Now()).order_by("lease_expires_at").first()
    return max(0.0, (first.lease_expires_at - first.now).total_seconds()) if first and first.lease_expires_at else None


def claim_job(job_id: UUID | None = None) -> PublishClaim | None:
    """Claim the publishing of any job, or of this one; return None when there is nothing to publish now."""
    jobs = _publishable() if job_id is None else _publishable().filter(pk=job_id)
    for job in jobs[:PUBLISH_CANDIDATES]:
        if job.publish_crashes >= MAX_CRASHES or job.publish_interruptions >= MAX_INTERRUPTIONS:
            _give_up(job)
        elif _claim(job):
            return PublishClaim(job_id=job.pk, fence=job.fence + 1)
    return None


@atomic_transition
def _claim(job: Job) -> None:
    is_orphaned = job.state == JobState.PUBLISHING
    transition_job(
        job.pk,
        "take_over_publishing" if is_orphaned else "begin_publishing",
        _is_orphaned() if is_orphaned else _is_ready(),
        Q(fence=job.fence),
        fence=F("fence") + 1,
        # A worker that dies cannot count itself: it counts as interrupted until it says otherwise.
        publish_interruptions=F("publish_interruptions") + 1,
        lease_expires_at=seconds_from_now(timing().lease_seconds),
    )


@atomic_transition
def _give_up(job: Job) -> None:
    error = RendererError("The clips could not be joined.", code="publish_failed", hint="Try again.")
    if job.error_code:  # reported by the last publisher when it released the job
        error = RendererError(job.error_message, code=job.error_code, hint=job.error_hint)
    fail_job(job.pk, error, Q(fence=job.fence))


def renew_lease(claim: PublishClaim) -> bool:
    """Renew the lease; return False when the job was cancelled or another worker took over."""
    claimed = Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING)
    return bool(claimed.update(lease_expires_at=seconds_from_now(timing().lease_seconds)))


def holds_lease(claim: PublishClaim) -> bool:
    return Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING).exists()


@atomic_transition
def record_failure(claim: PublishClaim, error: TalkingHeadError, *, is_outside: bool = False) -> None:
    """Release the job after a failure, for another worker after the backoff; fail it if the error is permanent.
    ``is_outside``: the publisher's process was killed; some errors have causes outside the job as well."""
    if error.permanent:
        fail_job(claim.job_id, error, claim.fence_q)
        return
    claimed = Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING)
    job = claimed.only("publish_crashes", "publish_interruptions").first()
    if job is None:
        raise LostRace
    values: dict[str, Any] = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    if is_outside or outside_causes.is_outside(error):
        wait_seconds = outside_causes.interruption_backoff_seconds(job.publish_interruptions - 1)
    else:
        wait_seconds = outside_causes.backoff_seconds(job.publish_crashes + 1)
        values |= {"publish_crashes": F("publish_crashes") + 1, **NOT_INTERRUPTED}
    if not claimed.update(fence=F("fence") + 1, lease_expires_at=seconds_from_now(wait_seconds), **values):
        raise LostRace


@atomic_transition
def release(claim: PublishClaim) -> None:
    """Release the job because the worker stops: not a crash. The claim ends here, hence the new fence."""
    claimed = Job.objects.filter(claim.fence_q, pk=claim.job_id, state=JobState.PUBLISHING)
    if not claimed.update(fence=F("fence") + 1, lease_expires_at=Now(), **NOT_INTERRUPTED):
        raise LostRace


@atomic_transition
def rerender_clips(claim: PublishClaim, indexes: list[int]) -> None:
    """Render these finished clips again, because they are no longer in the cache (it may be deleted at any time) or are
    damaged. This is no crash of the publisher."""
    transition_job(claim.job_id, "render_again", claim.fence_q, lease_expires_at=None, **NOT_INTERRUPTED)
    for clip in Clip.objects.filter(job=claim.job_id, index__in=indexes):
        transition_clip(clip.pk, "render_again", clip_key="", cached=False)
        events.notify_clip_changed(claim.job_id, clip.index)
