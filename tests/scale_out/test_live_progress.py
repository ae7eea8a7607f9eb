"""A viewer on the web machine hears of every change that a worker on another machine makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.scale_out.servers import Redis, origin_of
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = pytest.mark.xdist_group("servers")

SECONDS = 60.0


def watch(site: SharedSite, job: str) -> ClientConnection:
    cookie = site.sign_in_owner_of_all_jobs()
    address = f"ws://127.0.0.1:{site.start_web()}/ws/jobs/{job}/"
    return connect(address, additional_headers=cookie, origin=origin_of(address), proxy=None)


def everything_heard(viewer: ClientConnection) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Until the server says that the job is over."""
    events, previews = [], []
    try:
        while True:
            message = viewer.recv(timeout=SECONDS)
            if isinstance(message, bytes):
                previews.append(message)
            else:
                events.append(json.loads(message))
    except ConnectionClosed:
        return events, previews


def test_progress_and_previews_cross_machines_through_redis(site: SharedSite) -> None:
    (job,) = site.make_jobs(["One.", "Two.", "Three."])
    with watch(site, job) as viewer:
        assert json.loads(viewer.recv(timeout=SECONDS))["job"]["state"] == "queued"
        site.start_on("first", "work", "--until-idle")
        events, previews = everything_heard(viewer)
    assert events[-1]["job"]["state"] == "completed"
    heard = [event["type"] for event in events]
    assert heard.count("clip") >= 3, "nothing but snapshots would mean that only the clock was looked at"
    assert "stage" in heard
    assert previews and previews[0].startswith(b"\xff\xd8")
    numbers = [event.get("seq", 0) or event["job"]["seq"] for event in events]
    assert numbers == sorted(numbers)


@pytest.mark.faults
def test_a_viewer_hears_again_when_redis_was_restarted(site: SharedSite, redis_server: Redis) -> None:
    (job,) = site.make_jobs(["One.", "Two."])
    with watch(site, job) as viewer:
        viewer.recv(timeout=SECONDS)
        redis_server.kill()
        redis_server.start()
        wait_for(lambda: _subscribed(redis_server, job), "the web server to subscribe again")
        site.start_on("first", "work", "--until-idle")
        events, _previews = everything_heard(viewer)
    assert events[-1]["job"]["state"] == "completed"
    assert "clip" in [event["type"] for event in events]


def _subscribed(redis_server: Redis, job: str) -> bool:
    return any(job in name for name in redis_server.channels())
