"""Two worker machines' worth of processes on PostgreSQL and Redis, and what happens when one of them dies."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = pytest.mark.xdist_group("servers")


def test_two_machines_share_the_work_and_one_is_killed_in_mid_job(site: SharedSite) -> None:
    """SIGKILL for everything of one machine, as when it loses power: its clips are rendered by the other."""
    jobs = [[f"Job {job} slow {clip}." for clip in range(4)] for job in range(6)]
    site.make_jobs(["hang once", "Two."], *jobs)
    site.start_on("third", "sweep", "--every", "0.3")
    removable = site.start_on("first", "work")
    site.wait_for_render("hang once")
    site.start_on("second", "work")
    wait_for(lambda: len(_workers(site)) == 2, "both machines to work")
    os.killpg(removable.pid, signal.SIGKILL)
    removable.wait()
    site.wait_until_all_ended()
    assert set(site.states()) == {"completed"}
    assert sorted(site.attempts())[:-1] == [("done", "")] * 26
    assert sorted(site.attempts())[-1] == ("lost", "worker_lost")
    assert len(set(_workers(site))) == 2
    site.assert_invariants()


def test_the_queue_works_on_postgresql_without_redis(site: SharedSite) -> None:
    site.environment["REDIS_URL"] = ""
    site.make_jobs(["One.", "crash once", "Three."])
    site.start_on("first", "sweep", "--every", "0.3")
    site.start_on("first", "work")
    site.wait_until_all_ended()
    assert site.states() == ["completed"]
    assert sorted(site.attempts()) == [("crashed", "renderer_crashed")] + [("done", "")] * 3
    site.assert_invariants()


@pytest.mark.parametrize(("jobs", "clips"), [(1, 160), (40, 4)], ids=["all after the same job", "many jobs"])
def test_13_eight_claimers_take_every_clip_once(site: SharedSite, jobs: int, clips: int) -> None:
    """READ COMMITTED, and all let go at once: conditional updates alone keep them apart."""
    load = ["--claimers", "8", "--jobs", str(jobs), "--clips", str(clips), "--teachers", "5"]
    result = json.loads(site.run("-m", "benchmarks.claims", *load))
    assert (result["database"], result["claims"], result["doubled"], result["left"]) == ("postgresql", 160, 0, 0)
    states = site.rows("SELECT state, fence, crashes, COUNT(*) FROM talking_head_clip GROUP BY 1, 2, 3")
    assert states == [("leased", 1, 1, 160)]
    assert site.rows("SELECT COUNT(*) FROM talking_head_attempt") == [(160,)]


def _workers(site: SharedSite) -> set[str]:
    return {worker for (worker,) in site.rows("SELECT DISTINCT worker FROM talking_head_attempt")}
