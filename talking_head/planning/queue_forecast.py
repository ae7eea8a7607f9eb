"""When a video would begin and be ready, reckoned from all that waits; None where nothing tells how fast it goes.

The claim order (:mod:`talking_head.jobs.claims`) is: urgency, then whoever was served longest ago, then age. So ahead
of a job is everything more urgent, everything of the same owner that is older, and of every other owner as much as the
owner gets meanwhile, because they take turns: at most as much as the other has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Length, Now

from talking_head.models import ACTIVE_JOB_STATES, Clip, ClipState, Job, Priority
from talking_head.planning import render_rate
from talking_head.profiles import CHARACTERS_SPOKEN_PER_SECOND
from talking_head.timing import timing

MAX_JOBS = 5_000  # a queue longer than this is full anyway
AVERAGE_CLIP_WEIGHT = 4.0  # seconds of video of a sentence, when none is there to ask


@dataclass(frozen=True, slots=True)
class OpenJob:
    """What one job still needs."""

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

    loads: tuple[OpenJob, ...]
    seconds_per_weight: float | None
    slots: int
    busy_slots: int
    average_clip_weight: float

    def of_new_job(self, owner_id: int | None, priority: int, weight: float) -> Forecast | None:
        """For a job that is not there yet."""
        return self._forecast(owner_id, int(priority), weight, self.loads)

    def jobs_ahead(self, owner_id: int | None, priority: int) -> int:
        """Videos that a new one would find before it: more urgent ones and, as owners take turns, those of others."""
        urgency = int(priority)
        own = sum(load.owner_id == owner_id and load.urgency == urgency for load in self.loads)
        others: dict[int | None, int] = defaultdict(int)
        for load in self.loads:
            if load.urgency == urgency and load.owner_id != owner_id:
                others[load.owner_id] += 1
        more_urgent = sum(load.urgency > urgency for load in self.loads)
        return more_urgent + own + sum(min(count, own + 1) for count in others.values())

    def of_job(self, job_id: UUID) -> Forecast | None:
        """For a job that waits; None also when it no longer has anything to render."""
        mine = next((load for load in self.loads if load.job_id == job_id), None)
        if mine is None:
            return None
        younger = {
            load.job_id
            for load in self.loads
            if load.owner_id == mine.owner_id and load.urgency == mine.urgency and load.created_at > mine.created_at
        }
        others = [load for load in self.loads if load is not mine and load.job_id not in younger]
        return self._forecast(mine.owner_id, mine.urgency, mine.weight, others)

    def _forecast(self, owner_id: int | None, urgency: int, weight: float, loads: Iterable[OpenJob]) -> Forecast | None:
        if self.seconds_per_weight is None:
            return None
        before = own = 0.0
        others: dict[int | None, float] = defaultdict(float)
        for load in loads:
            if load.urgency > urgency:
                before += load.weight
            elif load.urgency == urgency and load.owner_id == owner_id:
                own += load.weight
            elif load.urgency == urgency:
                others[load.owner_id] += load.weight
        seconds = self.seconds_per_weight / self.slots
        start = before + own + sum(min(weight_of_other, own) for weight_of_other in others.values())
        if self.busy_slots >= self.slots:  # half a sentence until one is free
            start = max(start, self.average_clip_weight / 2)
        finish = before + own + weight + sum(min(weight_of_other, own + weight) for weight_of_other in others.values())
        return Forecast(start * seconds, max(start + weight, finish) * seconds)


def queue_now() -> Queue:
    """Reads the open work: three queries, however much there is."""
    rows = _open_work()
    clip_count = sum(row["clip_count"] for row in rows)
    loads = tuple(_load(row) for row in rows)
    live = Q(state=ClipState.LEASED, lease_expires_at__gte=Now())
    busy_slots = Clip.objects.filter(live).aggregate(count=Count("leased_by", distinct=True))["count"]
    recent = Clip.objects.filter(state=ClipState.DONE, render_seconds__isnull=False, cached=False, is_fallback=False)
    return Queue(
        loads,
        render_rate.seconds_per_weight(recent.order_by("-pk")[: render_rate.RECENT_CLIPS]),
        max(busy_slots, settings.TALKING_HEAD_SLOTS),
        busy_slots,
        sum(load.weight for load in loads) / clip_count if clip_count else AVERAGE_CLIP_WEIGHT,
    )


def of_job(job: Job) -> Forecast | None:
    return queue_now().of_job(job.pk)


def weight_of(characters: float, pause_seconds: float, clip_count: int) -> float:
    """Return the weight of clips as :mod:`talking_head.planning.render_rate` has it: seconds, and a fixed cost each."""
    spoken_seconds = characters / CHARACTERS_SPOKEN_PER_SECOND
    return spoken_seconds + pause_seconds + clip_count * render_rate.OVERHEAD_SECONDS


def _open_work() -> list[dict[str, Any]]:
    waiting = Clip.objects.filter(state__in=render_rate.OPEN_STATES, job__state__in=ACTIVE_JOB_STATES).order_by()
    rows: list[Any] = list(
        waiting.values("job_id", owner_id=F("job__owner"), priority=F("job__priority"), asked_at=F("job__created_at"))
        .annotate(characters=Sum(Length("spoken")), pauses=Sum("pause_seconds"), clip_count=Count("pk"), now=Now())
        .order_by("asked_at")[:MAX_JOBS]
    )
    return rows


def _load(row: dict[str, Any]) -> OpenJob:
    has_aged = (row["now"] - row["asked_at"]).total_seconds() > timing().ageing_seconds
    urgency = max(row["priority"], Priority.VIP) if has_aged else row["priority"]
    weight = weight_of(row["characters"], row["pauses"], row["clip_count"])
    return OpenJob(row["job_id"], row["owner_id"], urgency, row["asked_at"], weight)
