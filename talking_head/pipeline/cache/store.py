"""The content-addressed store: a folder per entry, named by the sha256 of everything that decides its bytes.

``root/<kind>/<key[:2]>/<key>/``. An entry is made in a folder of its own under ``root/tmp`` and renamed into place when
it is complete, so a reader sees all of it or nothing, and two processes that make the same entry at once are harmless:
the second finds the entry in place and deletes its copy. Entries never change, so no locks are needed; deleting the
whole root is always safe.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talking_head.errors import from_os_error
from talking_head.pipeline.cache.tally import tally

TAKES, CLIPS = "takes", "clips"
KINDS = (TAKES, CLIPS)
TEMPORARY = "tmp"
ABANDONED_AFTER_SECONDS = 24 * 3600.0  # no clip takes a day to make: its process was killed
# Reading an entry marks it as used, but not more often than this: a busy clip would cost a write per view.
TOUCH_INTERVAL_SECONDS = 60.0


def key_of(**parts: Any) -> str:
    """Return the sha256 (hex) of the canonical JSON of ``parts``: the same values give the same key in any order.

    Floats keep their shortest exact form, so 1.0 and 1 differ: pass values of one type.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def entry_name(kind: str, key: str) -> str:
    """Return the path of an entry below a cache's root: on a disk, and in a bucket."""
    return f"{kind}/{key[:2]}/{key}"


def keep_nothing(_kind: str, _key: str, _used_at: float) -> bool:
    """Return False: every entry may be pruned."""
    return False


@dataclass(frozen=True, slots=True)
class KindStats:
    """The size of one kind of entries, and the lookups of it through this object."""

    entries: int
    bytes: int
    hits: int
    misses: int


@dataclass(slots=True)
class _Counter:
    hits: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    folder: Path
    bytes: int
    used_at: float  # seconds since the epoch


