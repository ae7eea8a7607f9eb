"""How an attempt ends: finished, given back, failed, lost, or out of time, and what the clip becomes."""

from __future__ import annotations

import logging
import random
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from talking_head.errors import OUT_OF_MEMORY, RendererError, TalkingHeadError
from talking_head.jobs.claim import JOB_TIMEOUT, AttemptFailure, Claim, Usage, job_timeout_error
from talking_head.jobs.state_machine import (
    MAX_CRASHES,
    LostRace,
    atomic_transition,
    fail_job,
    seconds_from_now,
    touch_running_job,
    transition_clip,
    transition_clips,
)
from talking_head.live import events
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from talking_head.pipeline.requests import ClipResult
from talking_head.timing import timing

logger = logging.getLogger(__name__)

MAX_FAILURES = 3  # orderly ones of one clip in one form
CRASH_OUTCOMES = (AttemptOutcome.CRASHED, AttemptOutcome.TIMEOUT, AttemptOutcome.LOST)
FALLBACK_RESET = {"is_fallback": True, "crashes": 0, "failures": 0, "not_before": None}


@atomic_transition
def finish_clip(claim: Claim, result: ClipResult, usage: Usage) -> None:
    """The clip is rendered and in the cache."""
    touch_running_job(claim.job_id)
    transition_clip(
        claim.clip_id,
        "finish",
        claim.fence_q,
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
    events.notify_clip_changed(claim.job_id, claim.index)


@atomic_transition
def release_clip(claim: Claim, outcome: AttemptOutcome, usage: Usage | None = None) -> None:
    """Gives the clip back unharmed: the worker stops, or the job ended meanwhile. Counts as nobody's fault."""
    is_running = _touch_job(claim.job_id)
    transition_clip(claim.clip_id, "release", claim.fence_q, crashes=F("crashes") - 1, **_requeue_fields(is_running))
    code = "cancelled" if outcome == AttemptOutcome.CANCELLED else ""
    _end_attempt(claim.attempt_id, outcome, code=code, usage=usage)
    events.notify_clip_changed(claim.job_id, claim.index)


def fail_clip(claim: Claim, failure: AttemptFailure, usage: Usage | None = None) -> bool:
    """The attempt failed: another try, a stand-in, or the end of the job, as the failure deserves. False when the
    clip was no longer this claim's, and then nothing changed."""
    return _fail(claim.clip_id, claim.job_id, claim.fence_q, failure, usage)


def reap_expired_leases() -> int:
    """Takes clips back from workers that no longer renew; returns how many."""
    error = RendererError("The worker that rendered this sentence went away.", code="worker_lost")
    expired = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__lt=Now())
    reaped = 0
    for clip_id, job_id, index, fence in expired.values_list("pk", "job_id", "index", "fence"):
        holds = Q(fence=fence, lease_expires_at__lt=Now())
        if _fail(clip_id, job_id, holds, AttemptFailure(error, AttemptOutcome.LOST), None):
            about = {"job": job_id, "clip": index, "attempt": fence, "code": error.code}
            logger.warning("the clip is taken back from a worker that no longer renews", extra=about)
            reaped += 1
    return reaped


@atomic_transition
def _fail(clip_id: int, job_id: UUID, holds: Q, failure: AttemptFailure, usage: Usage | None) -> None:
    is_running = _touch_job(job_id)
    clip = Clip.objects.select_related("job").filter(holds, pk=clip_id, state=ClipState.LEASED).first()
    if clip is None:
        raise LostRace
    attempt = Attempt.objects.filter(clip=clip_id, fence=clip.fence).values_list("pk", flat=True).get()
    error = failure.error
    _end_attempt(attempt, failure.outcome, error.code, error.message, failure.log_tail, usage)
    if not is_running:
        transition_clip(clip_id, "release", holds, **_requeue_fields(is_running))
    elif _may_retry_at_half_resolution(clip, failure):
        transition_clip(
            clip_id,
            "retry_at_half_resolution",
            holds,
            is_half_resolution=True,
            not_before=None,
            **_failure_counters(failure),
        )
    elif _may_retry(clip, failure):
        _retry(clip, holds, failure)
    elif not clip.is_fallback:
        _fall_back(clip, holds, error if failure.outcome not in CRASH_OUTCOMES else _poison_error(clip, error))
    else:
        transition_clip(clip_id, "give_up", holds, **_error_fields(error))
        fail_job(job_id, error)
    events.notify_clip_changed(job_id, clip.index)


