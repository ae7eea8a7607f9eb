"""Faults between processes: real workers, a real queue, a real database file, and real signals."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.talking_head.jobs.site import Site, wait_for

pytestmark = pytest.mark.xdist_group("processes")


def assert_site_invariants(site: Site) -> None:
    ended = site.rows("SELECT id, state FROM talking_head_job WHERE finished_at IS NOT NULL")
    assert not site.rows("SELECT 1 FROM talking_head_clip WHERE state = 'leased'")
    assert not site.rows(
        "SELECT 1 FROM talking_head_attempt WHERE outcome NOT IN ('done', 'released') AND error_code = ''"
    )
    assert site.rows("SELECT COUNT(*) FROM talking_head_attempt") == site.rows(
        "SELECT SUM(fence) FROM talking_head_clip"
    )
    assert list(site.media.glob("results_*.staging-*")) == []
    videos = {path.parent.name for path in site.media.glob("results_*/video.mp4")}
    watchable = {f"results_{_uuid(job)}" for job, state in ended if state in ("completed", "fallback")}
    assert videos == watchable


def _uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def test_2_a_killed_queue_worker_costs_one_lease_and_nothing_is_done_twice(site: Site) -> None:
    site.make_jobs(["One.", "hang once", "Three."], ["Another."])
    site.start("work")
    site.start("sweep", "--every", "0.3")
    site.wait_for_render("hang once")
    os.kill(site.wait_for_lease(), signal.SIGKILL)
    site.wait_until_all_ended()
    assert site.states() == ["completed", "completed"]
    outcomes = site.attempts()
    assert sorted(outcomes) == [("done", "")] * 4 + [("lost", "worker_lost")]
    assert_site_invariants(site)


def test_4_an_idle_worker_that_was_killed_is_replaced_at_once(site: Site) -> None:
    cluster = site.start("work")
    site.start("sweep", "--every", "0.3")
    site.make_jobs(["One."])
    site.wait_until_all_ended()
    (worker,) = {int(name.rpartition(":")[2]) for (name,) in site.rows("SELECT worker FROM talking_head_attempt")}
    os.kill(worker, signal.SIGKILL)
    site.make_jobs(["Two."])
    site.wait_until_all_ended()
    assert site.states() == ["completed"] * 2
    assert cluster.poll() is None
    assert f"worker {worker} ended with status -9; replacing it" in site.log()
    assert_site_invariants(site)


def test_4_an_idle_worker_stopped_beside_a_busy_one_is_replaced_and_the_busy_one_goes_on(site: Site) -> None:
    """What hangs would hang for two minutes, and its worker shows all the while that it lives."""
    site.environment |= {"TALKING_HEAD_SLOTS": "2", "TALKING_HEAD_RESERVED_SLOTS": "0"}
    site.start("work")
    wait_for(lambda: len(_workers(site)) == 2, "both workers")
    site.start("sweep", "--every", "0.3")
    site.make_jobs(["hang once"])
    site.wait_for_render("hang once")
    busy = site.wait_for_lease()
    (idle,) = _workers(site) - {busy}
    wait_for(lambda: _sleeps_until_woken(idle), "the other one to be idle")
    os.kill(idle, signal.SIGSTOP)
    site.make_jobs(["Two."])
    wait_for(lambda: site.states() == ["running", "completed"], "the second job")
    assert "replacing the workers" in site.log()
    assert busy in _workers(site)
    assert site.attempts() == [("", ""), ("done", "")]


def _sleeps_until_woken(pid: int) -> bool:
    """Whether a process is in the only `select` of a worker, as the kernel sees it."""
    where = Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")
    return "poll" in where or "select" in where


def _workers(site: Site) -> set[int]:
    """Those that have a renderer."""
    renderers = [process for process in site.processes() if "fake_renderer" in " ".join(process.cmdline())]
    return {process.ppid() for process in renderers}


def test_5_when_the_cluster_is_killed_its_whole_tree_dies(site: Site) -> None:
    site.make_jobs(["hang"])
    cluster = site.start("work")
    site.start("sweep")
    site.wait_for_render("hang")
    cluster.send_signal(signal.SIGKILL)
    cluster.wait()
    wait_for(lambda: not site.processes(), "the death of all processes", 5.0)


@pytest.mark.parametrize("to_group", [True, False])
def test_6_7_told_to_stop_a_cluster_gives_back_what_it_holds_and_leaves_the_backlog_alone(
    site: Site, to_group: bool
) -> None:
    """TERM to the whole group (what systemd does) and to the parent alone, with eight more jobs and rings waiting."""
    site.make_jobs(["hang"], *[["Other."]] * 8)
    cluster = site.start("work")
    site.python("from talking_head.jobs import wakeups\nfor _ in range(9): wakeups.wake_worker()")
    site.wait_for_render("hang")
    if to_group:
        os.killpg(cluster.pid, signal.SIGTERM)
    else:
        cluster.terminate()
    assert cluster.wait(timeout=20) == 0
    assert site.processes() == []
    assert site.attempts() == [("released", "")]
    assert site.states() == ["running"] + ["queued"] * 8
    assert site.rows("SELECT DISTINCT crashes FROM talking_head_clip") == [(0,)]
    assert_site_invariants(site)


def test_12_a_supervisor_stopped_past_its_lease_writes_nothing_when_it_comes_back(site: Site) -> None:
    site.make_jobs(["hang once", "Two."])
    sleeper = site.start("work", "--until-idle")
    site.wait_for_render("hang once")
    assert site.wait_for_lease() == sleeper.pid
    os.kill(sleeper.pid, signal.SIGSTOP)
    peer = site.start("work", "--until-idle")
    wait_for(lambda: site.attempts()[0] == ("lost", "worker_lost") or _retry(site, peer.pid), "the lease to run out")
    site.start("sweep", "--every", "0.3")
    site.start("work")
    site.wait_until_all_ended()
    before = site.rows("SELECT * FROM talking_head_clip ORDER BY id")
    os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(timeout=30) == 0
    assert site.rows("SELECT * FROM talking_head_clip ORDER BY id") == before
    assert site.states() == ["completed"]
    assert sorted(site.attempts()) == [("done", ""), ("done", ""), ("lost", "worker_lost")]
    assert_site_invariants(site)


def _retry(site: Site, pid: int) -> bool:
    """A sweep from outside, because a worker that finds nothing to claim goes home."""
    if not psutil.pid_exists(pid):
        return False
    site.start("sweep").wait()
    return site.attempts()[0] == ("lost", "worker_lost")


CLAIM_AND_FINISH = """
import sys
from talking_head.jobs import attempt_outcomes, claims
from talking_head.jobs.claim import Usage
from talking_head.pipeline.requests import ClipResult
count = 0
while claim := claims.claim_clip(f"claimer:{sys.argv[1]}"):
    result = ClipResult(f"{claim.clip_id}", "", 0.96, 24, 64, 64, False, False)
    assert attempt_outcomes.finish_clip(claim, result, Usage())
    count += 1
