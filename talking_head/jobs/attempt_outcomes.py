"""The ends of an attempt (finished, released, failed, lost, timed out) and what each of them does to the clip."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from talking_head.errors import OUT_OF_MEMORY, RendererError, TalkingHeadError
from talking_head.jobs import outside_causes, row_guard, worked_time
from talking_head.jobs.claim import JOB_TIMEOUT, AttemptFailure, Claim, Usage, job_timeout_error
from talking_head.jobs.outside_causes import MAX_INTERRUPTIONS
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

logger = logging.getLogger(__name__)

REPHRASE = "Rephrase the sentence, or try another profile."
MAX_FAILURES = 3  # other than crashes, of one clip in one form
CRASH_OUTCOMES = (AttemptOutcome.CRASHED, AttemptOutcome.TIMEOUT, AttemptOutcome.LOST)
FALLBACK_RESET = {"is_fallback": True, "crashes": 0, "failures": 0, "interruptions": 0, "not_before": None}


@atomic_transition
def finish_clip(claim: Claim, result: ClipResult, usage: Usage) -> None:
    """Record that the clip is rendered and in the cache."""
    touch_running_job(claim.job_id)
    worked_time.count(claim.job_id, claim.clip_id, claim.fence_q)
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
    """Release the clip because the worker stops or the job has ended; this counts neither as a crash nor a failure."""
    is_running = _touch_job(claim.job_id)
    worked_time.count(claim.job_id, claim.clip_id, claim.fence_q)
    transition_clip(claim.clip_id, "release", claim.fence_q, crashes=F("crashes") - 1, **_requeue_fields(is_running))
    code = "cancelled" if outcome == AttemptOutcome.CANCELLED else ""
    _end_attempt(claim.attempt_id, outcome, code=code, usage=usage)
    events.notify_clip_changed(claim.job_id, claim.index)


def fail_clip(claim: Claim, failure: AttemptFailure, usage: Usage | None = None) -> bool:
    """Record a failed attempt and retry the clip, fall back, or end the job, depending on the failure. Return False,
    with nothing changed, when the clip is no longer this claim's."""
    return _fail(claim.clip_id, claim.job_id, claim.fence_q, failure, usage)


def reap_expired_leases() -> int:
    """Take clips back from workers that no longer renew their leases; return how many."""
    error = RendererError("The worker that was rendering this sentence stopped responding.", code="worker_lost")
    expired = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__lt=Now())
    rows = expired.values_list("pk", "job_id", "index", "fence")
    return row_guard.each_alone("reap", rows, lambda row: row[0], lambda row: _reap(*row, error))


def _reap(clip_id: int, job_id: UUID, index: int, fence: int, error: RendererError) -> bool:
    is_expired = Q(fence=fence, lease_expires_at__lt=Now())
    if not _fail(clip_id, job_id, is_expired, AttemptFailure(error, AttemptOutcome.LOST, is_outside=True), None):
        return False
    extra = {"job": job_id, "clip": index, "attempt": fence, "code": error.code}
    logger.warning("the clip was taken back from a worker that no longer renews its lease", extra=extra)
    return True


@atomic_transition
def _fail(clip_id: int, job_id: UUID, condition: Q, failure: AttemptFailure, usage: Usage | None) -> None:
    is_running = _touch_job(job_id)
    worked_time.count(job_id, clip_id, condition)
    clip = Clip.objects.select_related("job").filter(condition, pk=clip_id, state=ClipState.LEASED).first()
    if clip is None:
        raise LostRace
    error = failure.error
    _end_attempt(_attempt_of(clip), failure.outcome, error.code, error.message, failure.log_tail, usage)
    if not is_running:
        transition_clip(clip_id, "release", condition, **_requeue_fields(is_running))
    elif _may_retry_at_half_resolution(clip, failure):
        transition_clip(
            clip_id,
            "retry_at_half_resolution",
            condition,
            is_half_resolution=True,
            not_before=None,
            **_failure_counters(failure),
        )
    elif _may_retry(clip, failure):
        _retry(clip, condition, failure)
    elif not clip.is_fallback:
        _fall_back(clip, condition, error if failure.outcome not in CRASH_OUTCOMES else _poison_error(clip, error))
    else:
        transition_clip(clip_id, "give_up", condition, **_error_fields(error))
        fail_job(job_id, error)
    events.notify_clip_changed(job_id, clip.index)


def _attempt_of(clip: Clip) -> int:
    """Return the id of the attempt that holds a leased clip; of one that is missing, write a record now."""
    attempts = Attempt.objects.filter(clip=clip, fence=clip.fence).order_by("pk").values_list("pk", flat=True)
    attempt_id = attempts.first()
    if attempt_id is None:
        attempt_id = Attempt.objects.create(clip=clip, fence=clip.fence, worker=clip.leased_by, form=clip.form).pk
    return attempt_id


