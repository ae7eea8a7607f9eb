"""Forecasts of when a video begins and is ready, estimated from all open work; None where no rendering speed is known.

The claim order (:mod:`talking_head.jobs.claims`) is: urgency, then the owner who was served longest ago, then age. So
ahead of a job is all work that is more urgent, all older work of the same owner, and of every other owner as much work
as the owner gets meanwhile, because owners alternate: at most as much as the other owner has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Length, Now
from django.utils import timezone

from talking_head.models import ACTIVE_JOB_STATES, Clip, ClipState, Job, Narration, NarrationState, Priority
from talking_head.planning import render_rate
from talking_head.profiles import CHARACTERS_SPOKEN_PER_SECOND
from talking_head.timing import timing

MAX_JOBS = 5_000  # a queue longer than this is full anyway
AVERAGE_CLIP_WEIGHT = 4.0  # seconds of video of a sentence, when none is waiting
CHUNK_SECONDS = 10.0  # for transcribing a chunk of a recording, when none is finished yet


@dataclass(frozen=True, slots=True)
class OpenJob:
    """The remaining work of one job."""

    job_id: UUID
    owner_id: int | None
    urgency: int
    created_at: datetime
    weight: float  # roughly its seconds of video; see talking_head.planning.render_rate


@dataclass(frozen=True, slots=True)
class Forecast:
    start_seconds: float
    finish_seconds: float


@dataclass(frozen=True, slots=True)
class Queue:
    """All open work at one moment."""

    open_jobs: tuple[OpenJob, ...]
    seconds_per_weight: float | None
    slots: int
    busy_slots: int
    average_clip_weight: float
    transcribing_slots: int = 0  # workers that transcribe a chunk of a recording at the moment
    chunk_seconds: float = 0.0  # how long a chunk takes; 0.0 when no recording waits

    def of_new_job(self, owner_id: int | None, priority: int, weight: float) -> Forecast | None:
        """Return the forecast for a job that is not stored yet."""
        return self._forecast(owner_id, int(priority), weight, self.open_jobs)

    def jobs_ahead(self, owner_id: int | None, priority: int) -> int:
        """Return the number of videos ahead of a new one: more urgent ones and, as owners alternate, other owners'."""
        urgency = int(priority)
        own = sum(job.owner_id == owner_id and job.urgency == urgency for job in self.open_jobs)
        others: dict[int | None, int] = defaultdict(int)
        for job in self.open_jobs:
            if job.urgency == urgency and job.owner_id != owner_id:
                others[job.owner_id] += 1
        more_urgent = sum(job.urgency > urgency for job in self.open_jobs)
        return more_urgent + own + sum(min(count, own + 1) for count in others.values())

    def of_job(self, job_id: UUID) -> Forecast | None:
        """Return the forecast for an open job; None also when it no longer has anything to render."""
        target = next((job for job in self.open_jobs if job.job_id == job_id), None)
        if target is None:
            return None
        younger = {
            job.job_id
            for job in self.open_jobs
            if job.owner_id == target.owner_id and job.urgency == target.urgency and job.created_at > target.created_at
        }
        others = [job for job in self.open_jobs if job is not target and job.job_id not in younger]
        return self._forecast(target.owner_id, target.urgency, target.weight, others)

    def _forecast(
        self, owner_id: int | None, urgency: int, weight: float, open_jobs: Iterable[OpenJob]
    ) -> Forecast | None:
        if self.seconds_per_weight is None:
            return None
        before = own = 0.0
        others: dict[int | None, float] = defaultdict(float)
        for job in open_jobs:
            if job.urgency > urgency:
                before += job.weight
            elif job.urgency == urgency and job.owner_id == owner_id:
                own += job.weight
            elif job.urgency == urgency:
                others[job.owner_id] += job.weight
        seconds = self.seconds_per_weight / self.slots
        if self.chunk_seconds:  # now and then a worker takes a chunk between two clips
            seconds *= 1 + self.chunk_seconds / max(1.0, timing().background_seconds)
        start = before + own + sum(min(other_weight, own) for other_weight in others.values())
        if self.busy_slots >= self.slots:  # half a sentence until a slot is free
            start = max(start, self.average_clip_weight / 2)
        elif self.busy_slots + self.transcribing_slots >= self.slots:  # half a chunk
            start = max(start, self.chunk_seconds / seconds / 2)
        finish = before + own + weight + sum(min(other_weight, own + weight) for other_weight in others.values())
        return Forecast(start * seconds, max(start + weight, finish) * seconds)


