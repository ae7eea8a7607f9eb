"""The state machine of jobs and clips: one table, and the only functions that change a state.

Every change is one conditional UPDATE that names its source states (and, for a worker that holds a lease, the fence of
that lease). 0 rows mean that another process was faster: nothing changed, and the caller must stop. Two rules keep
concurrent changes apart: a transaction touches the job's row first and its clips after it (one order, no deadlock), and
time is always the database's own (``Now()``), so a worker with a wrong clock does no harm.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ParamSpec
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from talking_head.errors import TalkingHeadError
from talking_head.jobs import outbox
from talking_head.live import events
from talking_head.models import ACTIVE_JOB_STATES, TERMINAL_JOB_STATES, Clip, ClipState, Job, JobState

logger = logging.getLogger(__name__)

MAX_CRASHES = 2  # of one clip in one form, or of publishing one job: then the work itself must be the cause
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table: the verb, the source states, the target state, and when the transition happens."""

    verb: str
    sources: tuple[str, ...]
    target: str
    when: str


JOB_TRANSITIONS = {
    transition.verb: transition
    for transition in (
        Transition("start", (JobState.QUEUED,), JobState.RUNNING, "its first clip is claimed"),
        Transition("begin_publishing", (JobState.RUNNING,), JobState.PUBLISHING, "its last clip is done"),
        Transition(
            "take_over_publishing", (JobState.PUBLISHING,), JobState.PUBLISHING, "its publisher's lease expired"
        ),
        Transition(
            "render_again",
            (JobState.PUBLISHING,),
            JobState.RUNNING,
            "a finished clip is missing from the cache or damaged",
        ),
        Transition(
            "complete", (JobState.PUBLISHING,), JobState.COMPLETED, "the video is published, every clip as requested"
        ),
        Transition(
            "complete_with_fallback",
            (JobState.PUBLISHING,),
            JobState.FALLBACK,
            "the video is published with fallback clips",
        ),
        Transition("fail", ACTIVE_JOB_STATES, JobState.FAILED, "not even a fallback can be rendered"),
        Transition("cancel", ACTIVE_JOB_STATES, JobState.CANCELLED, "the owner or an administrator cancels it"),
    )
}
CLIP_TRANSITIONS = {
    transition.verb: transition
    for transition in (
        Transition("claim", (ClipState.WAITING,), ClipState.LEASED, "a worker claims it"),
        Transition("finish", (ClipState.LEASED,), ClipState.DONE, "it is rendered"),
        Transition("finish_cached", (ClipState.WAITING,), ClipState.DONE, "it was in the cache before any claim"),
        Transition("release", (ClipState.LEASED,), ClipState.WAITING, "the worker releases it or the job ended"),
        Transition("retry", (ClipState.LEASED,), ClipState.WAITING, "it crashed, or failed with a transient error"),
        Transition(
            "retry_at_half_resolution", (ClipState.LEASED,), ClipState.WAITING, "the renderer ran out of memory"
        ),
        Transition(
            "fall_back", (ClipState.WAITING, ClipState.LEASED), ClipState.WAITING, "it cannot be rendered as requested"
        ),
        Transition("give_up", (ClipState.LEASED,), ClipState.FAILED, "not even its fallback can be rendered"),
        Transition(
            "render_again", (ClipState.DONE,), ClipState.WAITING, "its file is missing from the cache or damaged"
        ),
    )
}


class LostRace(Exception):  # noqa: N818 - not an error: another process was faster
    """Signal inside a change that undoes all of it; it never leaves :func:`atomic_transition`."""


def atomic_transition(change: Callable[P, None]) -> Callable[P, bool]:
    """Make ``change`` one transaction that returns whether it happened: False when a step of it was superseded."""

    @functools.wraps(change)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> bool:
        try:
            with transaction.atomic():
                change(*args, **kwargs)
        except LostRace:
            return False
        return True

    return attempt


def seconds_from_now(seconds: float) -> Combinable:
    """Return the time that many seconds from now by the database's clock."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


# --- the functions that change a state -----------------------------------------------------------------------------


def transition_job(job_id: UUID, verb: str, *conditions: Q, **values: Any) -> None:
    """Make one transition of :data:`JOB_TRANSITIONS`; call it inside a transaction.

    Raises:
        LostRace: the job is in none of the transition's source states, or the conditions do not hold.
    """
    transition = JOB_TRANSITIONS[verb]
    if transition.target in TERMINAL_JOB_STATES:
        values |= {"finished_at": Now(), "lease_expires_at": None}
    allowed = Job.objects.filter(*conditions, pk=job_id, state__in=transition.sources)
    if not allowed.update(state=transition.target, seq=F("seq") + 1, **values):
        raise LostRace
    if transition.target in TERMINAL_JOB_STATES:
        Clip.objects.filter(job=job_id, state=ClipState.WAITING).update(turn=None)  # they leave the queue
        outbox.enqueue_job_ended(job_id)
    transaction.on_commit(functools.partial(_log_transition, job_id, transition, values.get("error_code") or None))
    events.notify_job_changed(job_id)


def _log_transition(job_id: UUID, transition: Transition, code: str | None) -> None:
    """Log one line for each transition, so that a job's id leads through its history in the logs of all processes."""
    logger.info("%s: the job is %s", transition.verb, transition.target, extra={"job": job_id, "code": code})


def transition_clip(clip_id: int, verb: str, *conditions: Q, **values: Any) -> None:
    """Make one transition of :data:`CLIP_TRANSITIONS`; call it inside a transaction, after the job's row was touched.

    Raises:
        LostRace: as for :func:`transition_job`.
    """
    if not transition_clips(Clip.objects.filter(*conditions, pk=clip_id), verb, **values):
        raise LostRace


def transition_clips(clips: QuerySet[Clip], verb: str, **values: Any) -> int:
    """Make one transition of :data:`CLIP_TRANSITIONS` with those of ``clips`` that are in one of its source states;
    return how many."""
    transition = CLIP_TRANSITIONS[verb]
    if transition.target != ClipState.LEASED:
        values |= {"lease_expires_at": None, "leased_by": ""}
    values["seq"] = Subquery(Job.objects.filter(pk=OuterRef("job")).values("seq"))  # the job's row was touched before
    return clips.filter(state__in=transition.sources).update(state=transition.target, **values)


def touch_running_job(job_id: UUID, **values: Any) -> None:
    """Count a change that viewers of a running job can see, and lock its row.

    Raises:
        LostRace: the job no longer runs.
    """
    if not Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(seq=F("seq") + 1, **values):
        raise LostRace


# --- ending a job --------------------------------------------------------------------------------------------------


@atomic_transition
def cancel(job_id: UUID) -> None:
    """Cancel the job; its worker notices at its next write, and the renderer's supervisor within half a second."""
    transition_job(job_id, "cancel", error_code="cancelled", error_message="The video was cancelled.", error_hint="")


def fail_job(job_id: UUID, error: TalkingHeadError, *conditions: Q) -> None:
    """End the job as failed, as part of the caller's transaction."""
    transition_job(
        job_id, "fail", *conditions, error_code=error.code, error_message=error.message, error_hint=error.hint
    )
