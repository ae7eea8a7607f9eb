"""Where files lie, and the only ways to write them: whole or not at all, with errors of our own tree.

The layout is in docs/architecture.md. Whatever is unfinished lies in ``media/tmp`` or in a folder whose name says so
(``results_<uuid>.staging-<fence>``), on the same file system as its final place, so that a rename finishes it.
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
READABLE = 0o644  # a proxy that sends files runs as somebody else; MEDIA_ROOT's own mode keeps everybody out


def media_root() -> Path:
    return Path(settings.MEDIA_ROOT)


def cache_root() -> Path:
    """The content cache: safe to delete at any time."""
    return media_root() / "cache"


def temporary_root() -> Path:
    """Unfinished files of any kind; whatever is old in here belongs to nobody."""
    return media_root() / "tmp"


def results_folder(job_id: UUID) -> Path:
    return media_root() / f"results_{job_id}"


def staging_folder(job_id: UUID, fence: int) -> Path:
    """Where the publisher with that fence prepares the results; nobody else's publisher shares it."""
    return media_root() / f"results_{job_id}.staging-{fence}"


def job_id_of(results: str) -> UUID | None:
    """Return the job whose results folder has that name; None for every other name."""
    match = RESULTS.fullmatch(results)
    return UUID(match[1]) if match else None


def metrics_file(job_id: UUID) -> Path:
    return results_folder(job_id) / f"performance_metrics_{job_id}.json"


@contextlib.contextmanager
def temporary_file(data: bytes) -> Iterator[Path]:
    """A file with these bytes that is gone afterwards unless somebody moved it away.

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
    """Readers see the old content or the new one, never a part; on failure nothing is left behind.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    with temporary_file(data) as temporary, map_os_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(READABLE)
        temporary.replace(path)


def check_writable() -> None:
    """Tries whether the media folder takes files now: permission bits say little (root, read-only mounts, quotas).

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    with temporary_file(b"\0" * PROBE_BYTES):
        pass