def queue_now() -> Queue:
    """Return the open work: five queries, however much there is."""
    open_jobs, clip_count = _open_work()
    live = Q(state=ClipState.LEASED, lease_expires_at__gte=Now())
    busy_slots = Clip.objects.filter(live).aggregate(count=Count("leased_by", distinct=True))["count"]
    recent = Clip.objects.filter(render_rate.REPRESENTATIVE)
    return Queue(
        open_jobs,
        render_rate.seconds_per_weight(recent.order_by("-pk")[: render_rate.RECENT_CLIPS]),
        max(busy_slots, settings.TALKING_HEAD_SLOTS),
        busy_slots,
        sum(job.weight for job in open_jobs) / clip_count if clip_count else AVERAGE_CLIP_WEIGHT,
        **_background_work(),
    )


def _background_work() -> dict[str, Any]:
    """Return the fields of a :class:`Queue` about recordings that are being transcribed or wait for it."""
    live = Q(state=NarrationState.TRANSCRIBING, lease_expires_at__gte=Now())
    work = Narration.objects.filter(live | Q(state=NarrationState.WAITING)).aggregate(
        total=Count("pk"), live=Count("pk", filter=live), seconds=Max("chunk_seconds")
    )
    seconds = CHUNK_SECONDS if work["seconds"] is None else work["seconds"]
    return {"transcribing_slots": work["live"], "chunk_seconds": seconds if work["total"] else 0.0}


def of_job(job: Job) -> Forecast | None:
    return queue_now().of_job(job.pk)


def weight_of(characters: float, pause_seconds: float, clip_count: int) -> float:
    """Return the weight of clips as :mod:`talking_head.planning.render_rate` has it: seconds, and a fixed cost each."""
    spoken_seconds = characters / CHARACTERS_SPOKEN_PER_SECOND
    return spoken_seconds + pause_seconds + clip_count * render_rate.OVERHEAD_SECONDS


def _open_work() -> tuple[tuple[OpenJob, ...], int]:
    """Return the open jobs, the oldest first, and the number of their open clips."""
    waiting = Clip.objects.filter(state__in=render_rate.OPEN_STATES, job__state__in=ACTIVE_JOB_STATES).order_by()
    rows = (
        waiting.values_list("job_id", "job__owner", "job__priority", "job__created_at")
        .annotate(characters=Sum(Length("spoken")), pauses=Sum("pause_seconds"), clip_count=Count("pk"))
        .order_by("job__created_at")[:MAX_JOBS]
    )
    # Once and not with every row, of which there may be thousands: for a request that people wait for while they type.
    now, ageing = _database_time(), timedelta(seconds=timing().ageing_seconds)
    open_jobs, clips = [], 0
    for job_id, owner_id, priority, created_at, characters, pauses, clip_count in rows:
        urgency = max(priority, Priority.VIP) if now - created_at > ageing else priority
        weight = weight_of(characters, pauses, clip_count)
        open_jobs.append(OpenJob(job_id, owner_id, urgency, created_at, weight))
        clips += clip_count
    return tuple(open_jobs), clips


def _database_time() -> datetime:
    """Return the time by the database's clock; that of this process while there is no open work to compare with."""
    newest = Job.objects.filter(state__in=ACTIVE_JOB_STATES).annotate(now=Now()).values_list("now", flat=True)
    return newest.order_by().first() or timezone.now()
