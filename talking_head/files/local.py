"""The layout of the media folder, and the only ways to write to it: whole or not at all, with this package's errors.

The layout is described in docs/architecture.md. Unfinished files are in ``media/tmp`` or in a staging folder
(``results_<uuid>.staging-<fence>``), on the same file system as their destination, so that a rename finishes them.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.conf import settings

from talking_head.errors import map_os_errors

RESULTS = re.compile(r"results_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
PROBE_BYTES = 64 * 1024
LOG = "log.txt"
READABLE = 0o644  # a proxy that sends files runs as another user; MEDIA_ROOT's own mode keeps other users out


def media_root() -> Path:
    return Path(settings.MEDIA_ROOT)


def cache_root() -> Path:
    """Return the folder of the content cache, which is safe to delete at any time."""
    return media_root() / "cache"


def temporary_root() -> Path:
    """Return the folder of unfinished files of any kind; old files in it are no longer in use."""
    return media_root() / "tmp"


def results_folder(job_id: UUID) -> Path:
    return media_root() / f"results_{job_id}"


def staging_folder(job_id: UUID, fence: int) -> Path:
    """Return the folder in which the publisher with that fence prepares the results; no other publisher uses it."""
    return media_root() / f"results_{job_id}.staging-{fence}"


def job_id_of(results: str) -> UUID | None:
    """Return the job whose results folder has that name; None for every other name."""
    match = RESULTS.fullmatch(results)
    return UUID(match[1]) if match else None


def metrics_file(job_id: UUID) -> Path:
    return results_folder(job_id) / f"performance_metrics_{job_id}.json"


@contextlib.contextmanager
def temporary_file(data: bytes) -> Iterator[Path]:
    """Yield the path of a file with these bytes, which is deleted afterwards unless the caller has moved it.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    with map_os_errors():
        temporary_root().mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=temporary_root(), prefix="upload-")
    path = Path(name)
    try:
        with map_os_errors(), os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part; on failure nothing is left behind.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    with temporary_file(data) as temporary, map_os_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(READABLE)
        temporary.replace(path)


def move_into_place(temporary: Path, path: Path) -> None:
    """Make a finished temporary file of this file system the file at ``path``, whole or not at all.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    with map_os_errors():
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(READABLE)
        temporary.replace(path)


def check_writable() -> None:
    """Check that the media folder accepts files now: permission bits say little (root, read-only mounts, quotas).

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    with temporary_file(b"\0" * PROBE_BYTES):
        pass