def _touch_job(job_id: UUID) -> bool:
    """Counts a change that watchers can see, and locks the job's row; whether it still runs."""
    Job.objects.filter(pk=job_id).update(seq=F("seq") + 1)
    return Job.objects.filter(pk=job_id, state=JobState.RUNNING).exists()


def _requeue_fields(is_running: bool) -> dict[str, Any]:
    """Of a clip that comes back: its old one, or none when nobody waits for it any more."""
    return {} if is_running else {"turn": None}


def _may_retry_at_half_resolution(clip: Clip, failure: AttemptFailure) -> bool:
    return failure.error.code == OUT_OF_MEMORY and not clip.is_half_resolution and not clip.is_fallback


def _may_retry(clip: Clip, failure: AttemptFailure) -> bool:
    if failure.error.code == OUT_OF_MEMORY and not clip.is_fallback:
        return False  # it was drawn smaller already
    if failure.outcome in CRASH_OUTCOMES:
        return clip.crashes < MAX_CRASHES and failure.error.code != JOB_TIMEOUT
    return not failure.error.permanent and clip.failures + 1 < MAX_FAILURES


def _retry(clip: Clip, holds: Q, failure: AttemptFailure) -> None:
    is_crash = failure.outcome in CRASH_OUTCOMES
    tries = clip.crashes if is_crash else clip.failures + 1
    # Jittered, so that clips that failed together (a full disk, a stopped server) do not come back together.
    wait_seconds = timing().backoff_seconds * 2 ** (tries - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    transition_clip(clip.pk, "retry", holds, not_before=seconds_from_now(wait_seconds), **_failure_counters(failure))


def _failure_counters(failure: AttemptFailure) -> dict[str, Any]:
    """The counters: who ended orderly takes back the crash that was written down beforehand."""
    return {} if failure.outcome in CRASH_OUTCOMES else {"failures": F("failures") + 1, "crashes": F("crashes") - 1}


def _fall_back(clip: Clip, holds: Q, error: TalkingHeadError) -> None:
    transition_clip(clip.pk, "fall_back", holds, **FALLBACK_RESET, **_error_fields(error))


def _poison_error(clip: Clip, error: TalkingHeadError) -> TalkingHeadError:
    """What to say of a clip that keeps ending its renderer."""
    if error.code in (JOB_TIMEOUT, OUT_OF_MEMORY) or clip.crashes < MAX_CRASHES:
        return error
    return RendererError(
        f"This sentence could not be rendered: {error.message[:1].lower()}{error.message[1:]}",
        code="clip_timeout" if error.code == "clip_timeout" else "poisoned",
        hint=error.hint or "Rephrase the sentence, or try another profile.",
    )


def _error_fields(error: TalkingHeadError) -> dict[str, str]:
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


def expire_deadlines() -> int:
    """Turns what is still waiting in jobs whose time is up into stand-ins; returns how many jobs that concerned. Clips
    that are being rendered are stopped by their own supervisors, which know the deadline."""
    late = Clip.objects.filter(state=ClipState.WAITING, is_fallback=False)
    jobs = Job.objects.filter(Exists(late.filter(job=OuterRef("pk"))), state=JobState.RUNNING, deadline_at__lt=Now())
    expired = [job for job in jobs if _expire(job)]
    for job in expired:
        logger.warning("the job's time is up", extra={"job": job.pk, "code": JOB_TIMEOUT})
    return len(expired)


@atomic_transition
def _expire(job: Job) -> None:
    touch_running_job(job.pk)
    waiting = Clip.objects.filter(job=job, state=ClipState.WAITING, is_fallback=False)
    transition_clips(waiting, "fall_back", **FALLBACK_RESET, **_error_fields(job_timeout_error(job)))
    events.notify_job_changed(job.pk)
