"""The content-addressed store: whole entries or none, harmless races, and what is thrown away first."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from talking_head.errors import ResourceError
from talking_head.pipeline.cache import store
from talking_head.pipeline.cache.store import ContentCache, key_of

KEY = "ab" * 32
OTHER = "cd" * 32


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache")


def fill(cache: ContentCache, key: str, content: bytes = b"bytes", kind: str = "clips") -> None:
    with cache.building(kind, key) as folder:
        (folder / "clip.mp4").write_bytes(content)


def set_used_seconds_ago(cache: ContentCache, key: str, seconds: float, kind: str = "clips") -> None:
    then = time.time() - seconds
    os.utime(cache.root / kind / key[:2] / key, (then, then))


def files_under(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_a_built_entry_is_found_under_its_key(cache: ContentCache) -> None:
    assert cache.get("clips", KEY) is None
    fill(cache, KEY, b"the clip")

    folder = cache.get("clips", KEY)

    assert folder == cache.root / "clips" / "ab" / KEY
    assert (folder / "clip.mp4").read_bytes() == b"the clip"
    assert cache.get("takes", KEY) is None


def test_an_entry_is_invisible_until_it_is_whole(cache: ContentCache) -> None:
    with cache.building("clips", KEY) as folder:
        (folder / "clip.mp4").write_bytes(b"half")
        assert not cache.has("clips", KEY)
        assert cache.stats() == {}
    assert cache.has("clips", KEY)


@pytest.mark.parametrize("failure", [ValueError("engine"), KeyboardInterrupt()])
def test_a_failed_build_leaves_nothing(cache: ContentCache, failure: BaseException) -> None:
    with pytest.raises(type(failure)), cache.building("clips", KEY) as folder:
        (folder / "clip.mp4").write_bytes(b"half")
        raise failure
    assert not cache.has("clips", KEY)
    assert files_under(cache.root) == set()


def test_the_second_of_two_builders_keeps_the_first_ones_entry(cache: ContentCache) -> None:
    with cache.building("clips", KEY) as slower:
        (slower / "clip.mp4").write_bytes(b"slower")
        fill(cache, KEY, b"faster")
    folder = cache.get("clips", KEY)
    assert folder is not None
    assert (folder / "clip.mp4").read_bytes() == b"faster"
    assert files_under(cache.root) == {f"clips/ab/{KEY}/clip.mp4"}


def test_many_builders_of_one_key_make_one_entry(cache: ContentCache) -> None:
    barrier = threading.Barrier(8)
    errors: list[BaseException] = []

    def build() -> None:
        try:
            barrier.wait(timeout=30)
            for _ in range(10):
                fill(ContentCache(cache.root), KEY)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert errors == []
    assert files_under(cache.root) == {f"clips/ab/{KEY}/clip.mp4"}


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "no_space"),
        (errno.EDQUOT, "no_space"),
        (errno.EROFS, "storage_denied"),
        (errno.EIO, "storage_error"),
    ],
)
def test_what_the_file_system_refuses_is_said_in_our_words(cache: ContentCache, number: int, code: str) -> None:
    with pytest.raises(ResourceError) as caught, cache.building("clips", KEY):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == code
    assert isinstance(caught.value.__cause__, OSError)
    assert files_under(cache.root) == set()


def test_a_root_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache = ContentCache(tmp_path / "file" / "cache")
    with pytest.raises(ResourceError), cache.building("clips", KEY):
        pytest.fail("nothing can be built here")


def test_removing_an_entry_makes_room_for_a_new_one(cache: ContentCache) -> None:
    fill(cache, KEY, b"damaged")
    cache.remove("clips", KEY)
    cache.remove("clips", KEY)  # absent is fine
    assert not cache.has("clips", KEY)
    fill(cache, KEY, b"new")
    assert files_under(cache.root) == {f"clips/ab/{KEY}/clip.mp4"}


def test_stats_count_entries_bytes_hits_and_misses_by_kind(cache: ContentCache) -> None:
    fill(cache, KEY, b"12345")
    fill(cache, OTHER, b"678")
    fill(cache, KEY, b"x", kind="takes")
    cache.get("clips", KEY)
    cache.get("clips", KEY)
    cache.get("clips", "0" * 64)

    stats = cache.stats()

    assert set(stats) == {"clips", "takes"}
    clips = stats["clips"]
    assert (clips.entries, clips.bytes, clips.hits, clips.misses) == (2, 8, 2, 1)
    assert (stats["takes"].entries, stats["takes"].hits) == (1, 0)


def test_pruning_removes_the_least_recently_used_first(cache: ContentCache) -> None:
    for key, age_seconds in ((KEY, 300), (OTHER, 200), ("ef" * 32, 100)):
        fill(cache, key, b"x" * 100)
        set_used_seconds_ago(cache, key, age_seconds)
    cache.get("clips", KEY)  # now the oldest is the latest used

    freed = cache.prune(max_bytes=150)

    assert freed == 200
    assert cache.has("clips", KEY)
    assert not cache.has("clips", OTHER)
    assert not cache.has("clips", "ef" * 32)


def test_pruning_by_age_spares_what_was_used_since_and_other_kinds(cache: ContentCache) -> None:
    fill(cache, KEY)
    fill(cache, OTHER)
    fill(cache, KEY, kind="takes")
    set_used_seconds_ago(cache, KEY, 1000)
    set_used_seconds_ago(cache, KEY, 1000, kind="takes")

    cache.prune(older_than_seconds=500, kind="clips")

    assert not cache.has("clips", KEY)
    assert cache.has("clips", OTHER)
    assert cache.has("takes", KEY)


def test_pruning_clears_what_killed_builders_left_but_not_live_ones(cache: ContentCache) -> None:
    fill(cache, KEY)
    abandoned = cache.root / store.TEMPORARY / "clips-abandoned"
    abandoned.mkdir(parents=True)
    (abandoned / "clip.mp4").write_bytes(b"half")
    long_ago = time.time() - store.ABANDONED_AFTER_SECONDS - 10
    os.utime(abandoned, (long_ago, long_ago))

    with cache.building("clips", OTHER) as live:
        (live / "clip.mp4").write_bytes(b"on its way")
        cache.prune()

    assert not abandoned.exists()
    assert cache.has("clips", OTHER)


def test_keys_depend_on_values_and_names_but_not_on_order() -> None:
    assert key_of(text="a", speed=1.0) == key_of(speed=1.0, text="a")
    assert (
        len({key_of(text="a"), key_of(text="b"), key_of(spoken="a"), key_of(text="a", spoken=""), key_of(text="ä")})
        == 5
    )
    assert len(key_of()) == 64
