"""The queue that clips wait in, and its order.

A waiting clip of an open job has a *lane* (VIPs' before normal) and a *start tag* in it (``turn``). A teacher's clips
get consecutive start tags, beginning with the tag that is being served when they are enqueued. So teachers alternate
clip by clip, however many clips each of them has, and a newcomer begins beside the others, not behind them (start-time
fair queueing: Goyal, Vin and Cheng, 1996). Start tags are assigned once, when a job is stored; the next clip is the
first entry of one index, whether ten clips wait or a million.

A clip that is requeued keeps its start tag. When a job ends, its clips leave the queue (``turn`` is NULL).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from talking_head.jobs import row_guard
from talking_head.jobs.state_machine import LostRace, atomic_transition, seconds_from_now
from talking_head.models import IS_SHORT, QUEUED_CLIPS, Clip, Job, JobState, Priority
from talking_head.timing import timing

OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)
# A condition on each clip and no join: joined, SQLite sorts the waiting clips of all open jobs to find the first.
_OF_OPEN_JOB = Exists(Job.objects.filter(pk=OuterRef("job"), state__in=OPEN_STATES))


def enqueue(job: Job, clips: Iterable[Clip]) -> list[Clip]:
    """Assign lanes and start tags to the clips of a new job (in order, not stored yet) and return them."""
    clips = list(clips)
    if not clips:
        return []
    first = _next_start_tag(job.owner_id, job.priority)
    is_short = job.estimated_seconds <= timing().short_seconds
    for number, clip in enumerate(clips):
        clip.lane, clip.turn, clip.is_short = job.priority, first + number, is_short
    return clips


def claimable(*, job_id: UUID | None = None, only_short: bool = False) -> QuerySet[Clip]:
    """Return the clips that can be claimed now, the next one first."""
    clips = _queued_clips().filter(*_filters(job_id, only_short), _OF_OPEN_JOB)
    clips = clips.filter(Q(not_before=None) | Q(not_before__lte=Now()))
    # Start tags rise with the index, by which the clips of one job are already sorted in its index of states.
    return clips.order_by("-lane", "turn", "pk") if job_id is None else clips.order_by("index")


def seconds_until_claimable(*, job_id: UUID | None = None, only_short: bool = False) -> float | None:
    """Return the seconds until the next clip's backoff ends; 0 when one can be claimed now, None when none waits."""
    clips = _queued_clips().filter(*_filters(job_id, only_short), job__state__in=OPEN_STATES)
    first = clips.annotate(now=Now()).order_by(F("not_before").asc(nulls_first=True)).first()
    if first is None:
        return None
    return max(0.0, (first.not_before - first.now).total_seconds()) if first.not_before else 0.0


def promote_aged_jobs() -> int:
    """Make jobs that have waited long enough as urgent as a VIP's: their clips change lanes, as if they were new.
    Return the number of these jobs."""
    normal = _queued_clips().filter(job=OuterRef("pk"), lane__lt=Priority.VIP)
    aged = Job.objects.filter(
        Exists(normal), state__in=OPEN_STATES, created_at__lt=seconds_from_now(-timing().ageing_seconds)
    )
    return row_guard.each_alone("promote", aged.order_by("created_at"), lambda job: job.pk, _promote)


@atomic_transition
def _promote(job: Job) -> None:
    if not Job.objects.select_for_update().filter(pk=job.pk, state__in=OPEN_STATES).exists():
        raise LostRace
    clips = _queued_clips().filter(job=job.pk, lane__lt=Priority.VIP)
    first = clips.aggregate(turn=Min("turn"))["turn"]
    if first is None:
        raise LostRace
    clips.update(lane=Priority.VIP, turn=F("turn") + (_next_start_tag(job.owner_id, Priority.VIP) - first))


def _queued_clips() -> QuerySet[Clip]:
    return Clip.objects.filter(QUEUED_CLIPS)


def _filters(job_id: UUID | None, only_short: bool) -> list[Q]:
    return [Q(job=job_id)] * (job_id is not None) + [IS_SHORT] * only_short


def _next_start_tag(owner_id: int | None, lane: int) -> int:
    """Return the start tag that is being served, or the one after the owner's last if that is later."""
    clips = _queued_clips().filter(lane=lane)
    # A requeued clip has kept its old start tag, which says nothing about the tag that is served now.
    served = clips.filter(fence=0).order_by("turn").values_list("turn", flat=True).first()
    own = clips.filter(job__owner=owner_id).order_by("-turn").values_list("turn", flat=True).first()
    return max(served or 0, 0 if own is None else own + 1)
