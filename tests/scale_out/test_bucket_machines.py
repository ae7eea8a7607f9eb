"""Machines that share PostgreSQL, Redis and a bucket, and no disk: each has a media folder of its own."""

from __future__ import annotations

import os
import signal
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from uuid import UUID

import pytest

from tests.object_store import KEYS, REGION, ObjectStore
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = pytest.mark.xdist_group("servers")


@pytest.fixture
def bucket_of_site(site: SharedSite, object_store: ObjectStore) -> str:
    name = object_store.make_bucket()
    site.environment |= {
        "AWS_STORAGE_BUCKET_NAME": name,
        "AWS_S3_ENDPOINT_URL": object_store.url,
        "AWS_S3_REGION_NAME": REGION,
        **KEYS,
    }
    return name


def test_two_machines_without_a_common_disk_and_one_is_killed_in_mid_job(
    site: SharedSite, bucket_of_site: str, object_store: ObjectStore
) -> None:
    """SIGKILL for everything of one machine: the other one finishes its jobs with the clips that it had finished, and a
    third, which has none of the files, shows the videos to whom they belong."""
    jobs = [[f"Job {job} slow {clip}." for clip in range(2)] for job in range(2)]
    site.make_jobs(["One.", "hang once", "Three."], *jobs)
    site.start_on("third", "sweep", "--every", "0.3")
    removable = site.start_on("first", "work")
    wait_for(lambda: "hang once" in rendered(site, "first"), "the first machine to hang")
    assert site.attempts() == [("done", ""), ("", "")], "it has finished a sentence of the job in hand"
    knows_it = site.media_of("second") / "cache" / "seen-hang-once"  # the mishap of one machine is not the other's too
    knows_it.parent.mkdir(parents=True)
    knows_it.touch()
    site.start_on("second", "work")
    wait_for(lambda: rendered(site, "second"), "the second machine to work")
    os.killpg(removable.pid, signal.SIGKILL)
    removable.wait()
    site.wait_until_all_ended()

    assert set(site.states()) == {"completed"}
    assert sorted(site.attempts())[-1] == ("lost", "worker_lost")
    assert [attempt for attempt in site.attempts() if attempt[0] == "done"] == [("done", "")] * 7
    assert "One." not in rendered(site, "second")
    published = published_names(site)
    assert published <= names(object_store, bucket_of_site)
    videos = {name for name in names(object_store, bucket_of_site) if name.endswith("/video.mp4")}
    assert videos == published, "no video but the published ones"
    assert not list(site.media.rglob("*.mp4")), "nothing went into a folder that they would have to share"
    assert_served_to_whom_it_belongs(site, sorted(published)[0])


def assert_served_to_whom_it_belongs(site: SharedSite, name: str) -> None:
    job = name.split("/")[0].removeprefix("results_")
    port, owner, stranger = site.start_web(), site.sign_in_owner_of_all_jobs(), site.sign_in_stranger()
    address = f"/media/jobs/{job}/video.mp4"
    whole, body = get(port, address, owner)
    assert (whole.status, whole.headers["Content-Type"]) == (200, "video/mp4")
    part, middle = get(port, address, {**owner, "Range": "bytes=10-19"})
    assert (part.status, middle) == (206, body[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(body)}"
    assert get(port, address, stranger)[0].status == 404
    assert get(port, address, {})[0].status == 401


def rendered(site: SharedSite, machine: str) -> str:
    notes = site.media_of(machine) / "cache" / "rendered.txt"
    return notes.read_text() if notes.exists() else ""


def published_names(site: SharedSite) -> set[str]:
    rows: list[tuple[UUID, int]] = site.rows("SELECT id, fence FROM talking_head_job WHERE state = 'completed'")
    return {f"results_{job}/{fence}/video.mp4" for job, fence in rows}


def names(store: ObjectStore, bucket: str) -> set[str]:
    pages: Any = store.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {found["Key"] for page in pages for found in page.get("Contents", ())}


def get(port: int, path: str, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body
