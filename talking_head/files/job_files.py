"""The files of a job: on disk in ``results_<job>/``, in a bucket under the same prefix, where the published files are
one level deeper, below the fence of the publisher that uploaded them.

A bucket has no rename, so the fence in the job's row decides which of several attempts is published: updating the row
publishes everything at once. Files below another fence were left by a publisher that did not get that far.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from talking_head.files import bucket, local
from talking_head.models import Job


def storage_key(job: Job, file: str) -> str:
    """Return the path below ``MEDIA_ROOT``, or the key in the bucket, of one of the job's files."""
    if bucket.is_enabled() and not is_job_record(job.pk, file):
        return f"{_published(job.pk, job.fence)}{file}"
    return f"{local.results_folder(job.pk).name}/{file}"


def upload_staged(job_id: UUID, fence: int, staging: Path, keep_going: Callable[[], bool]) -> None:
    """Upload everything in ``staging`` to where the update of the job's row publishes it.

    Raises:
        ResourceError: ``storage_unavailable``, ``storage_damaged``. TransferCancelled: ``keep_going`` returned False.
    """
    files = [path for path in staging.iterdir() if path.is_file()]
    bucket.transfer(
        [partial(bucket.upload, f"{_published(job_id, fence)}{path.name}", path) for path in files], keep_going
    )


def write(job_id: UUID, file: str, data: bytes) -> None:
    """Write a record of the job, published or not (metrics, log); the last writer wins.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``, ``storage_unavailable``.
    """
    if bucket.is_enabled():
        bucket.upload_bytes(f"{local.results_folder(job_id).name}/{file}", data)
    else:
        local.write_atomically(local.results_folder(job_id) / file, data)


def files_of(job: Job) -> set[str]:
    """Return the names of the files that exist."""
    folder = local.results_folder(job.pk)
    if bucket.is_enabled():
        names = bucket.names(f"{folder.name}/")
        return {file for file in (name.rpartition("/")[2] for name in names) if storage_key(job, file) in names}
    return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


def fetch(job: Job, file: str) -> Path:
    """Return the file's path on this machine, after a download if there is a bucket.

    Raises:
        FileNotFoundError: the job has no such file.
    """
    path = local.results_folder(job.pk) / file
    if bucket.is_enabled():
        bucket.download(storage_key(job, file), path)
    elif not path.is_file():
        raise FileNotFoundError("There is no such file.")
    return path


def delete(job_id: UUID) -> None:
    """Delete every file of a job for good; missing files are not an error."""
    shutil.rmtree(local.results_folder(job_id), ignore_errors=True)
    if bucket.is_enabled():
        for name in bucket.names(f"{local.results_folder(job_id).name}/"):
            bucket.delete(name)


def delete_published(job_id: UUID, *, in_bucket: bool) -> bool:
    """Delete the files of a job's video for good, here and in the bucket, and keep its records; return whether there
    were any here."""
    folder = local.results_folder(job_id)
    files = [path for path in folder.rglob("*") if path.is_file() and not is_job_record(job_id, path.name)]
    for path in files:
        path.unlink(missing_ok=True)
    if bucket.is_enabled() and in_bucket:
        for name in bucket.names(f"{folder.name}/"):
            if not is_job_record(job_id, name.rpartition("/")[2]):
                bucket.delete(name)
    return bool(files)


def orphans(job: Job) -> list[str]:
    """Return the storage keys that publishers of this ended job left behind in the bucket."""
    folder = f"{local.results_folder(job.pk).name}/"
    published = _published(job.pk, job.fence) if job.is_published else None
    return [
        name
        for name in bucket.names(folder)
        if "/" in name.removeprefix(folder) and not (published and name.startswith(published))
    ]


def is_job_record(job_id: UUID, file: str) -> bool:
    """Return whether the file is a record of the job, published or not, and not part of its video."""
    return file in (local.metrics_file(job_id).name, local.LOG)


def _published(job_id: UUID, fence: int) -> str:
    return f"{local.results_folder(job_id).name}/{fence}/"
