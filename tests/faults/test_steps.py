"""Cases 14, 15, 17, 18, 19: between two steps of one change another process comes, or the power fails."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.faults.clerk import accept_jobs, cancel_job
from tests.faults.conftest import FaultRecord
from tests.faults.failpoints import FAILPOINTS_VARIABLE
from tests.faults.invariants import check_invariants
from tests.faults.seeds import over_seeds, wait_for_random_moment
from tests.faults.web import Web
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import Site

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("killed")]

CLAIMS = 50
REPORT_TWICE_AT_ONCE = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.db import connection
from talking_head.jobs import attempt_outcomes, claims
from talking_head.jobs.claim import Usage
from talking_head.pipeline.requests import ClipResult
together = Barrier(2)
def report(claim):
    result = ClipResult(f"{claim.clip_id}", "", 0.96, 24, 64, 64, False, False)
    try:
        together.wait()
        return attempt_outcomes.finish_clip(claim, result, Usage())
    finally:
        connection.close()
accepted = []
with ThreadPoolExecutor(2) as pool:
    while claim := claims.claim_clip("twins:1"):
        accepted.append(sum(pool.map(report, [claim, claim])))
print(json.dumps(accepted))
"""
GENERATE_AND_EDIT_MEANWHILE = """
import sys, time
from lessons import services
from talking_head.models import Clip, Job
from tests.factories import make_course, make_lesson, make_user
teacher = make_user("teacher", teacher=True)
lesson = make_lesson(make_course(teacher), script=sys.argv[1])
older = services.generate_video(lesson, by=teacher)
while not Clip.objects.filter(job=older, state="done").exists():
    time.sleep(0.05)
lesson = services.change_lesson(lesson, script="Another text.")
state = Job.objects.get(pk=older.pk).state
print(older.pk, state)
"""
SLOW_SCRIPT = " ".join(f"This is slow sentence {number}." for number in range(12))
PARALLEL = 10
LONG = [f"slow {number}." for number in range(4)]
LONG_SECONDS = 3.0  # a bit more than it takes, so that some are cancelled while they are published
HELD = "SELECT 1 FROM talking_head_clip WHERE job_id = ? AND state = 'leased'"


@pytest.mark.parametrize("database", ["site", "shared_site"], ids=["sqlite", "postgresql"])
def test_14_two_reports_of_the_same_clip_at_the_same_moment(
    request: pytest.FixtureRequest, database: str, fault: FaultRecord
) -> None:
    site: Site | SharedSite = request.getfixturevalue(database)
    jobs = accept_jobs(site, "twins", [f"{number}." for number in range(CLAIMS)])
    assert json.loads(site.python(REPORT_TWICE_AT_ONCE)) == [1] * CLAIMS
    assert site.attempts() == [("done", "")] * CLAIMS
    fault.add(check_invariants(site, jobs))


def test_15_a_publisher_killed_between_its_files_and_its_commit(site: Site, fault: FaultRecord) -> None:
    """The video lies in its place, no row speaks of it. The next publisher replaces it when the lease is over."""
    (job,) = accepted = accept_jobs(site, "half published", ["One.", "Two."])
    site.environment[FAILPOINTS_VARIABLE] = "dies_before_the_commit"
    removable = site.start("work", "--until-idle")
    assert removable.wait(timeout=60) == -signal.SIGKILL
    assert (site.media / f"results_{job}" / "video.mp4").is_file()
    assert site.states() == ["publishing"]
    fault.inject()
    site.environment[FAILPOINTS_VARIABLE] = ""
    site.start("sweep", "--every", "0.3")
    site.start("work")
    fault.wait_for_recovery(lambda: site.states() == ["completed"], "another publisher")
    assert site.attempts() == [("done", "")] * 2, "nothing is rendered again"
    assert site.rows("SELECT publish_crashes, publish_interruptions FROM talking_head_job") == [(0, 1)]
    fault.add(check_invariants(site, accepted))


@over_seeds
@pytest.mark.usefixtures("cluster")
def test_17_a_job_cancelled_at_any_moment(
    long_lived: Site, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    """Timed until no worker has it any more."""
    cancelled, neighbour = jobs = accept_jobs(long_lived, f"cancelled {seed}", LONG, ["Neighbour."])
    accepted += jobs
    wait_for_random_moment(seed, LONG_SECONDS)
    was_in_time = cancel_job(long_lived, cancelled)
    fault.inject()
    fault.wait_for_recovery(lambda: not long_lived.rows(HELD, cancelled.hex), "the end of the work on it")
    long_lived.wait_until_all_ended()
    state = f"SELECT target FROM recorded_move WHERE job = '{cancelled.hex}' ORDER BY number"
    moves = [move for (move,) in long_lived.rows(state)]
    assert ("cancelled" in moves, "completed" in moves) == (was_in_time, not was_in_time), moves
    assert long_lived.rows("SELECT state FROM talking_head_job WHERE id = ?", neighbour.hex) == [("completed",)]
    fault.add(check_invariants(long_lived, accepted))


def test_18_ten_parallel_posts_with_one_idempotency_key(site: Site, fault: FaultRecord) -> None:
    with Web(site) as web, ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda _: web.post_job("Once and only once.", key="the key"), range(PARALLEL)))
        assert {answer.status for answer in answers} <= {200, 201}
        (job,) = {UUID(answer.json()["id"]) for answer in answers}
        assert site.rows("SELECT COUNT(*) FROM talking_head_job") == [(1,)]
        site.start("work", "--until-idle").wait(timeout=60)
        fault.add(check_invariants(site, [job]))


def test_19_a_lesson_edited_in_mid_render_does_not_show_the_older_video(site: Site, fault: FaultRecord) -> None:
    """The older one is finished all the same, and published as what it is; the newer becomes the lesson's own."""
    site.start("work")
    site.start("sweep", "--every", "0.3")
    older, state = site.python(GENERATE_AND_EDIT_MEANWHILE, SLOW_SCRIPT).split()
    assert state == "running", "it was not edited in mid-render"
    site.wait_until_all_ended()
    assert site.states() == ["completed"]
    shown = "SELECT current_job FROM lessons_lesson"
    assert site.rows(shown) == [(None,)]
    newer = site.python(
        "from lessons import services\nfrom lessons.models import Lesson\nlesson = Lesson.objects.get()\n"
        "print(services.generate_video(lesson, by=lesson.course.teacher).pk)"
    ).strip()
    site.wait_until_all_ended()
    assert site.rows(shown) == [(UUID(newer).hex,)]
    fault.add(check_invariants(site, [UUID(older), UUID(newer)]))
