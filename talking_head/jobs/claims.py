"""Whose turn is it, and what becomes of a clip: claiming, renewing, finishing, failing, and taking back from the lost.

A clip is claimed for a lease that its supervisor renews. Each claim raises the clip's fence, and every later write of
that claim carries it: a worker that was away too long (stopped, swapped out, cut off) finds that its writes hit 0 rows.
What a claim costs in trust is written down *before* the work starts (the attempt's row, the crash counter), because a
worker that dies cannot write it afterwards.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from talking_head.jobs import claim_sql, queue
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
    """The next clip for ``worker`` (its name, for the records), or None when nothing can be claimed now; with
    ``only_short`` only of short jobs (see :mod:`talking_head.worker.slots`)."""
    if connection.vendor == "postgresql":
        return _claim_postgres(worker, job_id, only_short)
    taken: list[Claim] = []
    _claim_sqlite(worker, job_id, only_short, taken)
    return taken[0] if taken else None


def is_anything_claimable(job_id: UUID | None = None) -> bool:
    return queue.claimable(job_id=job_id).exists()


def _claim_postgres(worker: str, job_id: UUID | None, only_short: bool) -> Claim | None:
    taken = claim_sql.claim_next(worker, timing().lease_seconds, job_id=job_id, only_short=only_short)
    if taken is None:
        return None
    events.notify_clip_changed(taken.clip.job_id, taken.clip.index)
    return build_claim(taken.clip, taken.attempt_id, taken.now)


@atomic_transition
def _claim_sqlite(worker: str, job_id: UUID | None, only_short: bool, taken: list[Claim]) -> None:
    """On SQLite, where a transaction excludes all others from its beginning: what is first in line stays first."""
    clip = queue.claimable(job_id=job_id, only_short=only_short).first()
    if clip is None:
        raise LostRace
    _start_or_join_job(clip.job_id)
    transition_clip(
        clip.pk,
        "claim",
        Q(fence=clip.fence),
        fence=F("fence") + 1,
        crashes=F("crashes") + 1,
        leased_by=worker,
        lease_expires_at=seconds_from_now(timing().lease_seconds),
    )
    attempt = Attempt.objects.create(clip=clip, fence=clip.fence + 1, worker=worker, form=clip.form)
    events.notify_clip_changed(clip.job_id, clip.index)
    clip = Clip.objects.select_related("job").annotate(now=Now()).get(pk=clip.pk)
    taken.append(build_claim(clip, attempt.pk, clip.now))


def _start_or_join_job(job_id: UUID) -> None:
    """Starts the job, and with it its time, or joins those who work on it already.

    Raises:
        LostRace: it ended, or its clips are all done.
    """
    timeout_seconds = Job.objects.values_list("timeout_seconds", flat=True).get(pk=job_id)
    try:
        transition_job(job_id, "start", started_at=Now(), deadline_at=seconds_from_now(timeout_seconds))
    except LostRace:
        touch_running_job(job_id)


# --- while it lasts ------------------------------------------------------------------------------------------------


def renew_lease(claim: Claim) -> bool:
    """False when the clip is no longer this claim's: stop working on it."""
    mine = Clip.objects.filter(claim.fence_q, pk=claim.clip_id, state=ClipState.LEASED)
    return bool(mine.update(lease_expires_at=seconds_from_now(timing().lease_seconds)))


def still_wanted(claim: Claim) -> bool:
    """Whether the claim still holds and its job still runs (not cancelled, not failed, not deleted)."""
    mine = Clip.objects.filter(claim.fence_q, pk=claim.clip_id, state=ClipState.LEASED, job__state=JobState.RUNNING)
    return mine.exists()


def note_stage(claim: Claim, stage: str) -> None:
    """For the records and the page; changes no state, so it needs no fence: the attempt is this claim's alone."""
    Attempt.objects.filter(pk=claim.attempt_id).update(stage=stage)


def note_renderer(claim: Claim, pid: int) -> None:
    Attempt.objects.filter(pk=claim.attempt_id).update(renderer_pid=pid)


# --- how it ends ---------------------------------------------------------------------------------------------------


# --- when the time is up -------------------------------------------------------------------------------------------