print(count)
"""


def test_13_four_processes_claim_two_hundred_clips_and_none_twice(site: Site) -> None:
    """Through one SQLite file, without a single lock error."""
    from concurrent.futures import ThreadPoolExecutor

    site.make_jobs(*[["One.", "Two."]] * 100)
    with ThreadPoolExecutor(4) as pool:
        counts = [int(printed) for printed in pool.map(lambda n: site.python(CLAIM_AND_FINISH, str(n)), range(4))]
    assert sum(counts) == 200
    assert site.rows("SELECT state, fence, crashes, COUNT(*) FROM talking_head_clip GROUP BY 1, 2, 3") == [
        ("done", 1, 0, 200)
    ]
    assert site.rows("SELECT COUNT(*) FROM talking_head_attempt WHERE outcome = 'done'") == [(200,)]


def test_16_a_stop_after_the_commit_only_delays_the_notification(site: Site) -> None:
    """The process is gone between the commit that publishes and what follows it: the sweeper makes up for it, and
    nothing is rendered again."""
    site.make_jobs(["One."])
    site.python(
        "import os\n"
        "from talking_head.jobs import outbox\n"
        "outbox.deliver = lambda number: os._exit(0)\n"
        "from talking_head.worker.worker import Worker\n"
        "from talking_head.worker.renderer_handle import new_renderer\n"
        "Worker(new_renderer()).work()\n"
    )
    assert site.states() == ["completed"]
    assert list(site.media.glob("results_*/performance_metrics_*.json")) == []
    code = (
        "from talking_head.worker import sweeper\nsweeper.OUTBOX_AFTER_SECONDS = 0.0\nprint(sweeper.deliver_outbox())"
    )
    assert site.python(code).strip() == "1"
    assert site.python(code).strip() == "0"
    (metrics,) = site.media.glob("results_*/performance_metrics_*.json")
    assert json.loads(metrics.read_text())["outcome"] == "completed"
    assert (site.media / "cache" / "rendered.txt").read_text().count("\n") == 1
    assert_site_invariants(site)
