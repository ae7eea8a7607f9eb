"""Removal of the files of deleted jobs and withdrawn clips: everywhere, even where a machine or the bucket is away now.

What must go is written down first, in the transaction that decides it, and deleted after its commit. The sweeper of
every machine repeats that until it has succeeded: where there is a bucket, for a day, because each machine has copies.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from talking_head.errors import TalkingHeadError
from talking_head.files import bucket, clip_cache, job_files, local
from talking_head.models import Clip, Removal
from talking_head.pipeline.cache.store import entry_name

logger = logging.getLogger(__name__)

RESULTS = "results"  # everything of a job
VIDEOS = "videos"  # a job's published files, not its records
COPIES_SECONDS = 86_400.0  # how long machines look for their copies of what is gone from the bucket
KEY_COLUMNS = {clip_cache.CLIPS: "clip_key", clip_cache.TAKES: "take_key"}


def remove(entries: Iterable[tuple[str, str]], *, at_once: bool = False) -> None:
    """Note what must go, ``(kind, key)`` each, and delete it as soon as the caller's transaction is committed, or at
    once: what only the cache holds can be made again if that transaction is rolled back."""
    rows = [Removal(kind=kind, key=key) for kind, key in dict.fromkeys(entries) if key]
    Removal.objects.bulk_create(rows)
    if at_once:
        _carry_out(rows)
    else:
        transaction.on_commit(partial(_carry_out, rows))


def entries_of(clips: Iterable[Clip]) -> list[tuple[str, str]]:
    """Return the cache entries of these clips."""
    return [(kind, getattr(clip, column)) for clip in clips for kind, column in KEY_COLUMNS.items()]


def carry_out_pending() -> int:
    """Delete what is still to be deleted on this machine and in the bucket; return the number of files and folders."""
    return _carry_out(Removal.objects.order_by("pk").iterator())


def is_needed(kind: str, key: str) -> bool:
    """Return whether a video whose persons still agree to it has this entry, too."""
    column = KEY_COLUMNS.get(kind)
    if column is None:
        return False
    return Clip.objects.filter(job__consent_withdrawn_at=None, **{column: key}).exists()


def _carry_out(rows: Iterable[Removal]) -> int:
    removed, done = 0, []
    stale = timezone.now() - timedelta(seconds=COPIES_SECONDS)
    for row in rows:
        try:
            removed += _delete(row)
        except (TalkingHeadError, OSError):
            logger.warning("%s could not be deleted; the sweeper tries again.", row, exc_info=True)
            continue
        if not bucket.is_enabled() or row.created_at < stale:
            done.append(row.pk)
        elif row.is_stored:
            row.is_stored = False
            Removal.objects.filter(pk=row.pk).update(is_stored=False)
    Removal.objects.filter(pk__in=done).delete()
    return removed


def _delete(row: Removal) -> bool:
    """Delete the files of one row, here and, until that has succeeded once, in the bucket; return whether there were
    any here."""
    if row.kind == VIDEOS:
        return job_files.delete_published(UUID(row.key), in_bucket=row.is_stored)
    was_here = _local_folder(row).exists()
    is_left = was_here or (bucket.is_enabled() and row.is_stored)
    if row.kind == RESULTS:
        for staging in local.media_root().glob(f"{_local_folder(row).name}.staging-*") if row.is_stored else ():
            shutil.rmtree(staging, ignore_errors=True)
        if is_left:
            job_files.delete(UUID(row.key))
    elif is_left and not is_needed(row.kind, row.key):
        clip_cache.delete((row.kind, row.key))
    return was_here


def _local_folder(row: Removal) -> Path:
    if row.kind == RESULTS:
        return local.results_folder(UUID(row.key))
    return local.cache_root() / entry_name(row.kind, row.key)
