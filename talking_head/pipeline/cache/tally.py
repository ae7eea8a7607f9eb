"""How many entries and bytes a cache holds, without looking at every entry each time.

Entries never change, and they come and go by renaming, which changes the modification time of their shelf: the folder
``<kind>/<key[:2]>/``. So what was counted on a shelf holds until that time changes. The numbers lie beside the shelves,
for all processes; a lost or damaged file only means counting again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from talking_head.errors import ResourceError
from talking_head.media_io.atomic_files import write_atomically

TALLY_FILE = "tally.json"
# A shelf that was changed so recently may change again without a later time: file systems count in coarse steps.
SETTLED_AFTER_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a shelf held when its modification time was ``changed_ns``."""

    changed_ns: int
    entries: int
    bytes: int


def tally(root: Path, kinds: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return the entries and bytes of each kind; count the shelves that changed since the last call of any process."""
    known = _load(root / TALLY_FILE)
    now: dict[str, Shelf] = {}
    totals = {}
    for kind in kinds:
        shelves = {f"{kind}/{path.name}": path for path in _folders(root / kind)}
        counted = {name: _counted(path, known.get(name)) for name, path in shelves.items()}
        now |= counted
        totals[kind] = (
            sum(shelf.entries for shelf in counted.values()),
            sum(shelf.bytes for shelf in counted.values()),
        )
    settled_before_ns = time.time_ns() - SETTLED_AFTER_NS
    settled = {name: shelf for name, shelf in now.items() if shelf.entries and shelf.changed_ns < settled_before_ns}
    if settled != known:
        _store(root / TALLY_FILE, settled)
    return totals


def _counted(path: Path, known: Shelf | None) -> Shelf:
    try:
        changed_ns = path.stat().st_mtime_ns  # before counting: what comes meanwhile is counted again next time
    except FileNotFoundError:
        return Shelf(0, 0, 0)
    if known is not None and known.changed_ns == changed_ns:
        return known
    sizes = [size for entry in _folders(path) if (size := _size_bytes(entry)) is not None]
    return Shelf(changed_ns, len(sizes), sum(sizes))


def _size_bytes(entry: Path) -> int | None:
    try:
        return sum(file.stat().st_size for file in entry.iterdir())
    except FileNotFoundError:
        return None  # removed in the meantime


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []


def _load(file: Path) -> dict[str, Shelf]:
    try:
        return {name: Shelf(*map(int, values)) for name, values in json.loads(file.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _store(file: Path, shelves: dict[str, Shelf]) -> None:
    rows = {name: [shelf.changed_ns, shelf.entries, shelf.bytes] for name, shelf in shelves.items()}
    if not shelves:  # of an empty cache nothing stays
        with suppress(OSError):
            file.unlink(missing_ok=True)
        return
    with suppress(ResourceError):  # a full or read-only disk: the next call counts again
        write_atomically(file, json.dumps(rows).encode())