@dataclass(slots=True)
class ContentCache:
    """The store under ``root``, which is created on first use. Any number of these may share a root.

    ``temporary`` is where entries are made: ``root/tmp``, or a folder on the same file system for a caller that must
    know afterwards which unfinished entries are its own.

    Every method that touches the file system raises ``ResourceError`` (``no_space``, ``storage_denied``,
    ``storage_error``) when that fails.
    """

    root: Path
    temporary: Path | None = None
    _counters: dict[str, _Counter] = field(default_factory=dict)

    def get(self, kind: str, key: str) -> Path | None:
        """Return the entry's folder, or None; count the hit or miss and mark the entry as used."""
        folder = self.path(kind, key)
        exists = folder.is_dir()
        counter = self._counters.setdefault(kind, _Counter())
        if not exists:
            counter.misses += 1
            return None
        counter.hits += 1
        _touch(folder)
        return folder

    def has(self, kind: str, key: str) -> bool:
        """Return whether the entry exists, without counting the lookup or marking the entry."""
        return self.path(kind, key).is_dir()

    @contextmanager
    def building(self, kind: str, key: str) -> Iterator[Path]:
        """Yield an empty folder to fill; it becomes the entry when the block ends without an exception.

        After an exception nothing remains. When another process was faster, its entry stays and this one is deleted.
        """
        try:
            temporary = self.temporary or self.root / TEMPORARY
            temporary.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=temporary))
        except OSError as error:
            raise from_os_error(error) from error
        try:
            yield folder
            self._publish(folder, self.path(kind, key))
        except OSError as error:
            raise from_os_error(error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self, kind: str, key: str) -> None:
        """Delete an entry (one that turned out to be damaged); a missing entry is no error."""
        self._remove_folder(self.path(kind, key))

    def stats(self) -> dict[str, KindStats]:
        """Return the entries and bytes by kind, with this object's hits and misses."""
        kinds = {path.name for path in self._folders(self.root)} - {TEMPORARY}
        totals = tally(self.root, kinds)
        result = {}
        for kind in sorted(kinds | set(self._counters)):
            counter = self._counters.get(kind, _Counter())
            result[kind] = KindStats(*totals.get(kind, (0, 0)), counter.hits, counter.misses)
        return result

    def shelves(self) -> list[str]:
        """Return the names of the folders of entries, ``<kind>/<key[:2]>``, in order: a part of them is a part of the
        cache for :meth:`prune`."""
        kinds = [path for path in self._folders(self.root) if path.name != TEMPORARY]
        return sorted(f"{kind.name}/{shelf.name}" for kind in kinds for shelf in self._folders(kind))

    def prune(
        self,
        *,
        max_bytes: int | None = None,
        older_than_seconds: float | None = None,
        kind: str | None = None,
        shelves: Collection[str] | None = None,
        keep: Callable[[str, str, float], bool] = keep_nothing,
    ) -> int:
        """Delete entries unused for that long, then the least recently used until the rest fits into ``max_bytes``.

        ``keep(kind, key, used_at)`` says which entries stay in any case; they count towards ``max_bytes``. With
        ``shelves``, only entries there are looked at and counted. Also delete what killed processes left behind. Return
        the bytes freed.
        """
        now = time.time()
        self._clear_abandoned(now)
        names = self.shelves() if shelves is None else shelves
        chosen = [name for name in names if kind in (None, name.partition("/")[0])]
        entries = sorted((entry for name in chosen for entry in self._entries(name)), key=lambda entry: entry.used_at)
        total = sum(entry.bytes for entry in entries)
        freed = 0
        for entry in entries:
            expired = older_than_seconds is not None and now - entry.used_at > older_than_seconds
            too_many = max_bytes is not None and total - freed > max_bytes
            if (expired or too_many) and not keep(entry.kind, entry.folder.name, entry.used_at):
                self._remove_folder(entry.folder)
                freed += entry.bytes
        return freed

    def path(self, kind: str, key: str) -> Path:
        """Return the folder of an entry, whether it exists or not."""
        return self.root / entry_name(kind, key)

    def _publish(self, folder: Path, target: Path) -> None:
        """Sync the data, then rename: after a power cut an entry that has its name also has its bytes."""
        for file in folder.iterdir():
            _sync(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # mkdtemp makes it private; a web server may run as another user
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    def _remove_folder(self, folder: Path) -> None:
        """Rename the folder away in one step, then delete the bytes: no reader sees half an entry."""
        removable = self.root / TEMPORARY / f"removed-{folder.name}-{os.getpid()}-{time.monotonic_ns()}"
        try:
            removable.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(removable)
        except FileNotFoundError:
            return  # another process was faster
        except OSError as error:
            raise from_os_error(error) from error
        shutil.rmtree(removable, ignore_errors=True)

    def _clear_abandoned(self, now: float) -> None:
        for folder in self._folders(self.root / TEMPORARY):
            try:
                abandoned = now - folder.stat().st_mtime > ABANDONED_AFTER_SECONDS
            except FileNotFoundError:
                continue
            if abandoned:
                shutil.rmtree(folder, ignore_errors=True)

    def _entries(self, shelf: str) -> Iterator[_Entry]:
        for folder in self._folders(self.root / shelf):
            try:
                size = sum(file.stat().st_size for file in folder.iterdir())
                yield _Entry(shelf.partition("/")[0], folder, size, folder.stat().st_mtime)
            except FileNotFoundError:
                continue  # removed in the meantime

    @staticmethod
    def _folders(parent: Path) -> list[Path]:
        try:
            return [path for path in parent.iterdir() if path.is_dir()]
        except FileNotFoundError:
            return []


def _touch(folder: Path) -> None:
    """Mark an entry as used by its modification time (access times are switched off on many mounts)."""
    try:
        if time.time() - folder.stat().st_mtime > TOUCH_INTERVAL_SECONDS:
            os.utime(folder)
    except OSError:
        return  # read-only media or just removed: only the order of pruning suffers


def _sync(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
