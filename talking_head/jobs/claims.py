"""Claims of clips: claiming the next clip, renewing its lease, and checking that the claim still holds.

A clip is claimed for a lease that its supervisor renews. Each claim raises the clip's fence, and every later write of
that claim carries it: a worker that was away too long (stopped, swapped out, cut off) finds that its writes hit 0 rows.
The attempt's row and the crash counter are written *before* the work starts, because a worker that dies cannot write
them afterwards.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from talking_head.jobs import claim_sql, queue, worked_time
from talking_head.jobs.claim import Claim, build_claim
from talking_head.jobs.state_machine import (
    LostRace,
    atomic_transition,
    seconds_from_now,
    touch_running_job,
    transition_clip,
    transition_job,
)
from talking_head.live import events
from talking_head.models import Attempt, Clip, ClipState, Job, JobState
from talking_head.timing import timing

# --- claiming ------------------------------------------------------------------------------------------------------


def claim_clip(worker: str, *, job_id: UUID | None = None, only_short: bool = False) -> Claim | None:
    """Claim the next clip for ``worker`` (its name, for the records); return None when no clip can be claimed now.
    With ``only_short``, consider only the clips of short jobs (see :mod:`talking_head.worker.slots`)."""
    if connection.vendor == "postgresql":
        return _claim_postgres(worker, job_id, only_short)
    claimed: list[tuple[Clip, int]] = []
    if not _claim_sqlite(worker, job_id, only_short, claimed):
        return None
    # Outside the transaction: a row that cannot be read stays claimed, and costs its own tries, not everyone's turn.
    return build_claim(*claimed[0])


def has_claimable_clips(job_id: UUID | None = None) -> bool:
    return queue.claimable(job_id=job_id).exists()


def _claim_postgres(worker: str, job_id: UUID | None, only_short: bool) -> Claim | None:
    row = claim_sql.claim_next(worker, timing().lease_seconds, job_id=job_id, only_short=only_short)
    if row is None:
        return None
    events.notify_clip_changed(row.clip.job_id, row.clip.index)
    return build_claim(row.clip, row.attempt_id)


@atomic_transition
def _claim_sqlite(worker: str, job_id: UUID | None, only_short: bool, claimed: list[tuple[Clip, int]]) -> None:
    """Claim on SQLite, where a transaction excludes all others from its beginning: the first clip stays the first."""
    clip = queue.claimable(job_id=job_id, only_short=only_short).select_related("job").first()
    if clip is None:
        raise LostRace
    _start_or_join_job(clip.job)
    transition_clip(
        clip.pk,
        "claim",
        Q(fence=clip.fence),
        fence=F("fence") + 1,
        crashes=F("crashes") + 1,
        leased_by=worker,
        lease_expires_at=seconds_from_now(timing().lease_seconds),
    )
    clip.fence += 1  # what else the claim changes is not read
    attempt = Attempt.objects.create(clip=clip, fence=clip.fence, worker=worker, form=clip.form)
    events.notify_clip_changed(clip.job_id, clip.index)
    claimed.append((clip, attempt.pk))


def _start_or_join_job(job: Job) -> None:
    """Start the job, or join the workers that render it already.

    Raises:
        LostRace: it ended, or its clips are all done.
    """
    if job.state == JobState.QUEUED:
        transition_job(job.pk, "start", started_at=Now())
    else:
        touch_running_job(job.pk)


# --- holding a claim -----------------------------------------------------------------------------------------------


@atomic_transition
def renew_lease(claim: Claim) -> None:
    """Renew the lease, and count the time since the last renewal as worked; return False when the clip is no longer
    this claim's and the work must stop."""
    if not Job.objects.select_for_update().filter(pk=claim.job_id).exists():
        raise LostRace
    worked_time.count(claim.job_id, claim.clip_id, claim.fence_q)
    claimed = Clip.objects.filter(claim.fence_q, pk=claim.clip_id, state=ClipState.LEASED)
    if not claimed.update(lease_expires_at=seconds_from_now(timing().lease_seconds)):
        raise LostRace


def still_wanted(claim: Claim) -> bool:
    """Return whether the claim still holds and its job still runs (not cancelled, not failed, not deleted)."""
    claimed = Clip.objects.filter(claim.fence_q, pk=claim.clip_id, state=ClipState.LEASED, job__state=JobState.RUNNING)
    return claimed.exists()


def note_stage(claim: Claim, stage: str) -> None:
    """Record the stage for the records and the page. This needs no fence: the attempt is this claim's alone."""
    Attempt.objects.filter(pk=claim.attempt_id).update(stage=stage)


def note_renderer(claim: Claim, pid: int) -> None:
    Attempt.objects.filter(pk=claim.attempt_id).update(renderer_pid=pid)
