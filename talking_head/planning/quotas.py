"""Quotas: jobs in flight and minutes a day of each person, and the length of the queue.

Usage is read from the jobs themselves, so it cannot drift: a cancelled job frees its quota at once, and a day ends by
the database's clock. Requests of one person are serialised by the person's row of ``Quota``, which the first of them
locks until its job is committed; parallel requests can never get more than sequential ones.

Only sentences that have to be rendered count as minutes. They are estimated before anything is rendered: all but those
that were rendered for the same person with the same portrait, voice and profile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from talking_head.errors import LimitReached
from talking_head.models import ACTIVE_JOB_STATES, WATCHABLE_JOB_STATES, Clip, ClipState, Job, Quota
from talking_head.planning import queue_forecast
from talking_head.selection_rules import approximate_duration

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance

RECENT_JOBS = 5  # earlier jobs that are searched for sentences rendered before
LOOK_FIELDS = ("portrait_digest", "narration_digest", "voice", "speed", "language", "profile", "face", "speech")
RETRY_UNKNOWN_SECONDS = 60.0
MIN_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """The limits of one person; 0 means no limit."""

    jobs_in_flight: int
    minutes_a_day: int


def limits_of(quota: Quota) -> QuotaLimits:
    def chosen(own: int | None, default: int) -> int:
        return default if own is None else own

    return QuotaLimits(
        chosen(quota.jobs_in_flight, settings.TALKING_HEAD_JOBS_IN_FLIGHT),
        chosen(quota.minutes_a_day, settings.TALKING_HEAD_MINUTES_A_DAY),
    )


def lock(owner: User) -> Quota:
    """Lock and return the owner's row until the surrounding transaction ends. On SQLite the transaction itself, which
    excludes all others, is that lock."""
    Quota.objects.get_or_create(owner=owner)
    return Quota.objects.select_for_update().get(owner=owner)


def check_and_reserve(job: Job, utterances: Iterable[Utterance], quota: Quota) -> datetime:
    """Admit a job that is about to be stored, set its estimated seconds, and return the database's time. Call it after
    :func:`lock`, in the same transaction.

    Raises:
        LimitReached: ``quota_exceeded`` or ``queue_full``, with ``retry_after_seconds``.
    """
    now = Quota.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=quota.pk)
    _check(job, utterances, limits_of(quota), now, queue_forecast.queue_now())
    return now


def refusal(job: Job, utterances: Iterable[Utterance], queue: queue_forecast.Queue) -> LimitReached | None:
    """Return the error that :func:`check_and_reserve` would raise now, with this queue, or None; stores and locks
    nothing."""
    quota = Quota.objects.filter(owner=job.owner_id).first() or Quota()
    try:
        _check(job, utterances, limits_of(quota), timezone.now(), queue)
    except LimitReached as error:
        return error
    return None


def _check(
    job: Job, utterances: Iterable[Utterance], limits: QuotaLimits, now: datetime, queue: queue_forecast.Queue
) -> None:
    new = _not_rendered_before(job, utterances)
    characters = sum(len(utterance.spoken) for utterance in new)
    job.estimated_seconds = queue_forecast.weight_of(
        characters, sum(utterance.pause_seconds for utterance in new), len(new)
    )
    _check_jobs_in_flight(job, limits.jobs_in_flight, queue)
    _check_minutes(job, limits.minutes_a_day, now)
    _check_queue(job, queue)


def set_created_at(job: Job, admitted_at: datetime) -> None:
    """Set the stored job's creation time by the database's clock: a web server whose clock is wrong must not move it to
    another day. It is a value and not ``Now()``, which SQLite writes with fewer digits, so equal times would differ."""
    Job.objects.filter(pk=job.pk).update(created_at=admitted_at)
    job.created_at = admitted_at


def seconds_used(owner_id: int, since: datetime) -> float:
    """Return the seconds of new video requested since then; failed and cancelled jobs count only what they rendered."""
    return seconds_used_by([owner_id], since)[owner_id]


def seconds_used_by(owner_ids: Collection[int], since: datetime) -> dict[int, float]:
    """Return :func:`seconds_used` of each owner, with two queries for all of them."""
    jobs = Job.objects.filter(owner__in=owner_ids, created_at__gte=since).order_by()
    counted = Q(state__in=(*ACTIVE_JOB_STATES, *WATCHABLE_JOB_STATES))
    estimated = jobs.filter(counted).values_list("owner").annotate(sum=Sum("estimated_seconds"))
    rendered = (
        Clip.objects.filter(job__in=jobs.filter(~counted), state=ClipState.DONE, cached=False, is_fallback=False)
        .order_by()
        .values_list("job__owner")
        .annotate(sum=Sum("video_seconds"))
    )
    seconds = dict.fromkeys(owner_ids, 0.0)
    for owner_id, sum_seconds in (*estimated, *rendered):
        seconds[owner_id] += float(sum_seconds or 0.0)
    return seconds


def jobs_in_flight_of(owner_ids: Collection[int]) -> dict[int, int]:
    """Return how many jobs of each owner have not ended."""
    active = Job.objects.filter(owner__in=owner_ids, state__in=ACTIVE_JOB_STATES).order_by()
    return dict.fromkeys(owner_ids, 0) | dict(active.values_list("owner").annotate(count=Count("pk")))


def day_of(now: datetime) -> tuple[datetime, datetime]:
    """Return the beginnings of the day of ``now`` and of the next day, in the site's time zone."""
    local = timezone.localtime(now)
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (start + timedelta(hours=36)).replace(hour=0)  # also where a day has 23 or 25 hours
    return start, tomorrow


