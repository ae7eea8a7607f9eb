"""What the disk does to finished clips is found by their digests, and never published."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from talking_head.digests import sha256_of_file
from talking_head.files import local
from talking_head.jobs import publish_claims
from talking_head.models import Clip, Job, JobState
from talking_head.pipeline.cache.entries import (
    CLIP_METADATA,
    CLIP_VIDEO,
    ClipMetadata,
    DamagedEntryError,
    store_clip_metadata,
    verified_clip_metadata,
)
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, rendered_texts

Damage = Callable[[Path, Path], None]  # the entry, and another one


def flip(entry: Path, other: Path) -> None:
    video = entry / CLIP_VIDEO
    data = bytearray(video.read_bytes())
    data[len(data) // 2] ^= 0x10
    video.write_bytes(data)


def cut(entry: Path, other: Path) -> None:
    video = entry / CLIP_VIDEO
    video.write_bytes(video.read_bytes()[:10])


def exchange_video(entry: Path, other: Path) -> None:
    shutil.copyfile(other / CLIP_VIDEO, entry / CLIP_VIDEO)


def exchange_entry(entry: Path, other: Path) -> None:
    shutil.rmtree(entry)
    shutil.copytree(other, entry)


def lose_metadata(entry: Path, other: Path) -> None:
    (entry / CLIP_METADATA).unlink()


DAMAGES = pytest.mark.parametrize("damage", [flip, cut, exchange_video, exchange_entry, lose_metadata])


def entry_of(clip: Clip) -> Path:
    return local.cache_root() / "clips" / clip.clip_key[:2] / clip.clip_key


def damage_first(job: Job, damage: Damage) -> None:
    first, second = job.clips.order_by("index")[:2]
    damage(entry_of(first), entry_of(second))


def assert_whole(job: Job) -> None:
    job.refresh_from_db()
    assert (job.state, job.error_code, job.publish_crashes) == (JobState.COMPLETED, "", 0)
    expected = "".join(job.clips.order_by("index").values_list("clip_key", flat=True))
    assert (local.results_folder(job.pk) / "video.mp4").read_text() == expected
    for clip in job.clips.all():
        verified_clip_metadata(entry_of(clip), expected_sha256=clip.result["video_sha256"])


def damage_when_published(monkeypatch: pytest.MonkeyPatch, damage: Damage, *, times: int) -> None:
    """Damage the job's first clip after the last is rendered, before they are joined."""
    claim = publish_claims._claim
    done: list[Job] = []

    def damage_and_claim(job: Job) -> bool:
        if len(done) < times:
            done.append(job)
            damage_first(job, damage)
        return claim(job)

    monkeypatch.setattr(publish_claims, "_claim", damage_and_claim)


@DAMAGES
def test_63_damage_during_a_render_costs_one_clip(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch, damage: Damage
) -> None:
    damage_when_published(monkeypatch, damage, times=3)  # more often than a publisher may crash
    job = make_job("One.", "Two.", "Three.")
    worker.work()
    assert_whole(job)
    assert rendered_texts() == ["One.", "Two.", "Three.", *["One."] * 3]
    assert published == [job.pk]
    assert_invariants(worker)


def test_63_damage_before_or_after_a_render_is_not_in_the_next_video(make_job: MakeJob, worker: Worker) -> None:
    earlier = make_job("One.", "Two.")
    worker.work()
    damage_first(earlier, flip)
    again = make_job("One.", "Two.")
    worker.work()
    assert_whole(again)
    assert_whole(earlier)


def test_63_a_disk_that_damages_everything_ends_the_job(
    make_job: MakeJob, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage_when_published(monkeypatch, cut, times=10_000)
    job = make_job("One.", "Two.")
    worker.work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, "storage_damaged")
    assert "disk" in job.error_hint


class TestEntries:
    @pytest.fixture
    def entry(self, tmp_path: Path) -> Path:
        (tmp_path / CLIP_VIDEO).write_bytes(b"a clip")
        return tmp_path

    def store(self, entry: Path, sha256: str) -> None:
        store_clip_metadata(entry, ClipMetadata("a" * 64, 24, 64, 64, 6, {"face": "fake 1"}, sha256))

    def test_63_an_entry_of_an_earlier_release_gets_its_digest(self, entry: Path) -> None:
        self.store(entry, "")
        values = json.loads((entry / CLIP_METADATA).read_text())
        del values["video_sha256"]
        (entry / CLIP_METADATA).write_text(json.dumps(values))
        assert verified_clip_metadata(entry).video_sha256 == sha256_of_file(entry / CLIP_VIDEO)
        (entry / CLIP_VIDEO).write_bytes(b"a slip")
        with pytest.raises(DamagedEntryError):
            verified_clip_metadata(entry)

    def test_63_a_clip_of_another_digest_is_damaged(self, entry: Path) -> None:
        self.store(entry, sha256_of_file(entry / CLIP_VIDEO))
        verified_clip_metadata(entry)
        with pytest.raises(DamagedEntryError):
            verified_clip_metadata(entry, expected_sha256="0" * 64)

    def test_63_a_clip_without_a_video_is_damaged(self, entry: Path) -> None:
        self.store(entry, "")
        (entry / CLIP_VIDEO).unlink()
        with pytest.raises(DamagedEntryError):
            verified_clip_metadata(entry)
