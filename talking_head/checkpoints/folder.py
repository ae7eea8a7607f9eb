"""What lies in the checkpoints folder, and the only way anything gets a final name there."""

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
RESERVE_SHARE = 0.1  # of what is to come: the file system and whoever else writes need some room too
CHECKPOINTS_FOLDER = FolderWording(
    name="checkpoints folder",
    free_space="What has come is kept: free some space and run the command again.",
    grant_access="Give this user write permission on it, or set CHECKPOINTS_DIR to another folder.",
    look_into="Check CHECKPOINTS_DIR.",
    denied_is_permanent=True,
)


class FileState(StrEnum):
    GOOD = "good"
    OWN = "own"  # other bytes than the official ones, vouched for by a digest beside the file
    PRESENT = "present"  # there, with the right size; its digest was not asked for
    MISSING = "missing"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"

    @property
    def is_usable(self) -> bool:
        return self in (FileState.GOOD, FileState.OWN, FileState.PRESENT)


def state_of(checkpoint: Checkpoint, folder: Path, *, deep: bool = True) -> FileState:
    """Whether the file is there and sound. ``deep`` reads all of it: sizes alone cannot tell SadTalker's two face files
    apart, and a bit flips without changing one.

    Weights of one's own may lie under an official name with their digest beside them (``<file>.sha256``, as
    ``sha256sum`` writes it): they are sound, and nobody replaces them without being told to. Beside a file that was
    fetched lies the official digest, which makes nothing else sound.
    """
    path = checkpoint.path_in(folder)
    try:
        if not path.is_file():
            return FileState.MISSING
        beside = digest_beside(path)
        own_digest = beside if beside != checkpoint.sha256 else ""
        if not deep:
            right_size = path.stat().st_size == checkpoint.bytes
            return FileState.PRESENT if right_size else FileState.OWN if own_digest else FileState.CORRUPT
        if path.stat().st_size != checkpoint.bytes and not own_digest:
            return FileState.CORRUPT
        digest = sha256_of_file(path)
    except OSError:
        return FileState.UNREADABLE
    if digest == checkpoint.sha256:
        return FileState.GOOD
    return FileState.OWN if digest == own_digest else FileState.CORRUPT


def digest_path(path: Path) -> Path:
    """Where the digest of a file lies, in the form of ``sha256sum``."""
    return path.with_name(f"{path.name}.sha256")


def write_digest(path: Path, digest: str) -> None:
    """Lets engines notice when a bit of the file flips later."""
    part = path.with_name(f"{path.name}.sha256{PART_SUFFIX}")
    part.write_text(f"{digest}  {path.name}\n", encoding="ascii")
    part.replace(digest_path(path))


def digest_beside(path: Path) -> str:
    """The digest in that file; "" when there is none."""
    beside = digest_path(path)
    if not beside.is_file():
        return ""
    match = re.match(r"[0-9a-fA-F]{64}\b", beside.read_text(encoding="ascii", errors="replace"))
    return match[0].lower() if match else ""


def part_of(checkpoint: Checkpoint, folder: Path) -> Path:
    """Where an unfinished file grows; it outlives an interruption, so that the next run goes on from there."""
    path = checkpoint.path_in(folder)
    return path.with_name(path.name + PART_SUFFIX)


def part_bytes(checkpoint: Checkpoint, folder: Path) -> int:
    try:
        return part_of(checkpoint, folder).stat().st_size
    except OSError:
        return 0


def finish(part: Path, path: Path, digest: str) -> None:
    """Gives the whole, checked file its name; after a power cut the name is either absent or right.

    Its digest is written beside it, so that engines notice when a bit of it flips later. The old digest goes first: a
    file must never stand beside the digest of another.

    Raises:
        ResourceError: see :func:`talking_head.errors.from_os_error`.
    """
    with map_os_errors(CHECKPOINTS_FOLDER):
        with part.open("rb") as file:
            os.fsync(file.fileno())
        beside = digest_path(path)
        beside.unlink(missing_ok=True)
        part.replace(path)
        write_digest(path, digest)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # the rename itself
        finally:
            os.close(descriptor)


def check_space(checkpoints: Sequence[Checkpoint], folder: Path) -> None:
    """Better now than after hours of downloading.

    Raises:
        ResourceError: ``no_space``.
    """
    missing_bytes = sum(max(0, one.bytes - part_bytes(one, folder)) for one in checkpoints)
    with map_os_errors(CHECKPOINTS_FOLDER):
        free_bytes = shutil.disk_usage(folder).free
    needed_bytes = int(missing_bytes * (1 + RESERVE_SHARE))
    if needed_bytes > free_bytes:
        raise ResourceError(
            f"There is not enough space for the checkpoints: {in_units(needed_bytes)} are needed with a reserve of "
            f"{RESERVE_SHARE:.0%}, {in_units(free_bytes)} are free.",
            code="no_space",
            hint="Free some space, name fewer files with --only, or set CHECKPOINTS_DIR to another disk.",
        )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a second download out of the folder; the system lets go of the lock when this process ends in any way.

    Raises:
        ResourceError: ``download_running``, or what the file system refused.
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
                hint="Wait until it has ended, then run the command again to see what is left.",
            ) from None
        yield
    finally:
        os.close(descriptor)


def in_units(count: int) -> str:
    """Bytes for people: "725 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 100 * size else f"{count / size:.0f} {unit}"
    return f"{count} bytes"
