"""The cache stays within its limits and leaves room on the disk, and keeps what jobs need (case 62)."""

from __future__ import annotations

import os
import shutil
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from talking_head.files import cache_limits, local
from talking_head.models import Attempt, Clip, ClipState, JobState
from talking_head.pipeline.cache.store import CLIPS, ContentCache
from talking_head.worker import garbage, integrity
from tests.talking_head.rows import SENTENCES, make_job

pytestmark = pytest.mark.django_db
ENTRY_BYTES = 1_000


def entry(number: int, *, days_old: float = 1.0) -> str:
    """Store an entry of 1,000 bytes that was used so long ago; return its key."""
    key, cache = f"{number:064x}", ContentCache(local.cache_root())
    with cache.building(CLIPS, key) as folder:
        (folder / "clip.mp4").write_bytes(b"x" * ENTRY_BYTES)
    used_at = time.time() - days_old * cache_limits.DAY_SECONDS
    os.utime(cache.path(CLIPS, key), (used_at, used_at))
    return key


def left(*keys: str) -> list[bool]:
    cache = ContentCache(local.cache_root())
    return [cache.has(CLIPS, key) for key in keys]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk of 100,000 bytes, half of it free."""
    monkeypatch.setattr(integrity, "check_next_video", list)  # the jobs here have no files, which it would have remade
    usage = SimpleNamespace(total=100_000, used=50_000, free=50_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    return usage


def test_62_beyond_its_size_the_least_recently_used_entries_go(settings: Settings) -> None:
    settings.CACHE_MAX_GB = 2 * ENTRY_BYTES / cache_limits.GB
    oldest, middle, newest = entry(1, days_old=3), entry(2, days_old=2), entry(3, days_old=1)
    garbage.collect_garbage()
    assert left(oldest, middle, newest) == [False, True, True]


def test_62_what_nobody_used_for_long_goes(settings: Settings) -> None:
    settings.CACHE_MAX_DAYS = 90
    old, young = entry(1, days_old=91), entry(2, days_old=89)
    garbage.collect_garbage()
    assert left(old, young) == [False, True]


def test_62_a_disk_that_is_nearly_full_is_relieved(disk: SimpleNamespace) -> None:
    oldest, middle, newest = entry(1, days_old=3), entry(2, days_old=2), entry(3, days_old=1)
    garbage.collect_garbage()
    assert left(oldest, middle, newest) == [True, True, True]
    disk.free = 10_000 - 2 * ENTRY_BYTES + 1
    garbage.collect_garbage()
    assert left(oldest, middle, newest) == [False, False, True]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.PUBLISHING])
def test_62_what_a_job_needs_stays_however_full_the_disk_is(disk: SimpleNamespace, state: JobState) -> None:
    finished, reused, unused = entry(1), entry(2), entry(3)
    job, earlier = make_job(state=state), make_job(state=JobState.COMPLETED)
    job.clips.filter(index=0).update(state=ClipState.DONE, clip_key=finished)
    earlier.clips.filter(text=SENTENCES[1]).update(state=ClipState.DONE, clip_key=reused)
    disk.free = 0
    garbage.collect_garbage()
    assert left(finished, reused, unused) == [True, True, False]
    type(job).objects.update(state=JobState.COMPLETED)
    garbage.collect_garbage()
    assert left(finished, reused) == [False, False]


def test_62_what_is_being_rendered_right_now_stays(disk: SimpleNamespace) -> None:
    job = make_job(state=JobState.RUNNING)
    clip = job.clips.order_by("index")[0]
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.LEASED, lease_expires_at=timezone.now())
    Attempt.objects.create(clip=clip, fence=1, worker="tester:1")
    made_now, made_before = entry(1, days_old=0), entry(2)
    disk.free = 0
    garbage.collect_garbage()
    assert left(made_now, made_before) == [True, False]


def test_62_the_command_shows_prunes_and_clears(settings: Settings) -> None:
    settings.CACHE_MAX_GB = 2 * ENTRY_BYTES / cache_limits.GB
    job = make_job(state=JobState.RUNNING)
    needed, first, second = entry(1, days_old=5), entry(2, days_old=2), entry(3)
    job.clips.filter(index=0).update(state=ClipState.DONE, clip_key=needed)

    def run(option: str) -> str:
        output = StringIO()
        call_command("cache", option, stdout=output)
        return output.getvalue()

    assert "clips: 3 entries" in run("--stats")
    assert "Freed" in run("--prune") and left(needed, first, second) == [True, False, True]
    run("--clear")
    assert left(needed, second) == [True, False]


def test_a_large_cache_is_not_walked_all_the_time(monkeypatch: pytest.MonkeyPatch, disk: SimpleNamespace) -> None:
    entry(1)
    monkeypatch.setattr(cache_limits, "_next_walk_at", time.monotonic() + 3_600)
    walked: list[Path] = []

    def prune() -> int:
        walked.append(local.cache_root())
        return 0

    monkeypatch.setattr(cache_limits, "prune", prune)
    cache_limits.prune_if_due()
    assert not walked
    disk.free = 0
    cache_limits.prune_if_due()
    assert walked, "a full disk does not wait"
