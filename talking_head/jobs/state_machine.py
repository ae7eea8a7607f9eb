"""The state machine of jobs and clips: one table, and the only functions that change a state.

Every change is one conditional UPDATE that names the states it may start from (and, for whoever works under a lease,
the fence of that lease). 0 rows mean that somebody else was faster: nothing happened, and the caller must stop. Two
rules keep concurrent changes apart: a transaction touches the job's row first and its clips after it (one order, no
deadlock), and time is always the database's own (``Now()``), so a worker with a wrong clock harms nobody.
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
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from talking_head.errors import TalkingHeadError
from talking_head.jobs import outbox
from talking_head.live import events
from talking_head.models import ACTIVE_JOB_STATES, TERMINAL_JOB_STATES, Clip, ClipState, Job, JobState

logger = logging.getLogger(__name__)

MAX_CRASHES = 2  # of one clip in one form, or of publishing one job: the work itself must be what kills
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the table: what it is called, where it may start, where it leads, and when it happens."""

    verb: str
    sources: tuple[str, ...]
    target: str
    when: str


JOB_TRANSITIONS = {
    move.verb: move
    for move in (
        Transition("start", (JobState.QUEUED,), JobState.RUNNING, "its first clip is claimed"),
        Transition("begin_publishing", (JobState.RUNNING,), JobState.PUBLISHING, "its last clip is done"),
        Transition(
            "take_over_publishing", (JobState.PUBLISHING,), JobState.PUBLISHING, "its publisher's lease ran out"
        ),
        Transition("render_again", (JobState.PUBLISHING,), JobState.RUNNING, "a finished clip vanished from the cache"),
        Transition(
            "complete", (JobState.PUBLISHING,), JobState.COMPLETED, "the video is published, every clip as wanted"
        ),
        Transition("complete_with_fallback", (JobState.PUBLISHING,), JobState.FALLBACK, "the video is published"),
        Transition("fail", ACTIVE_JOB_STATES, JobState.FAILED, "not even a stand-in can be made"),
        Transition("cancel", ACTIVE_JOB_STATES, JobState.CANCELLED, "somebody says so"),
    )
}
CLIP_TRANSITIONS = {
    move.verb: move
    for move in (
        Transition("claim", (ClipState.WAITING,), ClipState.LEASED, "a worker takes it"),
        Transition("finish", (ClipState.LEASED,), ClipState.DONE, "it is rendered"),
        Transition("release", (ClipState.LEASED,), ClipState.WAITING, "the worker gives it back or the job ended"),
        Transition("retry", (ClipState.LEASED,), ClipState.WAITING, "it crashed, or failed in a way that may pass"),
        Transition(
            "retry_at_half_resolution", (ClipState.LEASED,), ClipState.WAITING, "it did not fit into the memory"
        ),
        Transition(
            "fall_back", (ClipState.WAITING, ClipState.LEASED), ClipState.WAITING, "it cannot be made as wanted"
        ),
        Transition("give_up", (ClipState.LEASED,), ClipState.FAILED, "not even its stand-in can be made"),
        Transition("render_again", (ClipState.DONE,), ClipState.WAITING, "its file vanished from the cache"),
    )
}


class LostRace(Exception):  # noqa: N818 - not an error: the answer that somebody else was faster
    """Raised inside a change to undo all of it; never leaves :func:`atomic_transition`."""


def atomic_transition(change: Callable[P, None]) -> Callable[P, bool]:
    """Makes ``change`` one transaction that says whether it happened: False when a step of it was superseded."""

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
    """That many seconds from now by the database's clock."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


# --- the two doors through which every change goes -----------------------------------------------------------------


def transition_job(job_id: UUID, verb: str, *conditions: Q, **values: Any) -> None:
    """Makes one move of :data:`JOB_TRANSITIONS`; call it inside a transaction.

    Raises:
        LostRace: the job is not in a state that the move may start from, or the conditions do not hold.
    """
    move = JOB_TRANSITIONS[verb]
    if move.target in TERMINAL_JOB_STATES:
        values |= {"finished_at": Now(), "lease_expires_at": None}
    allowed = Job.objects.filter(*conditions, pk=job_id, state__in=move.sources)
    if not allowed.update(state=move.target, seq=F("seq") + 1, **values):
        raise LostRace
    if move.target in TERMINAL_JOB_STATES:
        Clip.objects.filter(job=job_id, state=ClipState.WAITING).update(turn=None)  # out of the line
        outbox.enqueue_job_ended(job_id)
    transaction.on_commit(functools.partial(_note, job_id, move, values.get("error_code") or None))
    events.notify_job_changed(job_id)


def _note(job_id: UUID, move: Transition, code: str | None) -> None:
    """One line a move: whoever follows a job's id through the logs of all processes reads its whole way."""
    logger.info("%s: the job is %s", move.verb, move.target, extra={"job": job_id, "code": code})


def transition_clip(clip_id: int, verb: str, *conditions: Q, **values: Any) -> None:
    """Makes one move of :data:`CLIP_TRANSITIONS`; call it inside a transaction, after the job's row was touched.

    Raises:
        LostRace: as for :func:`transition_job`.
    """
    if not transition_clips(Clip.objects.filter(*conditions, pk=clip_id), verb, **values):
        raise LostRace


def transition_clips(clips: QuerySet[Clip], verb: str, **values: Any) -> int:
    """Makes one move of :data:`CLIP_TRANSITIONS` with all of ``clips`` that are in a state it may start from; says how
    many."""
    move = CLIP_TRANSITIONS[verb]
    if move.target != ClipState.LEASED:
        values |= {"lease_expires_at": None, "leased_by": ""}
    return clips.filter(state__in=move.sources).update(state=move.target, **values)


def touch_running_job(job_id: UUID, **values: Any) -> None:
    """Counts a change that watchers of a running job can see, and locks its row.

    Raises:
        LostRace: the job no longer runs.
    """
    if not Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(seq=F("seq") + 1, **values):
        raise LostRace


# --- ending a job --------------------------------------------------------------------------------------------------


@atomic_transition
def cancel(job_id: UUID) -> None:
    """Whatever runs for the job notices at its next write, and its supervisor within half a second."""
    transition_job(job_id, "cancel", error_code="cancelled", error_message="The video was cancelled.", error_hint="")


def fail_job(job_id: UUID, error: TalkingHeadError, *conditions: Q) -> None:
    """Ends the job as failed, as part of the caller's transaction."""
    transition_job(
        job_id, "fail", *conditions, error_code=error.code, error_message=error.message, error_hint=error.hint
    )


# --- publishing ----------------------------------------------------------------------------------------------------
