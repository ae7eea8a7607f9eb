"""What is handed to the bucket is there, whole and unchanged, or the caller is told (case 31)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

from talking_head.errors import InvalidInput, ResourceError
from talking_head.files import bucket, uploads
from talking_head.files.uploads import UploadKind
from tests.object_store import (
    Network,
    ObjectStore,
    answer_500,
    cut_download,
    cut_upload,
    flip_a_bit,
    lose_the_answer,
    never_answer,
)

DATA = bytes(range(256)) * 2_000  # half a megabyte: several packets, several blocks

pytestmark = [pytest.mark.xdist_group("servers"), pytest.mark.usefixtures("bucket_name")]


def stored(store: ObjectStore, bucket_name: str, name: str) -> bytes:
    data: bytes = store.client().get_object(Bucket=bucket_name, Key=name)["Body"].read()
    return data


@pytest.mark.parametrize("fault", [answer_500, never_answer, cut_upload, lose_the_answer])
def test_31_an_upload_that_fails_is_tried_again_under_the_same_key(
    fault: Any, network: Network, object_store: ObjectStore, bucket_name: str
) -> None:
    network.misbehave("PUT", "video.mp4", how=fault, times=2)
    bucket.upload_bytes("results/1/video.mp4", DATA)
    assert network.requests("PUT", "") == [f"PUT /{bucket_name}/results/1/video.mp4"] * 3
    assert stored(object_store, bucket_name, "results/1/video.mp4") == DATA
    assert bucket.names("") == ["results/1/video.mp4"]


@pytest.mark.parametrize("fault", [answer_500, never_answer, cut_download])
def test_31_a_download_that_fails_is_tried_again(fault: Any, network: Network, tmp_path: Path) -> None:
    bucket.upload_bytes("clip.mp4", DATA)
    network.misbehave("GET", "clip.mp4", how=fault, times=2)
    bucket.download("clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == DATA


@pytest.mark.parametrize("fault", [answer_500, never_answer, cut_upload])
def test_a_store_that_never_recovers_is_given_up_after_a_few_attempts(fault: Any, network: Network) -> None:
    network.misbehave("PUT", "video.mp4", how=fault, times=99)
    with pytest.raises(ResourceError) as caught:
        bucket.upload_bytes("video.mp4", DATA)
    assert caught.value.code == "storage_unavailable"
    assert caught.value.hint
    assert not caught.value.permanent
    assert len(network.requests("PUT", "video.mp4")) == 3


def test_a_download_that_is_cut_for_ever_leaves_nothing(network: Network, tmp_path: Path, media_root: Path) -> None:
    bucket.upload_bytes("clip.mp4", b"")
    bucket.upload_bytes("clip.mp4", DATA)
    network.misbehave("GET", "clip.mp4", how=answer_500, times=99)
    with pytest.raises(ResourceError):
        bucket.download("clip.mp4", tmp_path / "clip.mp4")
    assert list(tmp_path.rglob("*.mp4")) == []
    assert [path for path in media_root.rglob("*") if path.is_file()] == []


def test_bytes_that_were_damaged_on_the_way_are_noticed(network: Network) -> None:
    network.misbehave("PUT", "video.mp4", how=flip_a_bit, times=99)
    with pytest.raises(ResourceError) as caught:
        bucket.upload_bytes("video.mp4", DATA)
    assert caught.value.code in ("storage_damaged", "storage_unavailable")


def test_a_store_that_keeps_no_digests_is_asked_for_the_bytes(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_digest(handler: Any) -> None:
        handler.headers["x-amz-checksum-mode"] = ""
        del handler.headers["x-amz-checksum-mode"]
        handler.forward()

    network.misbehave("HEAD", "video.mp4", how=without_digest, times=99)
    bucket.upload_bytes("video.mp4", DATA)
    assert len(network.requests("GET", "video.mp4")) == 1


def test_what_is_not_there(tmp_path: Path) -> None:
    assert not bucket.exists("nothing")
    bucket.delete("nothing")
    for ask in (partial(bucket.stat, "nothing"), partial(bucket.download, "nothing", tmp_path / "file")):
        with pytest.raises(FileNotFoundError):
            ask()


def test_a_missing_bucket_and_wrong_keys_are_outages(settings: Any) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = "there-is-no-such-bucket"
    for use in (bucket.check, partial(bucket.upload_bytes, "file", DATA)):
        with pytest.raises(ResourceError) as caught:
            use()
        assert caught.value.code == "storage_unavailable"


def test_work_is_refused_from_the_first_failure_until_the_bucket_answers_again(network: Network) -> None:
    assert bucket.is_usable()
    assert network.seen == []
    network.misbehave("PUT", "file", how=answer_500, times=99)
    network.misbehave("HEAD", "", how=answer_500, times=1)
    with pytest.raises(ResourceError):
        bucket.upload_bytes("file", DATA)
    assert not bucket.is_usable()
    assert bucket.is_usable()


class TestManyAtOnce:
    def test_the_first_error_ends_what_has_not_begun(self) -> None:
        begun: list[int] = []
        release = Event()

        def fail() -> None:
            raise ResourceError("no")

        def begin(number: int) -> None:
            begun.append(number)
            release.wait()

        work: list[Callable[[], Any]] = [fail, *(partial(begin, number) for number in range(100))]
        try:
            with pytest.raises(ResourceError):
                bucket.transfer(work)
        finally:
            release.set()
        assert len(begun) <= bucket.THREADS

    def test_who_must_not_wait_any_more_does_not(self) -> None:
        release = Event()
        try:
            with pytest.raises(bucket.TransferCancelled):
                bucket.transfer([release.wait], keep_going=lambda: False)
        finally:
            release.set()

    def test_somebody_is_asked_while_it_lasts(self) -> None:
        release = Event()
        asked: list[int] = []

        def keep_going() -> bool:
            asked.append(1)
            if len(asked) == 3:
                release.set()
            return True

        bucket.transfer([release.wait], keep_going)
        assert len(asked) >= 3


class TestUploads:
    """Of people: talking_head.files.uploads with a bucket."""

    def test_another_machine_has_them_too(self, settings: Any, tmp_path: Path) -> None:
        digest = uploads.store(UploadKind.NARRATION, DATA)
        settings.MEDIA_ROOT = tmp_path / "another machine"
        assert uploads.exists(UploadKind.NARRATION, digest)
        path = uploads.fetch(UploadKind.NARRATION, digest)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        assert path.is_relative_to(tmp_path / "another machine")

    def test_what_was_deleted_elsewhere_is_gone_here(self, settings: Any, tmp_path: Path, media_root: Path) -> None:
        digest = uploads.store(UploadKind.VOICE_SAMPLE, DATA)
        copy = uploads.local_path(UploadKind.VOICE_SAMPLE, digest)
        settings.MEDIA_ROOT = tmp_path / "another machine"
        uploads.delete(UploadKind.VOICE_SAMPLE, digest)
        settings.MEDIA_ROOT = media_root
        assert copy.exists()
        with pytest.raises(InvalidInput):
            uploads.fetch(UploadKind.VOICE_SAMPLE, digest)
        assert not copy.exists()

    def test_copies_of_what_was_deleted_elsewhere_go_without_being_asked_for(
        self, settings: Any, tmp_path: Path, media_root: Path
    ) -> None:
        withdrawn, kept = (uploads.store(UploadKind.VOICE_SAMPLE, data) for data in (DATA, DATA[1:]))
        settings.MEDIA_ROOT = tmp_path / "another machine"
        uploads.delete(UploadKind.VOICE_SAMPLE, withdrawn)
        assert uploads.drop_stale_copies() == 0, "nothing was ever here"
        settings.MEDIA_ROOT = media_root
        assert uploads.drop_stale_copies() == 1
        assert not uploads.local_path(UploadKind.VOICE_SAMPLE, withdrawn).exists()
        assert uploads.local_path(UploadKind.VOICE_SAMPLE, kept).exists()

    def test_an_upload_that_cannot_be_stored_leaves_nothing(self, network: Network, media_root: Path) -> None:
        network.misbehave("PUT", "portraits", how=answer_500, times=99)
        with pytest.raises(ResourceError):
            uploads.store(UploadKind.PORTRAIT, DATA)
        assert [path for path in media_root.rglob("*") if path.is_file()] == []
        network.behave()
        assert bucket.names("") == []


def test_nobody_reads_the_bucket_without_a_signature(object_store: ObjectStore, bucket_name: str) -> None:
    bucket.upload_bytes("video.mp4", DATA)
    address = bucket.signed_url("video.mp4", "video/mp4")
    assert "X-Amz-Signature=" in address
    assert "X-Amz-Expires=50" in address
    acl = object_store.client().get_object_acl(Bucket=bucket_name, Key="video.mp4")
    assert {grant["Permission"] for grant in acl["Grants"]} == {"FULL_CONTROL"}
    with pytest.raises(ClientError):
        object_store.client().get_object_acl(Bucket=bucket_name, Key="nothing")
