"""Videos whose media live in a bucket: published once, whole or not at all, and shown to those who may watch."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from talking_head.files import bucket, job_files, published_files, uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import wakeups
from talking_head.models import Job, JobState
from talking_head.worker import garbage, publishing
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.object_store import Network, ObjectStore, answer_500, cut_upload, flip_a_bit, never_answer
from tests.talking_head.jobs.conftest import MakeJob, outcomes, rendered_texts

pytestmark = [pytest.mark.xdist_group("servers"), pytest.mark.usefixtures("bucket_name")]


@pytest.fixture(autouse=True)
def nobody_else_is_rung_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "wake_worker", lambda job_id=None: True)


@pytest.fixture
def second_machine(settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    """All that follows happens on a machine whose own media folder is empty."""
    settings.MEDIA_ROOT = tmp_path / "second machine"
    worker = Worker(new_renderer(), name="second:1")
    yield worker
    worker.renderer.close()


class PowerCut(BaseException):
    """Nothing that the platform could catch."""


def video_names() -> list[str]:
    return sorted(name for name in bucket.names("results_") if name.endswith("video.mp4"))


def let_lease_run_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=job.created_at)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_what_is_published_lies_in_the_bucket(make_job: MakeJob, worker: Worker, media_root: Path) -> None:
    job = make_job("One.", "Two.")
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED
    assert video_names() == [f"results_{job.pk}/{job.fence}/video.mp4"]
    assert {"video.mp4", "log.txt", f"performance_metrics_{job.pk}.json"} <= job_files.files_of(job)
    assert len({name.rsplit("/", 1)[0] for name in bucket.names("cache/clips/")}) == 2
    assert not list(media_root.glob("results_*"))


def test_15_a_publisher_that_dies_after_the_upload_leads_to_one_publication_and_an_orphan_that_is_collected(
    make_job: MakeJob, worker: Worker, published: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("One.")
    flip = publishing._commit_publication

    def die(*args: object) -> bool:
        raise PowerCut

    monkeypatch.setattr(publishing, "_commit_publication", die)
    with pytest.raises(PowerCut):
        worker.work()
    orphan = f"results_{job.pk}/1/video.mp4"
    assert video_names() == [orphan]
    job.refresh_from_db()
    assert (job.state, published) == (JobState.PUBLISHING, [])
    garbage.collect_garbage()
    assert video_names() == [orphan], "its publisher might still be at work"

    monkeypatch.setattr(publishing, "_commit_publication", flip)
    let_lease_run_out(job)
    worker.work()
    job.refresh_from_db()
    assert (job.state, published, rendered_texts()) == (JobState.COMPLETED, [job.pk], ["One."])
    assert garbage.collect_garbage() == len(published_files.FILES)
    assert video_names() == [f"results_{job.pk}/2/video.mp4"]


def test_63_files_that_the_bucket_lost_are_made_again_on_any_machine(
    make_job: MakeJob, worker: Worker, second_machine: Worker, client: Client, teacher: User, settings: Settings,
    media_root: Path,
) -> None:  # fmt: skip
    second, settings.MEDIA_ROOT = settings.MEDIA_ROOT, media_root
    job = make_job("One.", "Two.", owner=teacher)
    worker.work()
    address = reverse("job_file", args=[job.pk, "video.mp4"])
    client.force_login(teacher)
    before = body(client.get(address))
    for name in bucket.names(f"results_{job.pk}/"):
        bucket.delete(name)
    assert client.get(address).status_code == 503
    settings.MEDIA_ROOT = second
    second_machine.work()
    assert body(client.get(address)) == before
    assert rendered_texts() == []


@pytest.mark.parametrize("fault", [answer_500, never_answer, cut_upload])
def test_31_a_video_whose_upload_fails_twice_is_published_once_under_the_same_key(
    fault: Any, make_job: MakeJob, worker: Worker, network: Network, bucket_name: str, object_store: ObjectStore,
    published: list[uuid.UUID],
) -> None:  # fmt: skip
    network.misbehave("PUT", "video.mp4", how=fault, times=2)
    job = make_job("One.")
    worker.work()
    key = f"results_{job.pk}/1/video.mp4"
    assert network.requests("PUT", "video.mp4") == [f"PUT /{bucket_name}/{key}"] * 3
    assert (published, video_names()) == ([job.pk], [key])
    (clip,) = job.clips.all()
    stored = object_store.client().get_object(Bucket=bucket_name, Key=key)["Body"].read()
    assert stored == clip.clip_key.encode()  # what the fake renderer joins


def test_31_a_video_that_was_damaged_on_the_way_is_not_published(
    make_job: MakeJob, worker: Worker, network: Network, published: list[uuid.UUID], settings: Settings
) -> None:
    settings.TALKING_HEAD_TIMING = {**settings.TALKING_HEAD_TIMING, "backoff_seconds": 600.0}
    network.misbehave("PUT", "video.mp4", how=flip_a_bit, times=1)
    job = make_job("One.")
    worker.work()
    job.refresh_from_db()
    assert (job.state, published) == (JobState.PUBLISHING, [])
    let_lease_run_out(job)
    bucket.check()
    bucket._is_failing.clear()
    worker.work()
    job.refresh_from_db()
    (clip,) = job.clips.all()
    assert (job.state, published) == (JobState.COMPLETED, [job.pk])
    path = job_files.fetch(job, "video.mp4")
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(clip.clip_key.encode()).digest()


def test_while_the_bucket_is_away_work_waits_and_goes_on_afterwards(
    make_job: MakeJob, worker: Worker, network: Network
) -> None:
    network.misbehave("PUT", "", how=answer_500, times=99)
    network.misbehave("HEAD", "", how=answer_500, times=99)
    job = make_job("One.", "Two.")
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    assert outcomes(job, 0) == [("failed", "storage_unavailable")]
    assert outcomes(job, 1) == [], "who finds the bucket away claims nothing more"
    network.behave()
    worker.work()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED


def test_a_machine_joins_what_another_one_has_rendered(
    make_job: MakeJob, worker: Worker, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("One.", "Two.")

    def die(*args: object) -> bool:
        raise PowerCut

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(publishing, "package_clips", die)
        worker.work()
    let_lease_run_out(job)
    settings.MEDIA_ROOT = tmp_path / "second machine"
    second = Worker(new_renderer(), name="second:1")
    try:
        second.work()
    finally:
        second.renderer.close()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED
    assert rendered_texts() == [], "nothing was rendered there"


def test_a_deleted_job_leaves_nothing(make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.")
    worker.work()
    assert bucket.names("results_")
    Job.objects.get(pk=job.pk).delete()
    assert bucket.names("results_") == []


class TestServing:
    """From the bucket, by a machine that has none of the files."""

    @pytest.fixture
    def job(self, make_job: MakeJob, worker: Worker, teacher: User) -> Job:
        job = make_job("One.", "Two.", owner=teacher)
        worker.work()
        job.refresh_from_db()
        return job

    @pytest.fixture
    def video(self, job: Job) -> bytes:
        return "".join(clip.clip_key for clip in job.clips.all()).encode()

    @pytest.mark.usefixtures("second_machine")
    def test_the_owner_watches_all_of_it_or_a_part(self, client: Client, teacher: User, job: Job, video: bytes) -> None:
        client.force_login(teacher)
        address = f"/media/jobs/{job.pk}/video.mp4"
        whole = client.get(address)
        assert (whole.status_code, body(whole)) == (200, video)
        part = client.get(address, headers={"range": "bytes=5-9"})
        assert (part.status_code, body(part)) == (206, video[5:10])
        assert part["Content-Range"] == f"bytes 5-9/{len(video)}"
        end = client.get(address, headers={"range": "bytes=-3", "if-range": whole["ETag"]})
        assert (end.status_code, body(end)) == (206, video[-3:])
        assert client.get(address, headers={"range": "bytes=9999-"}).status_code == 416
        assert client.get(address, headers={"if-none-match": whole["ETag"]}).status_code == 304
        clip = client.get(f"/media/jobs/{job.pk}/clips/1.mp4")
        assert body(clip) == video[64:]

    @pytest.mark.usefixtures("second_machine")
    def test_strangers_and_anonymous_people_make_nobody_ask_the_bucket(
        self, client: Client, outsider: User, job: Job, network: Network
    ) -> None:
        asked = len(network.seen)
        addresses = [f"/media/jobs/{job.pk}/video.mp4", f"/media/jobs/{job.pk}/clips/0.mp4"]
        assert [client.get(address).status_code for address in addresses] == [401, 401]
        client.force_login(outsider)
        assert [client.get(address).status_code for address in addresses] == [404, 404]
        assert len(network.seen) == asked

    def test_a_proxy_gets_a_signed_address_for_this_one_answer(
        self, client: Client, teacher: User, job: Job, settings: Settings, bucket_name: str
    ) -> None:
        settings.MEDIA_ACCEL_PREFIX = "/private-media"
        client.force_login(teacher)
        response = client.get(f"/media/jobs/{job.pk}/video.mp4")
        path, _, query = response["X-Accel-Redirect"].partition("?")
        assert path == f"/private-media/bucket/{bucket_name}/results_{job.pk}/{job.fence}/video.mp4"
        assert "X-Amz-Signature=" in query
        assert response.content == b""

    @pytest.mark.usefixtures("second_machine")
    def test_uploads_are_served_from_it_too(self, client: Client, admin_user: User) -> None:
        digest = uploads.store(UploadKind.PORTRAIT, b"a picture")
        uploads.local_path(UploadKind.PORTRAIT, digest).unlink()
        client.force_login(admin_user)
        response = client.get(f"/media/portraits/{digest}")
        assert (response.status_code, body(response)) == (200, b"a picture")

    def test_a_bucket_that_is_away_is_said_so(self, client: Client, teacher: User, job: Job, network: Network) -> None:
        network.misbehave("HEAD", "", how=answer_500, times=99)
        client.force_login(teacher)
        response = client.get(f"/media/jobs/{job.pk}/video.mp4")
        assert (response.status_code, response.json()["code"]) == (503, "storage_unavailable")
        assert int(response["Retry-After"]) > 0

    @pytest.mark.parametrize("how", [answer_500, never_answer])
    def test_readyz_says_that_the_bucket_is_away(self, how: Any, client: Client, db: None, network: Network) -> None:
        assert client.get("/readyz").json()["checks"]["bucket"] == "ok"
        network.misbehave("HEAD", "", how=how, times=99)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["checks"]["bucket"]) == (503, "storage_unavailable")
