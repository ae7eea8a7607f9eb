"""Whose turn is it, and what becomes of a clip: claiming, renewing, finishing, failing, and taking back from the lost.

A clip is claimed for a lease that its supervisor renews. Each claim raises the clip's fence, and every later write of
that claim carries it: a worker that was away too long (stopped, swapped out, cut off) finds that its writes hit 0 rows.
What a claim costs in trust is written down *before* the work starts (the attempt's row, the crash counter), because a
worker that dies cannot write it afterwards.
"""

from __future__ import annotations

import logging
import random
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from talking_head.errors import OUT_OF_MEMORY, RendererError, TalkingHeadError
from talking_head.jobs import claim_sql as claim_statement
from talking_head.jobs import queue as line
from talking_head.jobs.claim import JOB_TIMEOUT, Claim, Failure, Usage, claim_of, job_timeout_error
from talking_head.jobs.state_machine import (
    MAX_CRASHES,
    Superseded,
    all_or_nothing,
    fail_within,
    move_clip,
    move_clips,
    move_job,
    seconds_from_now,
    touch_running_job,
)
from talking_head.live import snapshots as progress
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from talking_head.pipeline.requests import ClipResult
from talking_head.timing import timing

logger = logging.getLogger(__name__)

MAX_FAILURES = 3  # orderly ones of one clip in one form
DISORDERLY = (AttemptOutcome.CRASHED, AttemptOutcome.TIMEOUT, AttemptOutcome.LOST)
FRESH_STAND_IN = {"is_fallback": True, "crashes": 0, "failures": 0, "not_before": None}


# --- claiming ------------------------------------------------------------------------------------------------------


def claim_clip(worker: str, *, job_id: UUID | None = None, only_short: bool = False) -> Claim | None:
    """The next clip for ``worker`` (its name, for the records), or None when nothing can be claimed now; with
    ``only_short`` only of short jobs (see :mod:`talking_head.worker.slots`)."""
    if connection.vendor == "postgresql":
        return _take_at_once(worker, job_id, only_short)
    taken: list[Claim] = []
    _take_in_steps(worker, job_id, only_short, taken)
    return taken[0] if taken else None


def is_anything_claimable(job_id: UUID | None = None) -> bool:
    return line.waiting(job_id=job_id).exists()


def _take_at_once(worker: str, job_id: UUID | None, only_short: bool) -> Claim | None:
    taken = claim_statement.take(worker, timing().lease_seconds, job_id=job_id, only_short=only_short)
    if taken is None:
        return None
    progress.clip_changed(taken.clip.job_id, taken.clip.index)
    return claim_of(taken.clip, taken.attempt_id, taken.now)


@all_or_nothing
def _take_in_steps(worker: str, job_id: UUID | None, only_short: bool, taken: list[Claim]) -> None:
    """On SQLite, where a transaction excludes all others from its beginning: what is first in line stays first."""
    clip = line.waiting(job_id=job_id, only_short=only_short).first()
    if clip is None:
        raise Superseded
    _enter_job(clip.job_id)
    move_clip(
        clip.pk,
        "claim",
        Q(fence=clip.fence),
        fence=F("fence") + 1,
        crashes=F("crashes") + 1,
        leased_by=worker,
        lease_expires_at=seconds_from_now(timing().lease_seconds),
    )
    attempt = Attempt.objects.create(clip=clip, fence=clip.fence + 1, worker=worker, form=clip.form)
    progress.clip_changed(clip.job_id, clip.index)
    clip = Clip.objects.select_related("job").annotate(now=Now()).get(pk=clip.pk)
    taken.append(claim_of(clip, attempt.pk, clip.now))


def _enter_job(job_id: UUID) -> None:
    """Starts the job, and with it its time, or joins those who work on it already.

    Raises:
        Superseded: it ended, or its clips are all done.
    """
    timeout_seconds = Job.objects.values_list("timeout_seconds", flat=True).get(pk=job_id)
    try:
        move_job(job_id, "start", started_at=Now(), deadline_at=seconds_from_now(timeout_seconds))
    except Superseded:
        touch_running_job(job_id)


# --- while it lasts ------------------------------------------------------------------------------------------------


def renew_lease(claim: Claim) -> bool:
    """False when the clip is no longer this claim's: stop working on it."""
    mine = Clip.objects.filter(claim.holds, pk=claim.clip_id, state=ClipState.LEASED)
    return bool(mine.update(lease_expires_at=seconds_from_now(timing().lease_seconds)))


