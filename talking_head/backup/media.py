"""The media in a backup: uploads, published results, and the takes and clips that rows still name, whose addresses
viewers may have kept. The rest of the cache is rebuilt when it is needed.

Names are those of a site without a bucket, so a backup of either kind of site can be restored to the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from talking_head.errors import ResourceError, map_os_errors
from talking_head.files import bucket, job_files, local
from talking_head.files.uploads import UploadKind
from talking_head.models import TERMINAL_JOB_STATES, Clip, ClipState, Job
from talking_head.pipeline.cache.store import CLIPS, TAKES, entry_name

BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the site: its name in a backup, and its storage key."""

    name: str
    key: str

    @property
    def digest(self) -> str:
        """Return the sha256 that the name claims; empty for files whose names are no digests."""
        kind, _, rest = self.name.partition("/")
        return rest.rpartition("/")[2] if kind in set(UploadKind) else ""


def stored_files() -> Iterator[StoredFile]:
    """Yield what a backup holds, as it is now."""
    for upload in UploadKind:
        yield from (StoredFile(key, key) for key in _keys_below(upload.value))
    for job in Job.objects.filter(state__in=TERMINAL_JOB_STATES).iterator():
        for file in sorted(job_files.files_of(job)):
            if job.is_watchable or job_files.is_job_record(job.pk, file):
                yield StoredFile(f"{local.results_folder(job.pk).name}/{file}", job_files.storage_key(job, file))
    for kind in (CLIPS, TAKES):
        entries = _named_entries(kind)
        for key in _keys_below(f"{local.cache_root().name}/{kind}"):
            if key.rpartition("/")[0].partition("/")[2] in entries:
                yield StoredFile(key, key)


def copy_out(file: StoredFile, target: Path) -> None:
    """Write the bytes of a stored file to ``target``.

    Raises:
        FileNotFoundError: it was deleted meanwhile. ResourceError: ``storage_unavailable``.
    """
    if bucket.is_enabled():
        stored = bucket.stat(file.key)
        with target.open("wb") as copy:
            copy.writelines(bucket.blocks(file.key, stored.etag, 0, stored.size_bytes))
        return
    with (local.media_root() / file.key).open("rb") as original, target.open("wb") as copy:
        while block := original.read(BLOCK_BYTES):
            copy.write(block)


def check_room(files: Mapping[str, Path]) -> None:
    """Check that these files of a backup, by name, have room where this site looks for them, before anything changes.

    Raises:
        ResourceError: ``no_space``.
    """
    if bucket.is_enabled():
        return
    root = local.media_root()
    missing_bytes = sum(path.stat().st_size for name, path in files.items() if not (root / name).exists())
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free_bytes = shutil.disk_usage(existing).free
    if missing_bytes > free_bytes:
        raise ResourceError(
            f"The backup's files take {missing_bytes / 1e6:.1f} MB, and the media folder's disk has"
            f" {free_bytes / 1e6:.1f} MB left.",
            code="no_space",
            hint="Free some space. Nothing was changed.",
        )


def copy_in(name: str, path: Path) -> None:
    """Store a file of a backup where this site looks for it; do nothing if its job has no row.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``, ``storage_unavailable``, ``storage_damaged``.
    """
    if bucket.is_enabled():
        if key := _key_in_bucket(name):
            bucket.upload(key, path)
        return
    with local.temporary_file(b"") as temporary, map_os_errors():
        with path.open("rb") as original, temporary.open("wb") as copy:
            while block := original.read(BLOCK_BYTES):
                copy.write(block)
        target = local.media_root() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.chmod(local.READABLE)
        temporary.replace(target)


def _key_in_bucket(name: str) -> str:
    folder, _, file = name.partition("/")
    job_id = local.job_id_of(folder)
    if job_id is None:
        return name
    job = Job.objects.filter(pk=job_id).first()
    return job_files.storage_key(job, file) if job else ""


def _keys_below(prefix: str) -> list[str]:
    if bucket.is_enabled():
        return sorted(bucket.names(f"{prefix}/"))
    root = local.media_root()
    return sorted(path.relative_to(root).as_posix() for path in (root / prefix).rglob("*") if path.is_file())


def _named_entries(kind: str) -> set[str]:
    """Return the entries of the cache that finished clips name."""
    keys = Clip.objects.filter(state=ClipState.DONE).values_list("clip_key" if kind == CLIPS else "take_key", flat=True)
    return {entry_name(kind, key) for key in keys.iterator() if key}
