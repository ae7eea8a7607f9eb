"""Cases 13, 27, 28: many claimers at one database, a database that is locked, a queue that cannot keep its results."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import pytest

from tests.faults.clerk import accept_jobs
from tests.faults.conftest import FaultRecord
from tests.faults.failpoints import FAILPOINTS_VARIABLE
from tests.faults.invariants import check_invariants, progress
from tests.faults.web import Web
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import Site, wait_for

CLAIMERS = 4
JOBS = 2_000
LOCKED_SECONDS = 30.0
MAKE_JOBS = """
import sys
from django.contrib.auth.models import User
from talking_head.models import Clip, Job
teachers = User.objects.bulk_create([User(username=f"teacher {number}") for number in range(5)])
values = {"script": "Words.", "speech": "none", "face": "none", "timeout_seconds": 3_600.0}
jobs = Job.objects.bulk_create(Job(owner=teachers[number % 5], **values) for number in range(int(sys.argv[1])))
Clip.objects.bulk_create(Clip(job=job, index=0, text="Words.", spoken="Words.", start=0, end=6) for job in jobs)
print(*(job.pk for job in jobs))
"""
CLAIM_AND_FINISH = """
import sys
from talking_head.jobs import attempt_outcomes, claims
from talking_head.jobs.claim import Usage
from talking_head.jobs import state_machine as lifecycle
from talking_head.pipeline.requests import ClipResult
count = 0
while (claim := claims.claim_clip(f"claimer:{sys.argv[1]}")) or claims.has_claimable_clips():
    if claim:
        result = ClipResult(f"{claim.clip_id}", "", 0.96, 24, 64, 64, False, False)
        assert attempt_outcomes.finish_clip(claim, result, Usage())
        count += 1
print(count)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_site(request: pytest.FixtureRequest) -> Site | SharedSite:
    return request.getfixturevalue("site" if request.param == "sqlite" else "shared_site")


@pytest.mark.faults
def test_13_four_claimers_share_two_thousand_jobs(database_site: Site | SharedSite, fault: FaultRecord) -> None:
    """All of them until nothing is left; a lock error of any kind would end a claimer and fail the test."""
    site = database_site
    jobs = [UUID(job) for job in site.python(MAKE_JOBS, str(JOBS)).split()]
    with ThreadPoolExecutor(CLAIMERS) as pool:
        counts = list(pool.map(lambda number: int(site.python(CLAIM_AND_FINISH, str(number))), range(CLAIMERS)))
    states = site.rows("SELECT state, fence, crashes, COUNT(*) FROM talking_head_clip GROUP BY 1, 2, 3")
    assert sum(counts) == JOBS
    assert states == [("done", 1, 0, JOBS)]
    fault.add(check_invariants(site, jobs))


@pytest.mark.faults
def test_27_sqlite_locked_exclusively_for_thirty_seconds(site: Site, fault: FaultRecord) -> None:
    """By a backup tool, say. Requests wait or are told to come back, and what was promised is done later."""
    with Web(site) as web:
        accepted = accept_jobs(site, "before", ["slow One.", "slow Two.", "slow Three."])
        site.start("sweep", "--every", "0.3")
        site.start("work")
        site.wait_for_render("slow One.")
        with closing(sqlite3.connect(site.database, timeout=20, isolation_level=None)) as locker:
            locker.execute("BEGIN EXCLUSIVE")
            locked_at = time.monotonic()
            with ThreadPoolExecutor(3) as pool:
                answers = [pool.submit(web.post_job, "While it is locked.", key=f"key {n}") for n in range(3)]
                wait_for(lambda: all(answer.done() for answer in answers), "the answers", 45.0)
            time.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - locked_at)))
            locker.rollback()
        fault.inject()
        statuses = [answer.result().status for answer in answers]
        assert set(statuses) <= {201, 503}, statuses
        assert all(answer.result().headers["Retry-After"] for answer in answers if answer.result().status == 503)
        before = progress(site)
        fault.wait_for_recovery(lambda: progress(site) > before, "the work to go on")
        assert web.get("/readyz").status == 200
        site.wait_until_all_ended()
        accepted += [UUID(answer.result().json()["id"]) for answer in answers if answer.result().status == 201]
        assert len(site.states()) == len(accepted), "what was refused is there all the same"
        fault.add(check_invariants(site, accepted))
        fault.figures = {"answers_while_locked": sorted(statuses)}


@pytest.mark.faults
def test_28_a_task_that_fails_changes_nothing_and_leaves_no_result(site: Site, fault: FaultRecord) -> None:
    """Its wakeup is gone; the sweeper sends another one, and nothing of ours is read from results."""
    site.environment[FAILPOINTS_VARIABLE] = "first_task_fails"
    accepted = accept_jobs(site, "failing", ["One.", "crash once", "Three."], ["Four."])
    site.start("work")
    site.start("sweep", "--every", "0.3")
    site.wait_until_all_ended()
    assert "as every task does some day" in site.log()
    accepted += accept_jobs(site, "afterwards", ["Five."])
    site.wait_until_all_ended()
    assert set(site.states()) == {"completed"}
    assert site.rows("SELECT COUNT(*) FROM django_q_task") == [(0,)]
    fault.add(check_invariants(site, accepted))