def _not_rendered_before(job: Job, utterances: Iterable[Utterance]) -> list[Utterance]:
    known = rendered_before(job)
    return [utterance for utterance in utterances if utterance.spoken not in known]


def rendered_before(job: Job) -> set[str]:
    """Return the sentences of the owner's latest videos with that look, which probably come from the cache."""
    same: QuerySet[Job] = Job.objects.filter(owner=job.owner_id, **{name: getattr(job, name) for name in LOOK_FIELDS})
    earlier = list(same.order_by("-created_at").values_list("pk", flat=True)[:RECENT_JOBS])
    rendered = Clip.objects.filter(job__in=earlier, state=ClipState.DONE, is_fallback=False)
    return set(rendered.values_list("spoken", flat=True))


def _check_jobs_in_flight(job: Job, limit: int, queue: queue_forecast.Queue) -> None:
    """Check the jobs in flight. A job for the same subject replaces the older one, which the caller cancels."""
    replaced = Q(subject=job.subject) if job.subject else Q(pk=None)
    in_flight = Job.objects.filter(owner=job.owner_id, state__in=ACTIVE_JOB_STATES).exclude(replaced)
    count = in_flight.count()
    if not limit or count < limit:
        return
    known = [
        forecast.finish_seconds
        for pk in in_flight.values_list("pk", flat=True)[:limit]
        if (forecast := queue.of_job(pk))
    ]
    seconds = max(MIN_RETRY_SECONDS, min(known, default=RETRY_UNKNOWN_SECONDS))
    raise LimitReached(
        f"This account may have {limit} video{'s' if limit > 1 else ''} in progress at a time and already has {count}.",
        hint=f"Cancel one of them, or try again in {approximate_duration(seconds)}.",
        retry_after_seconds=seconds,
    )


def _check_minutes(job: Job, limit_minutes: int, now: datetime) -> None:
    need_seconds = job.estimated_seconds
    if not limit_minutes or not need_seconds or job.owner_id is None:
        return
    start, tomorrow = day_of(now)
    used_seconds = seconds_used(job.owner_id, start)
    if used_seconds + need_seconds <= 60 * limit_minutes:
        return
    if need_seconds > 60 * limit_minutes:
        raise LimitReached(
            f"This text is about {need_seconds / 60:.0f} minutes long; the limit is {limit_minutes} minutes a day.",
            hint="Split it into several lessons, or ask an administrator for a higher limit.",
        )
    raise LimitReached(
        f"This text needs about {need_seconds / 60:.1f} minutes of new video, but this account has only "
        f"{max(0.0, limit_minutes - used_seconds / 60):.1f} of today's {limit_minutes} minutes left.",
        hint="Try again tomorrow, shorten the text, or ask an administrator for a higher limit.",
        retry_after_seconds=(tomorrow - now).total_seconds(),
    )


def _check_queue(job: Job, queue: queue_forecast.Queue) -> None:
    limit_seconds = settings.TALKING_HEAD_MAX_WAIT_SECONDS
    forecast = queue.of_new_job(job.owner_id, job.priority, job.estimated_seconds)
    if not limit_seconds or forecast is None or forecast.start_seconds <= limit_seconds:
        return
    seconds = max(MIN_RETRY_SECONDS, forecast.start_seconds - limit_seconds)
    raise LimitReached(
        f"The queue is full; a new video would start in {approximate_duration(forecast.start_seconds)}.",
        code="queue_full",
        hint=f"Try again in {approximate_duration(seconds)}.",
        retry_after_seconds=seconds,
    )
