"""Faults of the servers behind the platform: stopped hard, emptied, or silent, while jobs run."""

from __future__ import annotations

import psutil
import pytest

from tests.scale_out.servers import Postgres, Redis
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = pytest.mark.xdist_group("servers")

SUBMIT = """
from django.contrib.auth.models import User
from talking_head import services
teacher, _ = User.objects.get_or_create(username="teacher")
print(services.submit_job(owner=teacher, script="A sentence.", face="still", profile="fast").pk)
"""


@pytest.mark.faults
def test_29_postgresql_is_stopped_hard_and_started_again(site: SharedSite, postgres: Postgres) -> None:
    """In mid-clip, and for longer than a lease: workers, sweeper and clusters find their way back by themselves."""
    site.make_jobs(["One.", "slow Two.", "hang once", "Four."], *[[f"slow {number}."] for number in range(6)])
    machines = [site.start_on(name, "work") for name in ("first", "second")]
    machines.append(site.start_on("third", "sweep", "--every", "0.3"))
    site.wait_for_render("hang once")
    renderer = site.renderer_of("hang once")
    postgres.kill()
    wait_for(lambda: site.has_logged("A sweep failed"), "the sweeper to notice")
    wait_for(lambda: not psutil.pid_exists(renderer), "the worker to give up a clip whose lease it cannot renew")
    postgres.start()
    site.wait_until_all_ended()
    assert set(site.states()) <= {"completed", "fallback"}
    assert [machine.poll() for machine in machines] == [None] * 3
    site.make_jobs(["Afterwards."])
    site.wait_until_all_ended()
    assert site.states()[-1] == "completed"
    site.assert_invariants()


@pytest.mark.faults
def test_30_redis_is_killed_and_comes_back_empty(site: SharedSite, redis_server: Redis) -> None:
    site.start_on("first", "work")
    site.start_on("third", "sweep", "--every", "0.3")
    site.make_jobs(["One."])
    site.wait_until_all_ended()
    redis_server.kill()
    job = site.python(SUBMIT).strip()
    assert site.states() == ["completed", "queued"], f"job {job} was not accepted"
    redis_server.start()
    site.wait_until_all_ended()
    assert set(site.states()) == {"completed"}
    site.assert_invariants()


def test_30_a_job_is_accepted_while_redis_is_silent(site: SharedSite, redis_server: Redis) -> None:
    """Connections are accepted and nothing answers: no request may wait for ever."""
    redis_server.freeze()
    site.python(SUBMIT)
    assert site.states() == ["queued"]


def test_a_worker_finishes_its_job_while_redis_is_silent(site: SharedSite, redis_server: Redis) -> None:
    site.make_jobs(["One.", "Two."])
    redis_server.freeze()
    site.start_on("first", "work", "--until-idle").wait(timeout=60)
    assert site.states() == ["completed"]
    assert site.attempts() == [("done", "")] * 2
    site.assert_invariants()


def test_a_worker_whose_connections_are_cut_keeps_its_lease(site: SharedSite) -> None:
    """As a fail-over or an administrator does it: the server is there, the old connection is not."""
    site.make_jobs(["hang"])
    site.start_on("third", "sweep", "--every", "0.3")
    site.start_on("first", "work")
    site.wait_for_render("hang")
    lease = "SELECT lease_expires_at, fence FROM talking_head_clip"
    ((before, _fence),) = site.rows(lease)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    assert site.rows(f"{others} AND pid <> pg_backend_pid()")
    ((length,),) = site.rows("SELECT lease_expires_at - now() FROM talking_head_clip")
    wait_for(lambda: site.rows(lease)[0][0] > before + 2 * length, "the lease to be renewed again and again")
    assert site.rows(lease)[0][1] == 1
    assert "worker_lost" not in [code for _outcome, code in site.attempts()]


def test_workers_that_start_before_redis_wait_for_it(site: SharedSite, redis_server: Redis) -> None:
    redis_server.kill()
    cluster = site.start_on("first", "work")
    wait_for(lambda: site.has_logged("The queue does not answer"), "the workers to notice")
    site.make_jobs(["One."])
    redis_server.start()
    site.start_on("third", "sweep", "--every", "0.3")
    site.wait_until_all_ended()
    assert site.states() == ["completed"]
    assert cluster.poll() is None
