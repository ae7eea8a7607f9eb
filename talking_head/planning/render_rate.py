"""Estimates of how long a job still takes; None where there is nothing to base an estimate on.

The rate is seconds of rendering per unit of weight, where a clip's weight is roughly its length as video. It comes from
the job's own finished clips or, before there are any, from the last clips that were rendered with the same profile and
face. Clips from the cache and fallbacks are not representative and are left out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, F, FloatField, Q, QuerySet, Sum, Value
from django.db.models.expressions import ExpressionWrapper
from django.db.models.functions import Coalesce, Length, NullIf

from talking_head.models import Clip, ClipState, Job, JobState
from talking_head.profiles import CHARACTERS_SPOKEN_PER_SECOND

OVERHEAD_SECONDS = 0.5  # of video: silence at both ends, and the fixed cost of a clip
RECENT_CLIPS = 30
BASIS_MAX_AGE_SECONDS = 2.0
MAX_BASES = 100
OPEN_STATES = (ClipState.WAITING, ClipState.LEASED)
REPRESENTATIVE = Q(state=ClipState.DONE, render_seconds__gt=0, cached=False, is_fallback=False)
# Worked out by the database, so that a job of a thousand sentences is not read to be estimated.
_SPOKEN = Length(Coalesce(NullIf(F("spoken"), Value("")), F("text")))
_ESTIMATED_SECONDS = ExpressionWrapper(
    _SPOKEN * Value(1.0 / CHARACTERS_SPOKEN_PER_SECOND) + F("pause_seconds"), output_field=FloatField()
)
WEIGHT = Coalesce(NullIf(F("video_seconds"), Value(0.0)), _ESTIMATED_SECONDS) + Value(OVERHEAD_SECONDS)


def seconds_left(job: Job) -> float | None:
    """Return the seconds until every clip is rendered; None when unknown or when the job has ended. For at most
    ``BASIS_MAX_AGE_SECONDS``, and until :func:`invalidate`, the answer is that of the last call."""
    basis = _recent_basis(job.pk, job)
    return basis.seconds() if basis else None


def seconds_left_within_clip(job_id: UUID, index: int, done_share: float) -> float | None:
    """Return the same while clip ``index`` is at ``done_share`` (0 to 1)."""
    basis = _recent_basis(job_id)
    return basis.seconds(index, done_share) if basis else None


def invalidate(job_id: UUID) -> None:
    """Forget the cached rate of a job whose state has changed."""
    _cached_bases.pop(job_id, None)


def queue_position(job: Job) -> int | None:
    """Return 1 for the job that is next, None when it no longer waits. It is ordered by priority and age; fairness
    between teachers may still let other jobs pass."""
    if job.state != JobState.QUEUED:
        return None
    ahead = Q(priority__gt=job.priority) | Q(priority=job.priority, created_at__lt=job.created_at)
    return Job.objects.filter(ahead, state=JobState.QUEUED).count() + 1


@dataclass(frozen=True, slots=True)
class _RateBasis:
    """The open clips of a job and the rate at which they are rendered."""

    job_id: UUID
    open_weight: float
    seconds_per_weight: float
    parallel: int  # clips rendered at once right now
    weights: dict[int, float] = field(default_factory=dict)  # of open clips that were asked about, by index

    def seconds(self, index: int | None = None, done_share: float = 0.0) -> float:
        done = 0.0 if index is None else self._weight_of(index) * min(done_share, 1.0)
        return round((self.open_weight - done) * self.seconds_per_weight / self.parallel, 1)

    def _weight_of(self, index: int) -> float:
        if index not in self.weights:
            clip = Clip.objects.filter(job=self.job_id, index=index, state__in=OPEN_STATES)
            self.weights[index] = clip.values_list(WEIGHT, flat=True).first() or 0.0
        return self.weights[index]


_cached_bases: dict[UUID, tuple[float, _RateBasis | None]] = {}


def _recent_basis(job_id: UUID, job: Job | None = None) -> _RateBasis | None:
    now = time.monotonic()
    cached = _cached_bases.get(job_id)
    if cached is None or now - cached[0] > BASIS_MAX_AGE_SECONDS:
        if len(_cached_bases) >= MAX_BASES:
            _cached_bases.clear()
        basis = _basis(job or Job.objects.defer("script").get(pk=job_id))
        cached = _cached_bases[job_id] = (now, basis)
    return cached[1]


def _basis(job: Job) -> _RateBasis | None:
    if not job.is_active or (queue_position(job) or 1) > 1:  # the work ahead in the queue takes an unknown time
        return None
    is_open = Q(state__in=OPEN_STATES)
    work = job.clips.aggregate(
        total=Count("pk"),
        leased=Count("pk", filter=Q(state=ClipState.LEASED)),
        open_weight=Sum(WEIGHT, filter=is_open),
        rendered_weight=Sum(WEIGHT, filter=REPRESENTATIVE),
        rendered_seconds=Sum("render_seconds", filter=REPRESENTATIVE),
    )
    if work["open_weight"] is None:
        return _RateBasis(job.pk, 0.0, 0.0, 1) if work["total"] else None
    rate = (work["rendered_seconds"] or 0.0) / work["rendered_weight"] if work["rendered_weight"] else None
    rate = rate or seconds_per_weight(recent_clips(job.profile, job.face))
    return _RateBasis(job.pk, work["open_weight"], rate, max(1, work["leased"])) if rate else None


def seconds_per_weight(clips: QuerySet[Clip]) -> float | None:
    """Return the seconds of rendering per unit of weight of ``clips``, all representative; None when there are none."""
    work = clips.aggregate(weight=Sum(WEIGHT), seconds=Sum("render_seconds"))
    return work["seconds"] / work["weight"] if work["weight"] else None


def recent_clips(profile: str, face: str) -> QuerySet[Clip]:
    """Return the last clips that were rendered, not cached, with this profile and face."""
    same_work = Clip.objects.filter(REPRESENTATIVE, job__profile=profile, job__face=face)
    return same_work.order_by("-pk")[:RECENT_CLIPS]