def still_wanted(claim: Claim) -> bool:
    """Whether the claim still holds and its job still runs (not cancelled, not failed, not deleted)."""
    mine = Clip.objects.filter(claim.holds, pk=claim.clip_id, state=ClipState.LEASED, job__state=JobState.RUNNING)
    return mine.exists()


def note_stage(claim: Claim, stage: str) -> None:
    """For the records and the page; changes no state, so it needs no fence: the attempt is this claim's alone."""
    Attempt.objects.filter(pk=claim.attempt_id).update(stage=stage)


def note_renderer(claim: Claim, pid: int) -> None:
    Attempt.objects.filter(pk=claim.attempt_id).update(renderer_pid=pid)


# --- how it ends ---------------------------------------------------------------------------------------------------


@all_or_nothing
def finish_clip(claim: Claim, result: ClipResult, usage: Usage) -> None:
    """The clip is rendered and in the cache."""
    touch_running_job(claim.job_id)
    move_clip(
        claim.clip_id,
        "finish",
        claim.holds,
        crashes=F("crashes") - 1,
        cached=result.cached,
        clip_key=result.clip_key,
        take_key=result.take_key,
        video_seconds=result.video_seconds,
        render_seconds=usage.wall_seconds,
        stages=result.stages,
        result=result.to_json(),
        not_before=None,
    )
    _end_attempt(claim.attempt_id, AttemptOutcome.DONE, usage=usage)
    progress.clip_changed(claim.job_id, claim.index)


@all_or_nothing
def release_clip(claim: Claim, outcome: AttemptOutcome, usage: Usage | None = None) -> None:
    """Gives the clip back unharmed: the worker stops, or the job ended meanwhile. Counts as nobody's fault."""
    is_running = _touch_job(claim.job_id)
    move_clip(claim.clip_id, "release", claim.holds, crashes=F("crashes") - 1, **_place(is_running))
    code = "cancelled" if outcome == AttemptOutcome.CANCELLED else ""
    _end_attempt(claim.attempt_id, outcome, code=code, usage=usage)
    progress.clip_changed(claim.job_id, claim.index)


def fail_clip(claim: Claim, failure: Failure, usage: Usage | None = None) -> bool:
    """The attempt failed: another try, a stand-in, or the end of the job, as the failure deserves. False when the
    clip was no longer this claim's, and then nothing changed."""
    return _fail(claim.clip_id, claim.job_id, claim.holds, failure, usage)


def reap_expired_leases() -> int:
    """Takes clips back from workers that no longer renew; returns how many."""
    error = RendererError("The worker that rendered this sentence went away.", code="worker_lost")
    expired = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__lt=Now())
    reaped = 0
    for clip_id, job_id, index, fence in expired.values_list("pk", "job_id", "index", "fence"):
        holds = Q(fence=fence, lease_expires_at__lt=Now())
        if _fail(clip_id, job_id, holds, Failure(error, AttemptOutcome.LOST), None):
            about = {"job": job_id, "clip": index, "attempt": fence, "code": error.code}
            logger.warning("the clip is taken back from a worker that no longer renews", extra=about)
            reaped += 1
    return reaped


@all_or_nothing
def _fail(clip_id: int, job_id: UUID, holds: Q, failure: Failure, usage: Usage | None) -> None:
    is_running = _touch_job(job_id)
    clip = Clip.objects.select_related("job").filter(holds, pk=clip_id, state=ClipState.LEASED).first()
    if clip is None:
        raise Superseded
    attempt = Attempt.objects.filter(clip=clip_id, fence=clip.fence).values_list("pk", flat=True).get()
    error = failure.error
    _end_attempt(attempt, failure.outcome, error.code, error.message, failure.log_tail, usage)
    if not is_running:
        move_clip(clip_id, "release", holds, **_place(is_running))
    elif _may_try_smaller(clip, failure):
        move_clip(clip_id, "retry_smaller", holds, is_smaller=True, not_before=None, **_after(failure))
    elif _may_try_again(clip, failure):
        _try_again(clip, holds, failure)
    elif not clip.is_fallback:
        _make_stand_in(clip, holds, error if failure.outcome not in DISORDERLY else _poisoned(clip, error))
    else:
        move_clip(clip_id, "give_up", holds, **_described(error))
        fail_within(job_id, error)
    progress.clip_changed(job_id, clip.index)


