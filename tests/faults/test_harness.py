"""Would these tests notice? With the recovery switched off, they must count a lost job."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.cases import CASES, cases_of
from tests.faults.clerk import accept_jobs
from tests.faults.failpoints import FAILPOINTS_VARIABLE
from tests.faults.invariants import LEASE_SECONDS, check_invariants, examine
from tests.talking_head.jobs.site import Site, wait_for

pytestmark = pytest.mark.xdist_group("killed")

OVERDUE = f"SELECT 1 FROM talking_head_clip WHERE lease_expires_at < datetime('now', '-{LEASE_SECONDS} seconds')"


@pytest.mark.parametrize("failpoint", ["", "no_recovery"])
def test_without_recovery_a_job_is_lost_and_counted(site: Site, failpoint: str) -> None:
    site.environment[FAILPOINTS_VARIABLE] = failpoint
    accepted = accept_jobs(site, "doomed", ["hang once"])
    site.start("work", "--until-idle")
    site.wait_for_render("hang once")
    os.kill(site.wait_for_lease(), signal.SIGKILL)
    site.start("work")
    site.start("sweep", "--every", "0.3")
    if failpoint:
        wait_for(lambda: site.rows(OVERDUE), "the lease to be long over")
        tally = examine(site, accepted)
        assert (tally.lost, tally.doubled) == (1, 0)
        assert any(problem.startswith("lease older") for problem in tally.problems)
    else:
        site.wait_until_all_ended()
        assert check_invariants(site, accepted).lost == 0


def test_a_doubled_publication_is_counted(site: Site) -> None:
    (job,) = accept_jobs(site, "twice", ["One."])
    site.start("work", "--until-idle").wait()
    assert check_invariants(site, [job]).doubled == 0
    site.python(
        "from talking_head.models import Job\n"
        "Job.objects.update(state='publishing')\nJob.objects.update(state='completed')\n"
    )
    assert examine(site, [job]).doubled == 1


def test_a_forgotten_job_is_counted(site: Site) -> None:
    (job,) = accept_jobs(site, "forgotten", ["One."])
    site.python("from talking_head.models import Job\nJob.objects.all().delete()")
    assert examine(site, [job]).lost == 1


def test_names_of_tests_tell_their_cases() -> None:
    assert cases_of("test_8_9_10_a_clip_that[grind]") == [8, 9, 10]
    assert cases_of("test_a_job_without_faults") == []
    assert all(CASES.values())
