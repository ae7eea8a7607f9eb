"""The files of a job: on disk in ``results_<job>/``, in a bucket under the same name, where the published ones lie one
level deeper, under the fence of the publisher that put them there.

A bucket knows no renaming, so the fence in the job's row is what makes one of several attempts the published one: the
row's change is the whole publication. What lies under another fence was left by a publisher that did not get that far.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from talking_head.files import bucket, local
from talking_head.models import Job


def name_of(job: Job, file: str) -> str:
    """The name below ``MEDIA_ROOT`` or in the bucket of one of the job's files."""
    if bucket.is_enabled() and not is_job_record(job.pk, file):
        return f"{_published(job.pk, job.fence)}{file}"
    return f"{local.results_folder(job.pk).name}/{file}"


def upload_staged(job_id: UUID, fence: int, staging: Path, keep_going: Callable[[], bool]) -> None:
    """Brings everything in ``staging`` to where it is published by the change of the job's row.

    Raises:
        ResourceError: ``storage_unavailable``, ``storage_damaged``. TransferCancelled: ``keep_going`` said no.
    """
    files = [path for path in staging.iterdir() if path.is_file()]
    bucket.transfer(
        [partial(bucket.upload, f"{_published(job_id, fence)}{path.name}", path) for path in files], keep_going
    )


def write(job_id: UUID, file: str, data: bytes) -> None:
    """Writes a file about the job, whatever became of it (metrics, log); the last writer wins.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``, ``storage_unavailable``.
    """
    if bucket.is_enabled():
        bucket.upload_bytes(f"{local.results_folder(job_id).name}/{file}", data)
    else:
        local.write_atomically(local.results_folder(job_id) / file, data)


def files_of(job: Job) -> set[str]:
    """The names of the files that are really there."""
    folder = local.results_folder(job.pk)
    if bucket.is_enabled():
        names = bucket.names(f"{folder.name}/")
        return {file for file in (name.rpartition("/")[2] for name in names) if name_of(job, file) in names}
    return {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()


def fetch(job: Job, file: str) -> Path:
    """The file on this machine, for programs that want a path.

    Raises:
        FileNotFoundError: the job has no such file.
    """
    path = local.results_folder(job.pk) / file
    if bucket.is_enabled():
        bucket.download(name_of(job, file), path)
    elif not path.is_file():
        raise FileNotFoundError("There is no such file.")
    return path


def delete(job_id: UUID) -> None:
    """Removes every file of a job for good; absent is fine."""
    shutil.rmtree(local.results_folder(job_id), ignore_errors=True)
    if bucket.is_enabled():
        for name in bucket.names(f"{local.results_folder(job_id).name}/"):
            bucket.delete(name)


def orphans(job: Job) -> list[str]:
    """Names in the bucket that publishers of this ended job left behind."""
    folder = f"{local.results_folder(job.pk).name}/"
    published = _published(job.pk, job.fence) if job.is_watchable else None
    return [
        name
        for name in bucket.names(folder)
        if "/" in name.removeprefix(folder) and not (published and name.startswith(published))
    ]


def is_job_record(job_id: UUID, file: str) -> bool:
    """Whether the file tells of the job, whatever became of it, instead of being part of its video."""
    return file in (local.metrics_file(job_id).name, local.LOG)


def _published(job_id: UUID, fence: int) -> str:
    return f"{local.results_folder(job_id).name}/{fence}/"
