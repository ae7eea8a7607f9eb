"""How large and how old this machine's content cache may become, and what in it must stay.

The cache only saves time: a pruned entry is rendered again when it is needed. So it never takes the last of the
disk. But a job that waits or runs keeps its finished sentences, the ones that it will find in the cache, and what a
renderer is making now: pruning these would only make it do the same work twice.
"""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Min, Q

from talking_head.files import local
from talking_head.models import ACTIVE_JOB_STATES, Attempt, Clip, ClipState, Job
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache

GB = 1_000_000_000
DAY_SECONDS = 86_400.0
MIN_FREE_SHARE = 0.1  # of the disk
CLOCKS_DIFFER_SECONDS = 60.0  # the file system's and the database's, at most
QUICK_WALK_SECONDS = 0.5
WALK_SHARE = 0.01  # of a sweeper's time: reading the sizes of a large cache takes seconds
LOOK_FIELDS = ("portrait_digest", "narration_digest", "voice", "speed", "language", "profile", "speech", "face")

Keep = Callable[[str, str, float], bool]
SHELVES_A_ROUND = 8  # of some 500 in a large cache: a few thousand files
_next_walk_at = 0.0
_last_shelf = ""


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """What :func:`prune` aims at; None: no limit."""

    max_bytes: int | None
    max_age_seconds: float | None


def limits_now(cache: ContentCache) -> CacheLimits:
    """Return the limits of the settings, made narrower when the disk has too little space left."""
    max_bytes = int(settings.CACHE_MAX_GB * GB) if settings.CACHE_MAX_GB else None
    missing = missing_bytes(cache)
    if missing:
        size = sum(kind.bytes for kind in cache.stats().values())
        max_bytes = max(0, min(size - missing, size if max_bytes is None else max_bytes))
    return CacheLimits(max_bytes, settings.CACHE_MAX_DAYS * DAY_SECONDS if settings.CACHE_MAX_DAYS else None)


def missing_bytes(cache: ContentCache) -> int:
    """Return by how much the free space of the cache's disk is below what must stay free."""
    usage = shutil.disk_usage(cache.root if cache.root.exists() else local.media_root())
    return max(0, int(usage.total * MIN_FREE_SHARE) - usage.free)


def prune(*, everything: bool = False) -> int:
    """Delete what is beyond the limits, or everything that no job needs; return the bytes freed."""
    cache = ContentCache(local.cache_root())
    limits = CacheLimits(0, None) if everything else limits_now(cache)
    return cache.prune(max_bytes=limits.max_bytes, older_than_seconds=limits.max_age_seconds, keep=needed_by_jobs())


def prune_if_due() -> int:
    """Delete what is beyond the limits, a part of the cache at a time; return the bytes freed.

    A cache that is too large is read as a whole, because the least recently used entries go first: at once on a full
    disk, and otherwise not so often that it takes much of a sweeper's time. What is too old is looked for on some
    shelves each time, in turn.
    """
    global _next_walk_at
    cache = ContentCache(local.cache_root())
    if not cache.root.exists():
        return 0
    limits = limits_now(cache)
    size = sum(kind.bytes for kind in cache.stats().values())
    if limits.max_bytes is None or size <= limits.max_bytes:
        return _prune_next_shelves(cache, limits)
    if time.monotonic() < _next_walk_at and not missing_bytes(cache):
        return 0
    started = time.monotonic()
    freed = prune()
    took_seconds = time.monotonic() - started
    if took_seconds > QUICK_WALK_SECONDS:
        _next_walk_at = time.monotonic() + took_seconds / WALK_SHARE
    return freed


def _prune_next_shelves(cache: ContentCache, limits: CacheLimits) -> int:
    """Delete what is too old on the shelves after those of the last time."""
    global _last_shelf
    shelves = cache.shelves()
    following = [name for name in shelves if name > _last_shelf] + [name for name in shelves if name <= _last_shelf]
    chosen = following[:SHELVES_A_ROUND]
    _last_shelf = chosen[-1] if chosen else ""
    return cache.prune(older_than_seconds=limits.max_age_seconds, shelves=chosen, keep=_needed_when_asked())


def _needed_when_asked() -> Keep:
    """Return :func:`needed_by_jobs`, which reads the database when the first entry is to be deleted."""
    rule = functools.cache(needed_by_jobs)
    return lambda kind, key, used_at: rule()(kind, key, used_at)


def needed_by_jobs() -> Keep:
    """Return the rule that says which entries jobs need that have not ended."""
    active = Job.objects.filter(Q(state__in=ACTIVE_JOB_STATES) | Q(rebuild__error_code=""))
    needed = Q(job__in=active)
    for look in active.order_by().values(*LOOK_FIELDS).distinct():
        texts = Clip.objects.filter(job__in=active.filter(**look)).values("text")
        needed |= Q(text__in=texts, **{f"job__{name}": value for name, value in look.items()})
    keys: dict[str, set[str]] = {CLIPS: set(), TAKES: set()}
    rows = Clip.objects.filter(needed).exclude(clip_key="") if active.exists() else Clip.objects.none()
    for clip_key, take_key in rows.order_by().values_list("clip_key", "take_key").iterator():
        keys[CLIPS].add(clip_key)
        keys[TAKES].add(take_key)
    made_since = _oldest_render()

    def keep(kind: str, key: str, used_at: float) -> bool:
        return key in keys.get(kind, ()) or (made_since is not None and used_at >= made_since)

    return keep


def _oldest_render() -> float | None:
    """Return when the oldest of the clips that are being rendered was begun: what was used since may belong to it."""
    running = Attempt.objects.filter(finished_at=None, clip__state=ClipState.LEASED)
    started_at = running.aggregate(oldest=Min("started_at"))["oldest"]
    return started_at.timestamp() - CLOCKS_DIFFER_SECONDS if started_at else None
