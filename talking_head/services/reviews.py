"""The staff's actions on a job: retry it, cancel it, mark it as reviewed. Each action is recorded with its actor, its
reason and the values before and after, in a row that never changes.

The actor passes the version of the job that they saw (``seen``: its ``review_seq``). If another actor has acted since,
nothing happens and :class:`~talking_head.errors.OptionError` ``acted_meanwhile`` says what they did: two people who
press the same button at the same time create one new video, not two.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Now

from talking_head.errors import OptionError
from talking_head.models import (
    ACTIVE_JOB_STATES,
    REVIEWABLE_JOB_STATES,
    WATCHABLE_JOB_STATES,
    ActionVerb,
    Job,
    JobAction,
)
from talking_head.profiles import Profile, faster_than
from talking_head.services.jobs import cancel_job, retry_job

REASON_CHARACTERS = 1_000
PERMISSIONS: dict[str, str] = {
    ActionVerb.RETRY: "talking_head.retry_job",
    ActionVerb.RETRY_FASTER: "talking_head.retry_job_faster",
    ActionVerb.CANCEL: "talking_head.cancel_job",
    ActionVerb.REVIEW: "talking_head.review_job",
    ActionVerb.REOPEN: "talking_head.review_job",
}


def may_act(actor: User, verb: str) -> bool:
    return actor.is_active and actor.is_staff and actor.has_perm(PERMISSIONS[verb])


def possible_verbs(job: Job) -> list[str]:
    """Return the actions that make sense in the job's current state, regardless of permissions."""
    if job.is_active:
        return [ActionVerb.CANCEL]
    verbs: list[str] = []
    if successor_of(job) is None:
        verbs += [ActionVerb.RETRY] + ([ActionVerb.RETRY_FASTER] if faster_profile(job) else [])
    if job.state in REVIEWABLE_JOB_STATES:
        verbs.append(ActionVerb.REOPEN if job.reviewed_at else ActionVerb.REVIEW)
    return verbs


def faster_profile(job: Job) -> Profile | None:
    """Return the profile that "retry faster" would use, or None."""
    return faster_than(job.profile)


def successor_of(job: Job) -> Job | None:
    """Return the newest retry that is being rendered or can be watched, or None: with one, another retry would render
    the same video twice. A retry that failed or was cancelled does not count."""
    states = (*ACTIVE_JOB_STATES, *WATCHABLE_JOB_STATES)
    action = job.actions.filter(new_job__state__in=states).select_related("new_job").first()
    return action.new_job if action else None


def act(job: Job, verb: str, actor: User, *, seen: int, reason: str = "") -> Job:
    """Perform one of :class:`ActionVerb` and record it. Return the job that it leads to: the new job of a retry,
    otherwise ``job``, refreshed. The caller checks the actor's permission (:func:`may_act`).

    Raises:
        OptionError: ``acted_meanwhile``, ``already_retried``, ``no_faster_profile``, ``job_active``, ``job_ended``,
            ``not_reviewable``, ``already_reviewed``, ``not_reviewed``, ``reason_missing``; nothing happened.
            Also everything that :func:`~talking_head.services.jobs.submit_job` raises.
    """
    job.refresh_from_db()
    _refuse_outdated_version(job, seen)
    if verb in (ActionVerb.RETRY, ActionVerb.RETRY_FASTER):
        return _retry(job, verb, actor, seen, reason)
    if verb == ActionVerb.CANCEL:
        return _cancel(job, actor, seen, reason)
    return _review(job, verb, actor, seen, reason.strip())


def _retry(job: Job, verb: str, actor: User, seen: int, reason: str) -> Job:
    if job.is_active:
        raise OptionError(
            "This video is still being rendered.", code="job_active", hint="Wait until it ends, or cancel it first."
        )
    if successor_of(job) is not None:
        raise OptionError(
            "This video has already been retried.", code="already_retried", hint="Look at the newer video instead."
        )
    faster = faster_profile(job) if verb == ActionVerb.RETRY_FASTER else None
    if verb == ActionVerb.RETRY_FASTER and faster is None:
        raise OptionError(
            "No profile is faster than this one.", code="no_faster_profile", hint="Retry with the same profile."
        )
    # The new job is created first, because checking a request takes too long for a transaction that others wait for.
    # Actors who saw the same version use the same key and get the same job, and only one of them is recorded below.
    new_job = retry_job(job, profile=faster.name if faster else None, idempotency_key=f"retry:{job.pk}:{seen}")
    with transaction.atomic():
        _advance_version(job, seen)
        _record(job, verb, actor, reason, new_job)
    return new_job


def _cancel(job: Job, actor: User, seen: int, reason: str) -> Job:
    with transaction.atomic():
        _advance_version(job, seen)
        if not cancel_job(job):
            raise OptionError("This video has already ended.", code="job_ended", hint="Look at its result.")
        _record(job, ActionVerb.CANCEL, actor, reason)
    return job


def _review(job: Job, verb: str, actor: User, seen: int, reason: str) -> Job:
    is_mark = verb == ActionVerb.REVIEW
    if job.state not in REVIEWABLE_JOB_STATES:
        raise OptionError("Only failed videos and videos with fallbacks can be reviewed.", code="not_reviewable")
    if is_mark and job.reviewed_at:
        raise OptionError("This failure has already been reviewed.", code="already_reviewed")
    if not is_mark and not job.reviewed_at:
        raise OptionError("This failure has not been reviewed.", code="not_reviewed")
    if is_mark and not reason:
        raise OptionError("A reason is missing.", code="reason_missing", hint="Describe briefly what you found or did.")
    with transaction.atomic():
        _advance_version(job, seen, reviewed_at=Now() if is_mark else Value(None))
        _record(job, verb, actor, reason)
    return job


def _advance_version(job: Job, seen: int, **values: Any) -> None:
    """Increment ``review_seq`` and set ``values``, in the caller's transaction: of the actors who saw the same version,
    only the first succeeds."""
    if not Job.objects.filter(pk=job.pk, review_seq=seen).update(review_seq=F("review_seq") + 1, **values):
        job.refresh_from_db()
        _refuse_outdated_version(job, seen)


def _refuse_outdated_version(job: Job, seen: int) -> None:
    if job.review_seq == seen:
        return
    last = job.actions.first()
    change = f"{last.actor_name} did this: {last.get_verb_display().lower()}." if last else "It was changed."
    raise OptionError(
        f"This video has changed since you opened the page. {change}",
        code="acted_meanwhile",
        hint="Reload the page before you act.",
    )


def _record(job: Job, verb: str, actor: User, reason: str, new_job: Job | None = None) -> None:
    before = _audited_values(job)
    job.refresh_from_db()
    after = _audited_values(job)
    if new_job is not None:
        after |= {"new_job": str(new_job.pk), "new_profile": new_job.profile}
    JobAction.objects.create(
        job=job,
        job_number=job.pk,
        actor=actor,
        actor_name=actor.get_username(),
        verb=verb,
        reason=reason[:REASON_CHARACTERS],
        before=before,
        after=after,
        new_job=new_job,
    )


def _audited_values(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "profile": job.profile,
        "error_code": job.error_code,
        "reviewed": job.reviewed_at is not None,
    }
