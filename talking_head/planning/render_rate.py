"""Estimates of how long a job still takes; None where there is nothing to base an estimate on.

The rate is seconds of rendering per unit of weight, where a clip's weight is roughly its length as video. It comes from
the job's own finished clips or, before there are any, from the last clips that were rendered with the same profile and
face. Clips from the cache and fallbacks are not representative and are left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from talking_head.models import Clip, ClipState, Job, JobState
from talking_head.profiles import CHARACTERS_SPOKEN_PER_SECOND

OVERHEAD_SECONDS = 0.5  # of video: silence at both ends, and the fixed cost of a clip
RECENT_CLIPS = 30
BASIS_MAX_AGE_SECONDS = 2.0
OPEN_STATES = (ClipState.WAITING, ClipState.LEASED)


def seconds_left(job: Job, clips: Iterable[Clip]) -> float | None:
    """Return the seconds until every clip is rendered; None when unknown or when the job has ended."""
    basis = _basis(job, list(clips))
    return basis.seconds() if basis else None


def seconds_left_within_clip(job_id: UUID, index: int, done_share: float) -> float | None:
    """Return the same while clip ``index`` is at ``done_share`` (0 to 1); reads the rows at most every other second."""
    now = time.monotonic()
    cached = _cached_bases.get(job_id)
    if cached is None or now - cached[0] > BASIS_MAX_AGE_SECONDS:
        job = Job.objects.get(pk=job_id)
        if len(_cached_bases) >= 100:
            _cached_bases.clear()
        cached = _cached_bases[job_id] = (now, _basis(job, list(job.clips.all())))
    return cached[1].seconds(index, done_share) if cached[1] else None


def invalidate(job_id: UUID) -> None:
    """Forget the cached rate of a job whose rows have changed."""
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

    open_weights: dict[int, float]  # clip index -> weight
    seconds_per_weight: float
    parallel: int  # clips rendered at once right now

    def seconds(self, index: int = -1, done_share: float = 0.0) -> float:
        weight = sum(self.open_weights.values()) - self.open_weights.get(index, 0.0) * min(done_share, 1.0)
        return round(weight * self.seconds_per_weight / self.parallel, 1)


_cached_bases: dict[UUID, tuple[float, _RateBasis | None]] = {}


def _basis(job: Job, clips: list[Clip]) -> _RateBasis | None:
    if not job.is_active or (queue_position(job) or 1) > 1:  # the work ahead in the queue takes an unknown time
        return None
    open_weights = {clip.index: _weight(clip) for clip in clips if clip.state in OPEN_STATES}
    if not open_weights:
        return _RateBasis({}, 0.0, 1) if clips else None
    rate = seconds_per_weight(clips) or seconds_per_weight(_recent_clips(job))
    leased = sum(clip.state == ClipState.LEASED for clip in clips)
    return _RateBasis(open_weights, rate, max(1, leased)) if rate else None


def _weight(clip: Clip) -> float:
    seconds = clip.video_seconds or len(clip.spoken or clip.text) / CHARACTERS_SPOKEN_PER_SECOND + clip.pause_seconds
    return seconds + OVERHEAD_SECONDS


def seconds_per_weight(clips: Iterable[Clip]) -> float | None:
    """Return the seconds of rendering per unit of weight; None when none of ``clips`` is representative."""
    representative = [
        clip
        for clip in clips
        if clip.state == ClipState.DONE and clip.render_seconds and not clip.cached and not clip.is_fallback
    ]
    weight = sum(_weight(clip) for clip in representative)
    return sum(clip.render_seconds or 0.0 for clip in representative) / weight if weight else None


def _recent_clips(job: Job) -> list[Clip]:
    return recent_clips(job.profile, job.face)


def recent_clips(profile: str, face: str) -> list[Clip]:
    """Return the last clips that were rendered, not cached, with this profile and face."""
    same_work = Clip.objects.filter(job__profile=profile, job__face=face, state=ClipState.DONE)
    rendered = same_work.filter(render_seconds__isnull=False, cached=False, is_fallback=False)
    return list(rendered.order_by("-pk")[:RECENT_CLIPS])
