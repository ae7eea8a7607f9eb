"""Rebuilds: the files of a published video that were deleted or damaged are made again from its clips.

The job keeps its state, because nothing about it has changed: it is not published a second time, and no notification is
sent. What is missing is noted in a row of its own, on which workers do one short step at a time, a clip or the joining,
so that no other video waits for a whole rebuild. A row that keeps an error says why the video cannot be made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from talking_head.errors import RendererError, TalkingHeadError
from talking_head.jobs import outside_causes, wakeups
from talking_head.jobs.leases import Lease
from talking_head.jobs.outside_causes import MAX_INTERRUPTIONS
from talking_head.jobs.state_machine import LostRace, atomic_transition, seconds_from_now
from talking_head.live import events
from talking_head.models import HIDDEN_JOBS, WATCHABLE_JOB_STATES, Clip, ClipState, Job, Rebuild
from talking_head.pipeline.package_request import PackageResult
from talking_head.pipeline.requests import ClipResult
from talking_head.timing import timing

logger = logging.getLogger(__name__)

TRY_AGAIN_AFTER_SECONDS = 3_600.0  # after a failure: what was missing (a portrait, space) may be back


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildClaim(Lease):
    """One worker's right to one step of a rebuild."""

    job_id: UUID

    @property
    def claimed(self) -> QuerySet[Rebuild]:
        return Rebuild.objects.filter(self.fence_q, pk=self.job_id, error_code="")


def request_rebuild(job: Job) -> Rebuild | None:
    """Note that files of a published video are missing, and wake a worker; return the note. None when the database
    takes nothing now: the next viewer asks again."""
    try:
        with transaction.atomic():
            rebuild, is_new = Rebuild.objects.get_or_create(job=job)
            if rebuild.error_code and rebuild.requested_at < timezone.now() - timedelta(
                seconds=TRY_AGAIN_AFTER_SECONDS
            ):
                rebuild.error_code, rebuild.tries, rebuild.requested_at = "", 0, timezone.now()
                rebuild.save(update_fields=["error_code", "tries", "requested_at"])
                is_new = True
            if is_new:
                wakeups.wake_worker_on_commit(job.pk)
    except DatabaseError:
        logger.warning("The rebuild of a video could not be requested.", exc_info=True, extra={"job": job.pk})
        return None
    if is_new:
        logger.warning("files of this video are missing or damaged: they are made again", extra={"job": job.pk})
    return rebuild


def has_claimable_rebuilds() -> bool:
    return _claimable().exists()


def _claimable() -> QuerySet[Rebuild]:
    shown = Rebuild.objects.filter(~_of_hidden_job(), error_code="", job__state__in=WATCHABLE_JOB_STATES)
    return shown.filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())).order_by("requested_at")


def _of_hidden_job() -> Q:
    return Q(job__in=Job.objects.filter(HIDDEN_JOBS))


def claim_rebuild() -> RebuildClaim | None:
    """Claim the next step of any rebuild; return None when there is none now."""
    rebuild = _claimable().first()
    if rebuild is None:
        return None
    claim = RebuildClaim(job_id=rebuild.pk, fence=rebuild.fence + 1)
    values = {"tries": F("tries") + 1, "lease_expires_at": seconds_from_now(timing().lease_seconds)}
    if not Rebuild.objects.filter(pk=rebuild.pk, fence=rebuild.fence).update(fence=F("fence") + 1, **values):
        return None
    if rebuild.tries >= MAX_INTERRUPTIONS:
        record_failure(
            claim, RendererError("The video could not be made again.", code="rebuild_failed", permanent=True)
        )
        return None
    return claim


def renew_lease(claim: RebuildClaim) -> bool:
    """Renew the lease; return False when the step is no longer this claim's and the work must stop."""
    return bool(claim.claimed.update(lease_expires_at=seconds_from_now(timing().lease_seconds)))


def is_wanted(claim: RebuildClaim) -> bool:
    """Return whether the claim still holds and the video may still be shown."""
    return claim.claimed.exclude(_of_hidden_job()).exists()


def release(claim: RebuildClaim) -> bool:
    """End a step in order: the next one may be claimed at once."""
    return bool(claim.claimed.update(fence=F("fence") + 1, lease_expires_at=None, tries=F("tries") - 1))


def record_failure(claim: RebuildClaim, error: TalkingHeadError) -> bool:
    """Try the step again after the backoff; give the rebuild up if the error is permanent."""
    rebuild = claim.claimed.first()
    if rebuild is None:
        return False
    values: dict[str, Any] = {"fence": F("fence") + 1, "error_message": error.message, "error_hint": error.hint}
    if error.permanent:
        logger.error("the video cannot be made again: %s", error, extra={"job": claim.job_id, "code": error.code})
        values |= {"error_code": error.code, "lease_expires_at": None}
    else:
        logger.warning("the video is not made again yet: %s", error, extra={"job": claim.job_id, "code": error.code})
        wait_seconds = outside_causes.interruption_backoff_seconds(rebuild.tries - 1)
        values["lease_expires_at"] = seconds_from_now(wait_seconds)
    return bool(claim.claimed.update(**values))


@atomic_transition
def record_clip(claim: RebuildClaim, clip_id: int, result: ClipResult) -> None:
    """Record a clip that was rendered again, perhaps by a newer engine and so under another key."""
    hold(claim)
    rendered = Clip.objects.filter(pk=clip_id, job=claim.job_id, state=ClipState.DONE)
    rendered.update(
        clip_key=result.clip_key,
        take_key=result.take_key,
        video_seconds=result.video_seconds,
        stages=result.stages,
        result=result.to_json(),
    )


@atomic_transition
def finish(claim: RebuildClaim, result: PackageResult, put_in_place: Callable[[], None]) -> None:
    """Put the files in place and record that they are back, unless the video may no longer be shown."""
    hold(claim)
    put_in_place()
    Job.objects.filter(pk=claim.job_id).update(
        seq=F("seq") + 1, video_seconds=result.video_seconds, width_px=result.width_px, height_px=result.height_px
    )
    claim.claimed.delete()
    events.notify_job_changed(claim.job_id)


def hold(claim: RebuildClaim) -> None:
    """Lock the job's row, so that no withdrawal and no deletion comes in between.

    Raises:
        LostRace: the claim no longer holds, or the video may no longer be shown.
    """
    if not Job.objects.select_for_update().filter(pk=claim.job_id).exists() or not is_wanted(claim):
        raise LostRace
