"""Cases 29 and 30: PostgreSQL and Redis are killed at random moments under two machines that work."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from tests.faults.clerk import accept_jobs
from tests.faults.conftest import FaultRecord, new_shared_site
from tests.faults.invariants import LEASE_SECONDS, check_invariants, progress
from tests.faults.seeds import over_seeds, wait_for_random_moment
from tests.scale_out.servers import Postgres, Redis
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("servers")]

BUSY = tuple([f"slow {job} {clip}." for clip in range(4)] for job in range(3))
BUSY_SECONDS = 2.0  # less than two machines take for these jobs


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, redis_server: Redis, migrated: str
) -> Iterator[SharedSite]:
    """Two machines that work and one that sweeps, on PostgreSQL and Redis, for all seeds."""
    site = new_shared_site(tmp_path_factory.mktemp("servers"), (postgres, redis_server), migrated)
    yield site
    site.end()


@pytest.fixture
def machines(site: SharedSite) -> None:
    if not site.started:
        site.start_on("first", "work")
        site.start_on("second", "work")
        site.start_on("third", "sweep", "--every", "0.3")


def has_gone_on(site: SharedSite, before: int) -> bool:
    try:
        return progress(site) > before
    except psycopg.OperationalError:  # still starting
        return False


def finish(site: SharedSite, accepted: list[UUID], fault: FaultRecord) -> None:
    site.wait_until_all_ended()
    assert set(site.states()) <= {"completed", "fallback"}
    fault.add(check_invariants(site, accepted))


@over_seeds
@pytest.mark.usefixtures("machines")
def test_29_postgresql_killed_at_any_moment(
    site: SharedSite, postgres: Postgres, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    """Timed from the moment when it answers again."""
    before = progress(site)
    accepted += accept_jobs(site, f"postgresql {seed}", *BUSY)
    wait_for(lambda: progress(site) > before, "the first claim")
    wait_for_random_moment(seed, BUSY_SECONDS)
    before = progress(site)
    postgres.kill()
    wait_for_random_moment(seed + 1_000, 1.5 * LEASE_SECONDS)  # it is away for that long
    postgres.start()
    fault.inject()
    fault.wait_for_recovery(lambda: has_gone_on(site, before), "the work to go on")
    finish(site, accepted, fault)


@over_seeds
@pytest.mark.usefixtures("machines")
def test_30_redis_killed_at_any_moment(
    site: SharedSite, redis_server: Redis, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    """Jobs are accepted meanwhile. It comes back empty; timed until one of those jobs is claimed."""
    before = progress(site)
    accepted += accept_jobs(site, f"before redis {seed}", *BUSY)
    wait_for(lambda: progress(site) > before, "the first claim")
    wait_for_random_moment(seed, BUSY_SECONDS)
    redis_server.kill()
    late = accept_jobs(site, f"without redis {seed}", ["Three."])
    accepted += late
    redis_server.start()
    fault.inject()
    taken_up = f"SELECT 1 FROM talking_head_job WHERE id = '{late[0]}' AND state <> 'queued'"
    fault.wait_for_recovery(lambda: site.rows(taken_up), "the job to be taken up")
    finish(site, accepted, fault)
