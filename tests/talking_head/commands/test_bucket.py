"""``manage.py bucket``: an empty bucket, and one that gets all that a site has on its disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from talking_head.files import bucket, job_files, local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import JobState
from tests.object_store import Network, answer_500
from tests.talking_head.rows import make_finished_job

pytestmark = pytest.mark.xdist_group("servers")


@pytest.fixture
def without_bucket(settings: Settings) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = ""


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("bucket", *arguments, stdout=out)
    return out.getvalue()


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_without_a_bucket_it_says_what_to_set(without_bucket: None) -> None:
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        run("--create")


def test_a_bucket_is_made_once(bucket_name: str, settings: Settings) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = f"{bucket_name}-new"
    assert "created" in run("--create")
    bucket.upload_bytes("file", b"data")
    assert "already" in run("--create")
    assert bucket.names("") == ["file"]


def test_a_site_goes_on_from_the_bucket_as_if_nothing_had_happened(
    bucket_name: str, settings: Settings, teacher: User, client: Client, tmp_path: Path
) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = ""
    job = make_finished_job(teacher, fence=3)
    failed = make_finished_job(teacher, state=JobState.FAILED)
    portrait = uploads.store(UploadKind.PORTRAIT, b"a picture")
    unfinished = local.media_root() / f"results_{job.pk}.staging-4"
    unfinished.mkdir()
    (unfinished / "video.mp4").write_bytes(b"half")

    settings.AWS_STORAGE_BUCKET_NAME = bucket_name
    first = run("--move")
    assert "0 files" not in first
    assert "0 files" in run("--move"), "what is there is left alone"

    names = bucket.names("")
    assert not any("staging" in name for name in names)
    assert {name.split("/")[1] for name in names if str(failed.pk) in name} <= {
        "log.txt", f"performance_metrics_{failed.pk}.json",
    }  # fmt: skip
    settings.MEDIA_ROOT = tmp_path / "another machine"
    assert job_files.files_of(job) >= {"video.mp4", "captions.vtt", "log.txt"}
    assert uploads.fetch(UploadKind.PORTRAIT, portrait).read_bytes() == b"a picture"
    client.force_login(teacher)
    assert body(client.get(f"/media/jobs/{job.pk}/video.mp4")) == b"0123456789"
    assert body(client.get(f"/media/jobs/{job.pk}/clips/0.mp4")) == b"clip"


def test_a_move_that_was_interrupted_goes_on(bucket_name: str, settings: Settings, network: Network) -> None:
    settings.AWS_STORAGE_BUCKET_NAME = ""
    digests = [uploads.store(UploadKind.PORTRAIT, bytes([number])) for number in range(3)]
    settings.AWS_STORAGE_BUCKET_NAME = bucket_name
    network.misbehave("PUT", digests[1], how=answer_500, times=99)
    with pytest.raises(CommandError, match="object storage"):
        run("--move")
    network.behave()
    run("--move")
    assert {name.rpartition("/")[2] for name in bucket.names("")} == set(digests)
