"""Statistics of the last day, week or month for the administrators' dashboard, computed from the rows alone.

All of them cover the *requests of the span*: the jobs that were submitted in it, by their outcome. The database counts
them by the hour; means and percentiles cover at most :data:`MAX_ROWS` of the newest jobs. Five queries for
any number of rows, each of which uses an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, Max, Min, Q, Sum, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from talking_head.models import (
    ACTIVE_JOB_STATES,
    REVIEWABLE_JOB_STATES,
    WATCHABLE_JOB_STATES,
    Attempt,
    Clip,
    ClipState,
    Job,
    JobState,
)
from talking_head.monitoring.failure_report import count_unreviewed
from talking_head.monitoring.prometheus import quantile
from talking_head.profiles import PROFILES

MAX_ROWS = 2_000
MAX_CODES = 20
MAX_WORKERS = 50
HOUR, TEN_MINUTES = "2026-03-10 12", "2026-03-10 12:3"
ENDS = (JobState.COMPLETED, JobState.FALLBACK, JobState.FAILED)  # a cancellation says nothing about the renderer


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """``name`` is also the value of the age filter of the lists. A bar covers ``bar_hours``."""

    name: str
    label: str
    hours: int
    bar_hours: int


SPANS = {
    span.name: span
    for span in (
        TimeSpan("day", "24 hours", 24, 1),
        TimeSpan("week", "7 days", 168, 6),
        TimeSpan("month", "30 days", 720, 24),
    )
}


@dataclass(slots=True)
class Bar:
    """A period of local time; values that were not measured are None."""

    start: datetime
    hours: int = 0  # fewer at the edges of the span
    states: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    longest_wait_seconds: float | None = None
    rss_peak_bytes: int | None = None
    gpu_peak_bytes: int | None = None
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.states.values())

    @property
    def cpu_percent(self) -> float | None:
        """Return the CPU use while renderers worked; 100 is one core."""
        return 100 * self.cpu_seconds / self.wall_seconds if self.wall_seconds else None


@dataclass(frozen=True, slots=True)
class Times:
    """Times of ``count`` jobs, in seconds; for the real-time factor in seconds per second of video."""

    count: int
    mean: float
    p95: float


@dataclass(slots=True)
class ProfileFigures:
    profile: str
    states: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    total: Times | None = None  # from submission to the end
    waiting: Times | None = None  # from submission to the first claim
    real_time_factor: Times | None = None  # from the first claim to the end, per second of video

    @property
    def requests(self) -> int:
        return sum(self.states.values())

    @property
    def ended(self) -> int:
        return sum(self.states[state] for state in ENDS)

    def share(self, state: str) -> float | None:
        """Return the share of ``state`` among the jobs that ended and were not cancelled, 0 to 1."""
        return self.states[state] / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class ErrorFigures:
    """How many videos failed or have fallbacks because of a code, and how many attempts failed with it (most of them
    are retried with success)."""

    code: str
    failed: int
    fallback: int
    tries: int
    last_seen: datetime

    @property
    def videos(self) -> int:
        return self.failed + self.fallback


@dataclass(frozen=True, slots=True)
class WorkerNow:
    name: str
    job_id: Any
    title: str
    sentence: int  # from 1


@dataclass(frozen=True, slots=True)
class Present:
    """The current load. ``workers`` hold a live lease; idle workers leave no trace in the rows."""

    queued: int
    oldest_wait_seconds: float | None
    sentences_waiting: int
    workers: tuple[WorkerNow, ...]
    to_review: int  # counted up to failure_report.MAX_COUNTED

    @property
    def worker_count(self) -> int:
        return len({worker.name for worker in self.workers})


@dataclass(frozen=True, slots=True)
class Overview:
    span: TimeSpan
    bars: tuple[Bar, ...]
    profiles: tuple[ProfileFigures, ...]
    everything: ProfileFigures
    errors: tuple[ErrorFigures, ...]
    timed_jobs: int  # that means and percentiles cover; at most MAX_ROWS


def overview(span: TimeSpan) -> Overview:
    now = timezone.now()
    since = now - timedelta(hours=span.hours)
    bars = _Bars(span, since, now)
    profiles: dict[str, ProfileFigures] = {name: ProfileFigures(name) for name in PROFILES}
    _count_requests(since, bars, profiles)
    rows = _timed_rows(since)
    for name, figures in profiles.items():
        _add_times(figures, [row for row in rows if row.profile == name])
    everything = ProfileFigures("")
    for figures in profiles.values():
        for state, count in figures.states.items():
            everything.states[state] += count
    _add_times(everything, rows)
    for row in rows:
        bars.note_wait(row)
    _add_resources(since, bars)
    return Overview(span, bars.in_order(), tuple(profiles.values()), everything, _errors(since), len(rows))


def present() -> Present:
    """Return the current load, with four queries."""
    now = timezone.now()
    queue = Job.objects.filter(state=JobState.QUEUED).aggregate(count=Count("pk"), oldest=Min("created_at"))
    waiting = Clip.objects.filter(state=ClipState.WAITING, job__state__in=ACTIVE_JOB_STATES).count()
    leased = Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__gte=now).order_by("leased_by", "index")
    workers = leased.values_list("leased_by", "job_id", "job__title", "index")[:MAX_WORKERS]
    return Present(
        queued=queue["count"],
        oldest_wait_seconds=max(0.0, (now - queue["oldest"]).total_seconds()) if queue["oldest"] else None,
        sentences_waiting=waiting,
        workers=tuple(WorkerNow(name, job_id, title or "Video", index + 1) for name, job_id, title, index in workers),
        to_review=count_unreviewed(),
    )


# --- bars ------------------------------------------------------------------------------------------------------------


class _Bars:
    """The bars of a span, found by moment. Built hour by hour, so that a day with 23 or 25 hours has as many."""

    def __init__(self, span: TimeSpan, since: datetime, now: datetime) -> None:
        self._span = span
        self._bars: dict[tuple[Any, ...], Bar] = {}
        hour = _full_hour(since)
        while hour <= now:
            local = timezone.localtime(hour)
            first = local.replace(hour=local.hour - local.hour % span.bar_hours, minute=0)
            self._bars.setdefault(self._key(hour), Bar(first)).hours += 1
            hour += timedelta(hours=1)

    def _key(self, moment: datetime) -> tuple[Any, ...]:
        local = timezone.localtime(moment)
        return local.date(), local.hour // self._span.bar_hours

    def at(self, moment: datetime) -> Bar | None:
        return self._bars.get(self._key(moment))

    def note_wait(self, row: _Row) -> None:
        bar = self.at(row.created_at)
        if bar is not None and row.started_at is not None:
            bar.longest_wait_seconds = max(bar.longest_wait_seconds or 0.0, _seconds(row.created_at, row.started_at))

    def in_order(self) -> tuple[Bar, ...]:
        return tuple(self._bars.values())


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


# --- queries ---------------------------------------------------------------------------------------------------------


def _moment_of(name: str) -> Substr:
    """Return an expression like "2026-03-10 12" in UTC that the database evaluates itself: on SQLite Django's
    ``TruncHour`` calls Python for every row. In time zones that do not differ by whole hours it ends in ten minutes."""
    return Substr(Cast(name, TextField()), 1, len(HOUR) if _has_whole_hours() else len(TEN_MINUTES))


def _has_whole_hours() -> bool:
    offset = timezone.localtime().utcoffset() or timedelta()
    return offset % timedelta(hours=1) == timedelta()


def _start_of(moment: str) -> datetime:
    rest = ":00:00" if len(moment) == len(HOUR) else "0:00"
    return datetime.fromisoformat(f"{moment}{rest}+00:00")


def _count_requests(since: datetime, bars: _Bars, profiles: dict[str, ProfileFigures]) -> None:
    requests = Job.objects.filter(created_at__gte=since).order_by().annotate(moment=_moment_of("created_at"))
    counts = requests.values_list("moment", "profile", "state").annotate(count=Count("*"))
    for moment, profile, state, count in counts:
        profiles.setdefault(profile, ProfileFigures(profile)).states[state] += count
        if bar := bars.at(_start_of(moment)):
            bar.states[state] += count


@dataclass(frozen=True, slots=True)
class _Row:
    profile: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    video_seconds: float | None


def _timed_rows(since: datetime) -> list[_Row]:
    started = Job.objects.filter(created_at__gte=since, started_at__isnull=False).order_by("-created_at")
    names = ("profile", "state", "created_at", "started_at", "finished_at", "video_seconds")
    return [_Row(*values) for values in started.values_list(*names)[:MAX_ROWS]]


def _add_times(figures: ProfileFigures, rows: Sequence[_Row]) -> None:
    ended = [row for row in rows if row.finished_at and row.state in ENDS]
    figures.total = _times(_seconds(row.created_at, row.finished_at) for row in ended)
    figures.waiting = _times(_seconds(row.created_at, row.started_at) for row in rows)
    figures.real_time_factor = _times(
        _seconds(row.started_at, row.finished_at) / row.video_seconds
        for row in ended
        if row.state in WATCHABLE_JOB_STATES and row.video_seconds
    )


def _times(values: Iterable[float]) -> Times | None:
    times = list(values)
    return Times(len(times), sum(times) / len(times), quantile(times, 0.95)) if times else None


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return max(0.0, (end - start).total_seconds()) if start and end else 0.0


def _add_resources(since: datetime, bars: _Bars) -> None:
    """Add what the renderer processes used in measured attempts; a cached sentence uses next to nothing."""
    measured = Attempt.objects.filter(started_at__gte=since, cpu_seconds__isnull=False).order_by()
    moments = measured.annotate(moment=_moment_of("started_at")).values_list("moment")
    figures = moments.annotate(
        rss=Max("rss_peak_bytes"),
        gpu_bytes=Max(Cast(KT("gpu__memory_peak_bytes"), BigIntegerField())),
        cpu=Sum("cpu_seconds"),
        wall=Sum("wall_seconds"),
    )
    for moment, rss, gpu_bytes, cpu, wall in figures:
        bar = bars.at(_start_of(moment))
        if bar is None:
            continue
        bar.rss_peak_bytes = max(bar.rss_peak_bytes or 0, rss) if rss else bar.rss_peak_bytes
        bar.gpu_peak_bytes = max(bar.gpu_peak_bytes or 0, gpu_bytes) if gpu_bytes else bar.gpu_peak_bytes
        bar.cpu_seconds += cpu or 0.0
        bar.wall_seconds += wall or 0.0


def _errors(since: datetime) -> tuple[ErrorFigures, ...]:
    """Return the errors by code: those that affected most videos first, then those that only affected attempts."""
    failed = Job.objects.filter(created_at__gte=since, state__in=REVIEWABLE_JOB_STATES).exclude(error_code="")
    jobs = (
        failed.order_by()
        .values_list("error_code")
        .annotate(
            failed=Count("pk", filter=Q(state=JobState.FAILED)),
            fallback=Count("pk", filter=Q(state=JobState.FALLBACK)),
            last=Max("created_at"),
        )
    )
    # `~Q`, as in the condition of the index that this is read from.
    attempts = Attempt.objects.filter(~Q(error_code=""), started_at__gte=since).exclude(error_code="cancelled")
    tries = attempts.order_by().values_list("error_code").annotate(count=Count("pk"), last=Max("started_at"))
    counts = {code: [failed, fallback, 0, last] for code, failed, fallback, last in jobs}
    for code, count, last in tries:
        entry = counts.setdefault(code, [0, 0, 0, last])
        entry[2], entry[3] = count, max(entry[3], last)
    errors = [ErrorFigures(code, *values) for code, values in counts.items()]
    return tuple(sorted(errors, key=lambda error: (-error.videos, -error.tries, error.code))[:MAX_CODES])
