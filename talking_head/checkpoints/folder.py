"""The state of the checkpoints folder, and the only code that gives a file its final name there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from talking_head.checkpoints.manifest import Checkpoint
from talking_head.digests import sha256_of_file
from talking_head.errors import FolderWording, ResourceError, map_os_errors

LOCK_FILE = ".download.lock"
PART_SUFFIX = ".part"
RESERVE_SHARE = 0.1  # of the download: the file system and other writers need some room too
CHECKPOINTS_FOLDER = FolderWording(
    name="checkpoints folder",
    free_space="The part already downloaded is kept: free some space and run the command again.",
    grant_access="Give this user write permission on it, or set CHECKPOINTS_DIR to another folder.",
    look_into="Check CHECKPOINTS_DIR.",
    denied_is_permanent=True,
    says_reason=True,
)


class FileState(StrEnum):
    GOOD = "good"
    OWN = "own"  # custom weights: not the official bytes, but they match the digest file next to them
    PRESENT = "present"  # there, with the right size; the digest was not checked
    MISSING = "missing"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"

    @property
    def is_usable(self) -> bool:
        return self in (FileState.GOOD, FileState.OWN, FileState.PRESENT)


def state_of(checkpoint: Checkpoint, folder: Path, *, deep: bool = True) -> FileState:
    """Return the state of the file: there or not, intact or not.

    ``deep`` reads all of it: sizes alone cannot tell SadTalker's two face files apart, and a flipped bit does not
    change the size.

    Custom weights may have an official name with their digest next to them (``<file>.sha256``, as ``sha256sum`` writes
    it): they count as intact and are replaced only on request. A downloaded file has the official digest next to it,
    which no other content satisfies.
    """
    path = checkpoint.path_in(folder)
    try:
        if not path.is_file():
            return FileState.MISSING
        stated_digest = sidecar_digest(path)
        custom_digest = stated_digest if stated_digest != checkpoint.sha256 else ""
        if not deep:
            right_size = path.stat().st_size == checkpoint.bytes
            return FileState.PRESENT if right_size else FileState.OWN if custom_digest else FileState.CORRUPT
        if path.stat().st_size != checkpoint.bytes and not custom_digest:
            return FileState.CORRUPT
        digest = sha256_of_file(path)
    except OSError:
        return FileState.UNREADABLE
    if digest == checkpoint.sha256:
        return FileState.GOOD
    return FileState.OWN if digest == custom_digest else FileState.CORRUPT


def digest_path(path: Path) -> Path:
    """Return the path of a file's digest file, which has the format of ``sha256sum``."""
    return path.with_name(f"{path.name}.sha256")


def write_digest(path: Path, digest: str) -> None:
    """Write the digest next to the file, so that engines notice when a bit of the file flips later."""
    part = path.with_name(f"{path.name}.sha256{PART_SUFFIX}")
    part.write_text(f"{digest}  {path.name}\n", encoding="ascii")
    part.replace(digest_path(path))


def sidecar_digest(path: Path) -> str:
    """Return the digest in the digest file of ``path``; "" when there is none."""
    digest_file = digest_path(path)
    if not digest_file.is_file():
        return ""
    match = re.match(r"[0-9a-fA-F]{64}\b", digest_file.read_text(encoding="ascii", errors="replace"))
    return match[0].lower() if match else ""


def part_path(checkpoint: Checkpoint, folder: Path) -> Path:
    """Return the path of the unfinished file; it survives an interruption, so that the next run resumes it."""
    path = checkpoint.path_in(folder)
    return path.with_name(path.name + PART_SUFFIX)


def part_bytes(checkpoint: Checkpoint, folder: Path) -> int:
    try:
        return part_path(checkpoint, folder).stat().st_size
    except OSError:
        return 0


def finish(part: Path, path: Path, digest: str) -> None:
    """Give the complete, checked file its final name; after a power cut the name is either absent or right.

    Its digest is written next to it, so that engines notice when a bit of it flips later. The old digest is removed
    first: a file must never have the digest of another next to it.

    Raises:
        ResourceError: see :func:`talking_head.errors.from_os_error`.
    """
    with map_os_errors(CHECKPOINTS_FOLDER):
        with part.open("rb") as file:
            os.fsync(file.fileno())
        digest_path(path).unlink(missing_ok=True)
        part.replace(path)
        write_digest(path, digest)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # the rename itself
        finally:
            os.close(descriptor)


def check_space(checkpoints: Sequence[Checkpoint], folder: Path) -> None:
    """Check that the files fit on the disk, rather than fail after hours of downloading.

    Raises:
        ResourceError: ``no_space``.
    """
    missing_bytes = sum(max(0, item.bytes - part_bytes(item, folder)) for item in checkpoints)
    with map_os_errors(CHECKPOINTS_FOLDER):
        free_bytes = shutil.disk_usage(folder).free
    needed_bytes = int(missing_bytes * (1 + RESERVE_SHARE))
    if needed_bytes > free_bytes:
        raise ResourceError(
            f"There is not enough space for the checkpoints: {in_units(needed_bytes)} are needed, including a reserve "
            f"of {RESERVE_SHARE:.0%}, but only {in_units(free_bytes)} are free.",
            code="no_space",
            hint="Free some space, name fewer files with --only, or set CHECKPOINTS_DIR to another disk.",
        )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's download lock; the system releases it however this process ends.

    Raises:
        ResourceError: ``download_running``, or the file system's error.
    """
    with map_os_errors(CHECKPOINTS_FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResourceError(
                "Another download into this folder is running.",
                code="download_running",
                hint="Wait until it has finished, then run the command again to see what is left.",
            ) from None
        yield
    finally:
        os.close(descriptor)


def in_units(count: int) -> str:
    """Return a number of bytes in readable units: "725 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 100 * size else f"{count / size:.0f} {unit}"
    return f"{count} bytes"