def _touch_job(job_id: UUID) -> bool:
    """Count a change that viewers can see and lock the job's row; return whether the job still runs."""
    Job.objects.filter(pk=job_id).update(seq=F("seq") + 1)
    return Job.objects.filter(pk=job_id, state=JobState.RUNNING).exists()


def _requeue_fields(is_running: bool) -> dict[str, Any]:
    """Return the queue fields of a requeued clip: it keeps its start tag, or has none when its job has ended."""
    return {} if is_running else {"turn": None}


def _may_retry_at_half_resolution(clip: Clip, failure: AttemptFailure) -> bool:
    return failure.error.code == OUT_OF_MEMORY and not clip.is_half_resolution and not clip.is_fallback


def _may_retry(clip: Clip, failure: AttemptFailure) -> bool:
    if failure.error.code == OUT_OF_MEMORY and not clip.is_fallback:
        return False  # it was rendered at half resolution already
    if _is_outside(failure):
        return clip.interruptions + 1 < MAX_INTERRUPTIONS
    if failure.outcome in CRASH_OUTCOMES:
        return clip.crashes < MAX_CRASHES and failure.error.code != JOB_TIMEOUT
    return not failure.error.permanent and clip.failures + 1 < MAX_FAILURES


def _is_outside(failure: AttemptFailure) -> bool:
    """Return whether the sentence had no part in the failure, so that trying again later may help."""
    return failure.is_outside or outside_causes.is_outside(failure.error)


def _retry(clip: Clip, condition: Q, failure: AttemptFailure) -> None:
    if _is_outside(failure):
        wait_seconds = outside_causes.interruption_backoff_seconds(clip.interruptions)
    else:
        failures = clip.crashes if failure.outcome in CRASH_OUTCOMES else clip.failures + 1
        wait_seconds = outside_causes.backoff_seconds(failures)
    transition_clip(
        clip.pk, "retry", condition, not_before=seconds_from_now(wait_seconds), **_failure_counters(failure)
    )


def _failure_counters(failure: AttemptFailure) -> dict[str, Any]:
    """Return the counter updates; an outside cause, or a failure other than a crash, takes back the crash that was
    counted beforehand."""
    if _is_outside(failure):
        return {"interruptions": F("interruptions") + 1, "crashes": F("crashes") - 1}
    return {} if failure.outcome in CRASH_OUTCOMES else {"failures": F("failures") + 1, "crashes": F("crashes") - 1}


def _fall_back(clip: Clip, condition: Q, error: TalkingHeadError) -> None:
    transition_clip(clip.pk, "fall_back", condition, **FALLBACK_RESET, **_error_fields(error))


def _poison_error(clip: Clip, error: TalkingHeadError) -> TalkingHeadError:
    """Return the error for a clip that keeps crashing its renderer."""
    is_worn_out = clip.crashes >= MAX_CRASHES or clip.interruptions + 1 >= MAX_INTERRUPTIONS
    if error.code in (JOB_TIMEOUT, OUT_OF_MEMORY) or not is_worn_out:
        return error
    return RendererError(
        f"This sentence could not be rendered: {error.message[:1].lower()}{error.message[1:]}",
        code="clip_timeout" if error.code == "clip_timeout" else "poisoned",
        hint=error.hint if error.hint not in ("", RendererError.default_hint) else REPHRASE,
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
    """Turn the waiting clips of jobs that have used up their time into fallbacks; return the number of these jobs.
    Clips that are being rendered are stopped by their own supervisors, which know the time that is left."""
    unfinished = Clip.objects.filter(state=ClipState.WAITING, is_fallback=False)
    jobs = Job.objects.filter(
        Exists(unfinished.filter(job=OuterRef("pk"))), state=JobState.RUNNING, worked_seconds__gte=F("timeout_seconds")
    )
    return row_guard.each_alone("expire", jobs, lambda job: job.pk, _expire_and_log)


def _expire_and_log(job: Job) -> bool:
    if not _expire(job):
        return False
    logger.warning("the job has used up its time", extra={"job": job.pk, "code": JOB_TIMEOUT})
    return True


def fail_empty_jobs() -> int:
    """Fail the jobs without clips that wait for no recording: nothing would ever happen to them. Return how many."""
    error = RendererError("This video has no sentences to render.", code="no_sentences", hint="Request it again.")
    empty = Job.objects.filter(state__in=(JobState.QUEUED, JobState.RUNNING), clips=None, narration_digest="")
    return row_guard.each_alone("empty", empty, lambda job: job.pk, lambda job: _fail_empty(job.pk, error))


@atomic_transition
def _fail_empty(job_id: UUID, error: TalkingHeadError) -> None:
    fail_job(job_id, error, Q(clips=None))


@atomic_transition
def _expire(job: Job) -> None:
    touch_running_job(job.pk)
    waiting = Clip.objects.filter(job=job, state=ClipState.WAITING, is_fallback=False)
    transition_clips(waiting, "fall_back", **FALLBACK_RESET, **_error_fields(job_timeout_error(job)))
    events.notify_job_changed(job.pk)
