"""The metrics for Prometheus, read from the rows at the moment of the scrape: every process returns the same values,
and no restart resets them. Nothing is counted in memory.

Metrics called ``recent`` cover an hour, those called ``day`` 24 hours; both are gauges that fall again, because rows
may be deleted. Every query uses an index or has a limit, except the numbers of all ended jobs and clips, which are read
every five minutes. A response is reused for a few seconds, so several scrapers cost as much as one.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Now
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from talking_head.files import local
from talking_head.models import (
    ACTIVE_JOB_STATES,
    Attempt,
    AttemptOutcome,
    Clip,
    ClipState,
    Job,
    JobState,
    Notification,
    Priority,
)
from talking_head.monitoring.stuck_rows import stuck_rows
from talking_head.pipeline.cache.store import KINDS, ContentCache, KindStats

REUSED_FOR_SECONDS = 5.0
RECENT = timedelta(hours=1)
DAY = timedelta(hours=24)
ENDED_REUSED_FOR_SECONDS = 300.0
MAX_ROWS = 1_000  # of a query whose rows are added up in Python
QUANTILES = (0.5, 0.95)


class Reused:
    """The value of ``make``, computed again when it is older than ``seconds``; thread-safe."""

    def __init__(self, make: Callable[[], Any], seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._lock = threading.Lock()
        self._made: tuple[float, Any] | None = None

    def get(self) -> Any:
        with self._lock:
            if self._made is None or time.monotonic() - self._made[0] > self._seconds:
                self._made = (time.monotonic(), self._make())
            return self._made[1]

    def clear(self) -> None:
        with self._lock:
            self._made = None


class RowsCollector(Collector):
    """All metric families, each from one or two queries."""

    def collect(self) -> Iterator[Metric]:
        yield from _queue()
        yield from _stuck_rows()
        yield from _recent_attempts()
        yield from _recent_jobs()
        yield from _renders()
        yield from _cache_and_disk()


def _exposition() -> bytes:
    registry = CollectorRegistry()
    registry.register(RowsCollector())
    return generate_latest(registry)


_text = Reused(_exposition, REUSED_FOR_SECONDS)


def exposition() -> bytes:
    """Return the whole page in Prometheus' text format.

    Raises:
        django.db.DatabaseError: the database does not respond.
    """
    text: bytes = _text.get()
    return text


def clear() -> None:
    """Discard the reused values, so that the next call reads everything again."""
    _text.clear()
    _ended.clear()


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of ``values`` do not exceed (nearest rank, in any order)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


# --- now -------------------------------------------------------------------------------------------------------------


def _queue() -> Iterator[Metric]:
    oldest = Job.objects.filter(state=JobState.QUEUED).annotate(now=Now()).order_by("created_at").first()
    age_seconds = max(0.0, (oldest.now - oldest.created_at).total_seconds()) if oldest else 0.0
    yield _gauge(
        "queue_oldest_seconds", "How long the oldest queued job has waited; 0 if none is queued.", [((), age_seconds)]
    )
    ended = _ended.get()
    open_jobs = _by_state(Job.objects.filter(state__in=ACTIVE_JOB_STATES))
    yield _gauge("jobs", "Jobs by state.", _every(JobState.values, [*ended["jobs"], *open_jobs]), ["state"])
    is_open = Q(state=ClipState.WAITING, turn__isnull=False) | Q(state=ClipState.LEASED)
    clips = Clip.objects.filter(is_open).aggregate(
        waiting=Count("pk", filter=Q(state=ClipState.WAITING)),
        leased=Count("pk", filter=Q(state=ClipState.LEASED)),
        live=Count("leased_by", filter=Q(state=ClipState.LEASED, lease_expires_at__gte=Now()), distinct=True),
        expired=Count("pk", filter=Q(state=ClipState.LEASED, lease_expires_at__lt=Now())),
    )
    open_clips = [(state, clips[state]) for state in (ClipState.WAITING, ClipState.LEASED)]
    yield _gauge(
        "clips", "Clips (sentences) by state.", _every(ClipState.values, [*ended["clips"], *open_clips]), ["state"]
    )
    yield _gauge("workers_rendering", "Worker slots that hold a live lease.", [((), clips["live"])])
    yield _gauge(
        "leases_expired", "Clips with an expired lease that no process has reclaimed yet.", [((), clips["expired"])]
    )
    undelivered = Notification.objects.filter(delivered_at=None).count()
    yield _gauge("notifications_undelivered", "Rows of the outbox that have not been delivered.", [((), undelivered)])


def _count_ended() -> dict[str, list[tuple[str, int]]]:
    """Return the numbers of jobs and clips in each state that is not open."""
    return {
        "jobs": _by_state(Job.objects.exclude(state__in=ACTIVE_JOB_STATES)),
        "clips": _by_state(Clip.objects.filter(state__in=(ClipState.DONE, ClipState.FAILED))),
    }


# These numbers read every row that has ended. They change slowly; `recent_jobs` says what has just ended.
_ended = Reused(_count_ended, ENDED_REUSED_FOR_SECONDS)


def _by_state(rows: QuerySet[Any]) -> list[tuple[str, int]]:
    return list(rows.order_by().values_list("state").annotate(count=Count("pk")))


def _stuck_rows() -> Iterator[Metric]:
    yield _labelled("stuck_rows", "Rows that no part of this release can handle.", stuck_rows().items(), "kind")


# --- the last hour ---------------------------------------------------------------------------------------------------


def _recent_attempts() -> Iterator[Metric]:
    recent = Attempt.objects.filter(started_at__gte=Now() - RECENT).order_by()
    counts = dict(recent.exclude(outcome="").values_list("outcome").annotate(count=Count("pk")))
    yield _gauge(
        "recent_attempts",
        "Attempts at clips that began within the hour and ended, by outcome; crashed: killed or died, timeout: killed.",
        _every(AttemptOutcome.values, counts.items()),
        ["outcome"],
    )
    errors = recent.exclude(error_code="").values_list("error_code").annotate(count=Count("pk"))
    yield _labelled("recent_attempt_errors", "The same attempts, by error code.", errors, "code")
    peaks = recent.aggregate(rss=Max("rss_peak_bytes"))
    yield _gauge("renderer_memory_peak_bytes", "Largest renderer process within the hour.", [((), peaks["rss"] or 0)])
    yield _gauge("gpu_memory_peak_bytes", "Largest GPU memory use by device.", _gpu_peaks(recent), ["gpu"])


def _gpu_peaks(recent: Any) -> list[tuple[tuple[str, ...], float]]:
    peaks: dict[str, float] = {}
    for gpu in recent.exclude(gpu={}).order_by("-started_at").values_list("gpu", flat=True)[:MAX_ROWS]:
        if gpu.get("available"):
            name = str(gpu.get("name") or "unknown")
            peaks[name] = max(peaks.get(name, 0.0), gpu.get("memory_peak_bytes") or 0.0)
    return [((name,), peak) for name, peak in sorted(peaks.items())]


def _recent_jobs() -> Iterator[Metric]:
    ended = Job.objects.filter(finished_at__gte=Now() - RECENT).order_by()
    by_state = ended.values_list("state", "profile").annotate(count=Count("pk"))
    yield _gauge(
        "recent_jobs",
        "Jobs that ended within the hour, by state and profile.",
        [((state, profile), count) for state, profile, count in by_state],
        ["state", "profile"],
    )
    failures = ended.filter(state=JobState.FAILED).values_list("error_code").annotate(count=Count("pk"))
    yield _labelled("recent_failures", "Jobs that failed within the hour, by error code.", failures, "code")
    fallbacks = Clip.objects.filter(job__in=ended, is_fallback=True).order_by()
    by_code = fallbacks.values_list("error_code").annotate(count=Count("pk"))
    yield _labelled("recent_fallbacks", "Fallback clips in jobs that ended within the hour, by code.", by_code, "code")


# --- how fast --------------------------------------------------------------------------------------------------------


def _renders() -> Iterator[Metric]:
    yield from _stages()
    yield from _real_time_factors()
    yield from _waits()


def _stages() -> Iterator[Metric]:
    done = Attempt.objects.filter(outcome=AttemptOutcome.DONE, started_at__gte=Now() - RECENT, clip__is_fallback=False)
    rows = done.order_by("-started_at").values_list("clip__stages", "clip__cached")[:MAX_ROWS]
    seconds: dict[str, float] = defaultdict(float)
    runs: dict[str, int] = defaultdict(int)
    cached = total = 0
    for stages, was_cached in rows:
        total += 1
        cached += was_cached
        for stage, stage_seconds in ({} if was_cached else stages).items():
            seconds[stage] += stage_seconds
            runs[stage] += 1
    help_text = "of clips rendered within the hour (at most the last 1,000), by stage."
    yield _labelled("recent_stage_seconds", f"Seconds {help_text}", seconds.items(), "stage")
    yield _labelled("recent_stage_runs", f"Number {help_text}", runs.items(), "stage")
    lookups = [(("hit",), cached), (("miss",), total - cached)]
    yield _gauge(
        "recent_cache_answers", "Finished clips within the hour, by whether the cache had them.", lookups, ["answer"]
    )


def _real_time_factors() -> Iterator[Metric]:
    """Yield the seconds of rendering per second of video, sentence by sentence; cache hits do not count."""
    done = Attempt.objects.filter(outcome=AttemptOutcome.DONE, started_at__gte=Now() - DAY, clip__is_fallback=False)
    rendered = done.filter(clip__cached=False, clip__video_seconds__gt=0, wall_seconds__gt=0)
    rows = rendered.order_by("-started_at").values_list("clip__job__profile", "wall_seconds", "clip__video_seconds")
    factors: dict[str, list[float]] = defaultdict(list)
    for profile, wall_seconds, video_seconds in rows[:MAX_ROWS]:
        if wall_seconds and video_seconds:
            factors[profile].append(wall_seconds / video_seconds)
    yield _quantiles(
        "day_real_time_factor", "Render seconds per second of video in the last 24 hours.", factors, "profile"
    )


def _waits() -> Iterator[Metric]:
    started = Job.objects.filter(started_at__isnull=False, created_at__gte=Now() - DAY).order_by("-created_at")
    waits: dict[str, list[float]] = defaultdict(list)
    for priority, created_at, started_at in started.values_list("priority", "created_at", "started_at")[:MAX_ROWS]:
        name = "vip" if priority >= Priority.VIP else "normal"
        if started_at is not None:
            waits[name].append(max(0.0, (started_at - created_at).total_seconds()))
    yield _quantiles(
        "day_waiting_seconds", "From submission to the first claim, for jobs of the last 24 hours.", waits, "priority"
    )


# --- disk ------------------------------------------------------------------------------------------------------------


def _cache_stats() -> dict[str, KindStats]:
    empty = {kind: KindStats(0, 0, 0, 0) for kind in KINDS}
    stats = ContentCache(local.cache_root()).stats()
    return {kind: stats.get(kind, nothing) for kind, nothing in empty.items()}


def _cache_and_disk() -> Iterator[Metric]:
    stats = _cache_stats()
    entries = [(kind, row.entries) for kind, row in stats.items()]
    yield _labelled("cache_entries", "Entries of the cache.", entries, "kind")
    yield _labelled("cache_bytes", "Bytes of the cache.", [(kind, row.bytes) for kind, row in stats.items()], "kind")
    try:
        free_bytes = float(shutil.disk_usage(local.media_root()).free)
    except OSError:
        return  # /readyz reports what is wrong with the folder
    yield _gauge("media_free_bytes", "Free space in the media folder.", [((), free_bytes)])


# --- families --------------------------------------------------------------------------------------------------------


def _gauge(
    name: str, help_text: str, samples: Iterable[tuple[tuple[str, ...], float]], labels: Sequence[str] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"lectern_{name}", help_text, labels=labels)
    for values, sample in samples:
        family.add_metric(values, sample)
    return family


def _labelled(name: str, help_text: str, pairs: Iterable[tuple[str, float]], label: str) -> GaugeMetricFamily:
    return _gauge(name, help_text, [((value,), sample) for value, sample in sorted(pairs)], [label])


def _every(names: Iterable[str], pairs: Iterable[tuple[str, int]]) -> list[tuple[tuple[str, ...], float]]:
    """Return the counts of all names, 0 for those that do not occur: an alert on an absent series never fires."""
    counts = dict(pairs)
    return [((name,), counts.get(name, 0)) for name in names]


def _quantiles(name: str, help_text: str, groups: dict[str, list[float]], label: str) -> GaugeMetricFamily:
    samples = [
        ((group, str(share)), quantile(values, share))
        for group, values in sorted(groups.items())
        for share in QUANTILES
    ]
    return _gauge(name, help_text, samples, [label, "quantile"])
