"""Copying a site's media from its disk into a bucket: everything that a bucket stores, under its storage keys.

Nothing is removed from the disk. Files that are already in the bucket with the same size are skipped, so an interrupted
migration resumes where it stopped, and a second one uploads what was added meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from talking_head.files import bucket, clip_cache, job_files, local
from talking_head.files.uploads import UploadKind
from talking_head.models import Job

BATCH = 200


def upload_media(report_progress: Callable[[int, int], None]) -> int:
    """Upload the missing files and return their number; call ``report_progress(done, total)`` after every batch.

    Raises:
        ResourceError: ``storage_unavailable``, ``storage_damaged``.
    """
    stored_sizes = bucket.sizes("")
    missing = [(key, path) for key, path in _files() if stored_sizes.get(key) != path.stat().st_size]
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        bucket.transfer([partial(bucket.upload, key, path) for key, path in batch])
        report_progress(start + len(batch), len(missing))
    return len(missing)


def _files() -> Iterator[tuple[str, Path]]:
    """Yield ``(storage key, file)`` of uploads, finished takes and clips, and the files of ended jobs."""
    root = local.media_root()
    cache = local.cache_root().relative_to(root)
    for folder in (*UploadKind, cache / clip_cache.CLIPS, cache / clip_cache.TAKES):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file():
                yield path.relative_to(root).as_posix(), path
    for folder in sorted(root.glob("results_*")):
        job_id = local.job_id_of(folder.name)
        job = Job.objects.filter(pk=job_id).first() if job_id else None
        if job is not None:
            yield from _results(job, folder)


def _results(job: Job, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and (job.is_published or job_files.is_job_record(job.pk, path.name)):
            yield job_files.storage_key(job, path.name), path
