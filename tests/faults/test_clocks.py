"""Case 32: one of several machines has a wrong clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.clerk import accept_jobs
from tests.faults.conftest import FaultRecord
from tests.faults.invariants import LEASE_SECONDS, check_invariants
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("servers")]

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)  # where Debian puts it


@pytest.mark.parametrize("offset", ["+3600s", "-3600s"])
def test_32_a_machine_whose_clock_is_off_by_an_hour(shared_site: SharedSite, fault: FaultRecord, offset: str) -> None:
    """Leases go by the database's clock: it takes nothing from others, and nothing is taken from it."""
    if FAKETIME is None:
        pytest.skip("libfaketime is not installed (apt-get install faketime)")
    site = shared_site
    accepted = accept_jobs(site, "held", ["hang", "slow Two."])
    site.start_on("first", "work")
    site.wait_for_render("hang")
    healthy = dict(site.environment)
    site.environment |= {"LD_PRELOAD": str(FAKETIME), "FAKETIME": offset}
    assert abs(_clock_error_seconds(site)) > 3_000, "the fault was not injected"
    wrong = site.start_on("second", "work")
    sweeper = site.start_on("third", "sweep", "--every", "0.3")
    accepted += accept_jobs(site, "from a wrong clock", ["slow Three.", "slow Four."], ["crash once", "Five."])
    renewed = "SELECT lease_expires_at FROM talking_head_clip WHERE text = 'hang'"
    ((before,),) = site.rows(renewed)
    others = f"SELECT 1 FROM talking_head_job WHERE id <> '{accepted[0]}' AND state NOT IN ('completed', 'fallback')"
    wait_for(lambda: not site.rows(others), "the jobs of the machine with the wrong clock")
    wait_for(lambda: (site.rows(renewed)[0][0] - before).total_seconds() > 2 * LEASE_SECONDS, "several renewals")
    assert site.rows("SELECT state, fence FROM talking_head_clip WHERE text = 'hang'") == [("leased", 1)]
    assert (wrong.poll(), sweeper.poll()) == (None, None), site.log()
    site.environment = healthy
    site.python(
        "import sys\nfrom talking_head.jobs import state_machine\nstate_machine.cancel(sys.argv[1])", str(accepted[0])
    )
    site.wait_until_all_ended()
    fault.add(check_invariants(site, accepted))


def _clock_error_seconds(site: SharedSite) -> float:
    ((now,),) = site.rows("SELECT extract(epoch FROM now())")
    return float(site.python("import time\nprint(time.time())")) - float(now)
