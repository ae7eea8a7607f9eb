"""The numbers of a cache's entries and bytes are right after every change, and no shelf is counted without a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from talking_head.pipeline.cache import tally as module
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache
from talking_head.pipeline.cache.tally import TALLY_FILE, tally

LONG_AGO_NS = 1_000_000_000 * 1_000_000_000


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache")


def store(cache: ContentCache, kind: str, key: str, size: int) -> None:
    with cache.building(kind, key) as folder:
        (folder / "data").write_bytes(b"x" * size)


def settle(cache: ContentCache) -> None:
    """Let the last change of every shelf be long ago."""
    for number, name in enumerate(cache.shelves()):
        os.utime(cache.root / name, ns=(LONG_AGO_NS, LONG_AGO_NS + number))


def numbers(cache: ContentCache) -> dict[str, tuple[int, int]]:
    return {kind: (row.entries, row.bytes) for kind, row in cache.stats().items()}


def test_every_change_is_counted(cache: ContentCache) -> None:
    store(cache, CLIPS, "aa11", 10)
    assert numbers(cache) == {CLIPS: (1, 10)}
    store(cache, TAKES, "bb22", 5)
    store(cache, CLIPS, "aa33", 7)
    assert numbers(cache) == {CLIPS: (2, 17), TAKES: (1, 5)}
    settle(cache)
    assert numbers(cache) == {CLIPS: (2, 17), TAKES: (1, 5)}
    cache.remove(CLIPS, "aa11")
    assert numbers(cache) == {CLIPS: (1, 7), TAKES: (1, 5)}


def test_only_shelves_that_changed_are_counted_again(cache: ContentCache, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("aa11", "bb22", "cc33"):
        store(cache, CLIPS, key, 10)
    settle(cache)
    cache.stats()
    counted: list[str] = []
    size_of = module._size_bytes

    def counting(entry: Path) -> int | None:
        counted.append(entry.name)
        return size_of(entry)

    monkeypatch.setattr(module, "_size_bytes", counting)
    store(cache, CLIPS, "bb44", 10)
    assert numbers(cache) == {CLIPS: (4, 40)}
    assert sorted(counted) == ["bb22", "bb44"]


def test_a_shelf_that_changes_twice_within_a_moment_is_counted_twice(cache: ContentCache) -> None:
    store(cache, CLIPS, "aa11", 10)
    shelf = cache.root / CLIPS / "aa"
    changed = shelf.stat()
    assert tally(cache.root, [CLIPS]) == {CLIPS: (1, 10)}
    store(cache, CLIPS, "aa22", 10)
    os.utime(shelf, ns=(changed.st_atime_ns, changed.st_mtime_ns))  # a clock that counts in coarse steps
    assert tally(cache.root, [CLIPS]) == {CLIPS: (2, 20)}


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"clips/aa": [1]}', b'{"clips/aa": "many"}'])
def test_damaged_numbers_are_counted_again(cache: ContentCache, damage: bytes) -> None:
    store(cache, CLIPS, "aa11", 10)
    settle(cache)
    cache.stats()
    (cache.root / TALLY_FILE).write_bytes(damage)
    assert numbers(cache) == {CLIPS: (1, 10)}