def _touch_job(job_id: UUID) -> bool:
    """Counts a change that watchers can see, and locks the job's row; whether it still runs."""
    Job.objects.filter(pk=job_id).update(seq=F("seq") + 1)
    return Job.objects.filter(pk=job_id, state=JobState.RUNNING).exists()


def _place(is_running: bool) -> dict[str, Any]:
    """Of a clip that comes back: its old one, or none when nobody waits for it any more."""
    return {} if is_running else {"turn": None}


def _may_try_smaller(clip: Clip, failure: Failure) -> bool:
    return failure.error.code == OUT_OF_MEMORY and not clip.is_smaller and not clip.is_fallback


def _may_try_again(clip: Clip, failure: Failure) -> bool:
    if failure.error.code == OUT_OF_MEMORY and not clip.is_fallback:
        return False  # it was drawn smaller already
    if failure.outcome in DISORDERLY:
        return clip.crashes < MAX_CRASHES and failure.error.code != JOB_TIMEOUT
    return not failure.error.permanent and clip.failures + 1 < MAX_FAILURES


def _try_again(clip: Clip, holds: Q, failure: Failure) -> None:
    is_crash = failure.outcome in DISORDERLY
    tries = clip.crashes if is_crash else clip.failures + 1
    # Jittered, so that clips that failed together (a full disk, a stopped server) do not come back together.
    wait_seconds = timing().backoff_seconds * 2 ** (tries - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    move_clip(clip.pk, "retry", holds, not_before=seconds_from_now(wait_seconds), **_after(failure))


def _after(failure: Failure) -> dict[str, Any]:
    """The counters: who ended orderly takes back the crash that was written down beforehand."""
    return {} if failure.outcome in DISORDERLY else {"failures": F("failures") + 1, "crashes": F("crashes") - 1}


def _make_stand_in(clip: Clip, holds: Q, error: TalkingHeadError) -> None:
    move_clip(clip.pk, "stand_in", holds, **FRESH_STAND_IN, **_described(error))


def _poisoned(clip: Clip, error: TalkingHeadError) -> TalkingHeadError:
    """What to say of a clip that keeps ending its renderer."""
    if error.code in (JOB_TIMEOUT, OUT_OF_MEMORY) or clip.crashes < MAX_CRASHES:
        return error
    return RendererError(
        f"This sentence could not be rendered: {error.message[:1].lower()}{error.message[1:]}",
        code="clip_timeout" if error.code == "clip_timeout" else "poisoned",
        hint=error.hint or "Rephrase the sentence, or try another profile.",
    )


def _described(error: TalkingHeadError) -> dict[str, str]:
    return {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}


def _end_attempt(
    attempt_id: int, outcome: AttemptOutcome, code: str = "", message: str = "", log_tail: str = "",
    usage: Usage | None = None,
) -> None:  # fmt: skip
    usage = usage or Usage()
    Attempt.objects.filter(pk=attempt_id, finished_at=None).update(
        finished_at=Now(),
        outcome=outcome,
        error_code=code,
        error_message=message,
        log_tail=log_tail,
        cpu_seconds=usage.cpu_seconds,
        wall_seconds=usage.wall_seconds,
        rss_peak_bytes=usage.rss_peak_bytes,
        gpu=usage.gpu,
    )


# --- when the time is up -------------------------------------------------------------------------------------------


def expire_deadlines() -> int:
    """Turns what is still waiting in jobs whose time is up into stand-ins; returns how many jobs that concerned. Clips
    that are being rendered are stopped by their own supervisors, which know the deadline."""
    late = Clip.objects.filter(state=ClipState.WAITING, is_fallback=False)
    jobs = Job.objects.filter(Exists(late.filter(job=OuterRef("pk"))), state=JobState.RUNNING, deadline_at__lt=Now())
    expired = [job for job in jobs if _expire(job)]
    for job in expired:
        logger.warning("the job's time is up", extra={"job": job.pk, "code": JOB_TIMEOUT})
    return len(expired)


@all_or_nothing
def _expire(job: Job) -> None:
    touch_running_job(job.pk)
    waiting = Clip.objects.filter(job=job, state=ClipState.WAITING, is_fallback=False)
    move_clips(waiting, "stand_in", **FRESH_STAND_IN, **_described(job_timeout_error(job)))
    progress.job_changed(job.pk)
