"""The line that clips wait in: whose clip is next.

A waiting clip of an open job has a place: a *lane* (VIPs' before normal) and a *turn* in it. A teacher's clips get one
turn after the other, starting with the turn that is being served when they are asked for. So teachers take turns clip
by clip, however much each of them asked for, and whoever comes next begins beside the others, not behind them
(start-time fair queueing: Goyal, Vin and Cheng, 1996). Places are given once, when a job is stored; the next clip is
the first entry of one index, whether ten clips wait or a million.

A clip that comes back to the line keeps its place. A job's end takes its clips out of the line (``turn`` is NULL).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from talking_head.jobs.state_machine import LostRace, atomic_transition, seconds_from_now
from talking_head.models import IS_SHORT, QUEUED_CLIPS, Clip, Job, JobState, Priority
from talking_head.timing import timing

OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


def enqueue(job: Job, clips: Iterable[Clip]) -> list[Clip]:
    """Gives the clips of a new job (in order, not stored yet) their places."""
    clips = list(clips)
    if not clips:
        return []
    first = _next_turn(job.owner_id, job.priority)
    is_short = job.estimated_seconds <= timing().short_seconds
    for number, clip in enumerate(clips):
        clip.lane, clip.turn, clip.is_short = job.priority, first + number, is_short
    return clips


def claimable(*, job_id: UUID | None = None, only_short: bool = False) -> QuerySet[Clip]:
    """Clips that can be claimed now, the next one first."""
    clips = _in_line().filter(*_wanted(job_id, only_short), job__state__in=OPEN_STATES)
    return clips.filter(Q(not_before=None) | Q(not_before__lte=Now())).order_by("-lane", "turn", "pk")


def seconds_until_claimable(*, job_id: UUID | None = None, only_short: bool = False) -> float | None:
    """How long until the next clip's backoff is up; 0 when one can be claimed now, None when none waits."""
    clips = _in_line().filter(*_wanted(job_id, only_short), job__state__in=OPEN_STATES)
    first = clips.annotate(now=Now()).order_by(F("not_before").asc(nulls_first=True)).first()
    if first is None:
        return None
    return max(0.0, (first.not_before - first.now).total_seconds()) if first.not_before else 0.0


def promote_aged_jobs() -> int:
    """Makes jobs that have waited long enough as urgent as a VIP's: their clips change lanes, as if they had just come.
    Returns how many."""
    normal = _in_line().filter(job=OuterRef("pk"), lane__lt=Priority.VIP)
    aged = Job.objects.filter(
        Exists(normal), state__in=OPEN_STATES, created_at__lt=seconds_from_now(-timing().ageing_seconds)
    )
    return sum(map(_make_urgent, aged.order_by("created_at")))


@atomic_transition
def _make_urgent(job: Job) -> None:
    if not Job.objects.select_for_update().filter(pk=job.pk, state__in=OPEN_STATES).exists():
        raise LostRace
    clips = _in_line().filter(job=job.pk, lane__lt=Priority.VIP)
    first = clips.aggregate(turn=Min("turn"))["turn"]
    if first is None:
        raise LostRace
    clips.update(lane=Priority.VIP, turn=F("turn") + (_next_turn(job.owner_id, Priority.VIP) - first))


def _in_line() -> QuerySet[Clip]:
    return Clip.objects.filter(QUEUED_CLIPS)


def _wanted(job_id: UUID | None, only_short: bool) -> list[Q]:
    return [Q(job=job_id)] * (job_id is not None) + [IS_SHORT] * only_short


def _next_turn(owner_id: int | None, lane: int) -> int:
    """The turn that is being served, or the one after the owner's last if that is later."""
    clips = _in_line().filter(lane=lane)
    # What was claimed before came back with the turn of then, which says nothing of now.
    served = clips.filter(fence=0).order_by("turn").values_list("turn", flat=True).first()
    own = clips.filter(job__owner=owner_id).order_by("-turn").values_list("turn", flat=True).first()
    return max(served or 0, 0 if own is None else own + 1)
