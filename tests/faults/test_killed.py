"""Cases 1, 2, 4, 5, 11, 12: processes are killed or stopped at random moments while they work. A cluster that the fault
should survive serves one seed after the other, as it would on a bad day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from uuid import UUID

import psutil
import pytest

from tests.faults.clerk import accept_jobs
from tests.faults.conftest import FaultRecord
from tests.faults.invariants import check_invariants, progress
from tests.faults.locks import can_write
from tests.faults.seeds import over_seeds, wait_for_random_moment
from tests.talking_head.jobs.site import ROOT, Site, wait_for

pytestmark = pytest.mark.xdist_group("killed")

BUSY = (["slow One.", "slow Two.", "slow Three."], ["slow Four.", "slow Five.", "slow Six."])
BUSY_SECONDS = 2.0  # less than these jobs take
HOLDS = "SELECT id, fence FROM talking_head_clip WHERE state = 'leased' AND leased_by LIKE ?"
DIE_IN_THE_MOMENT_OF_A_FORK = """
import os, signal
parent = os.getpid()
def outlive_the_parent():
    while os.getppid() == parent: pass
os.register_at_fork(after_in_child=outlive_the_parent)  # before the child has run a line of ours
from talking_head.worker.forking import fork_bound
fork_bound("test", lambda: os.write(1, b"orphaned"))
os.kill(parent, signal.SIGKILL)
"""
LONG = [f"slow {number}." for number in range(10)]  # a worker that is started now comes in time for its end


def begin(site: Site, accepted: list[UUID], key: str) -> None:
    """New jobs, the first of which is being rendered."""
    before = progress(site)
    accepted += accept_jobs(site, key, *BUSY)
    wait_for(lambda: progress(site) > before + 1, "the first claim")


def renderer(site: Site) -> psutil.Process | None:
    return next((process for process in site.processes() if "fake_renderer" in " ".join(_words(process))), None)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def worker_pid(site: Site) -> int:
    """The worker that claimed last."""
    ((name,),) = site.rows("SELECT worker FROM talking_head_attempt ORDER BY id DESC LIMIT 1")
    return int(name.rpartition(":")[2])


def was_reclaimed(site: Site, clip: int, fence: int) -> bool:
    return bool(site.rows("SELECT 1 FROM talking_head_clip WHERE id = ? AND fence > ?", clip, fence))


def finish(site: Site, accepted: list[UUID], fault: FaultRecord) -> None:
    site.wait_until_all_ended()
    assert set(site.states()) == {"completed"}
    fault.add(check_invariants(site, accepted))


def strike_the_renderer(site: Site, accepted: list[UUID], fault: FaultRecord, seed: int, number: int) -> None:
    begin(site, accepted, f"renderer {number} {seed}")
    wait_for_random_moment(seed, BUSY_SECONDS)
    victim = wait_for(lambda: renderer(site), "a renderer")
    victim.send_signal(number)
    before = progress(site)
    fault.inject()
    fault.wait_for_recovery(lambda: progress(site) > before, "the work to go on")
    finish(site, accepted, fault)
    wait_for(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE, "the end of the victim")


@over_seeds
@pytest.mark.usefixtures("cluster")
def test_1_a_renderer_killed_at_any_moment(
    long_lived: Site, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    strike_the_renderer(long_lived, accepted, fault, seed, signal.SIGKILL)


@over_seeds
@pytest.mark.usefixtures("cluster")
def test_11_a_renderer_stopped_at_any_moment(
    long_lived: Site, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    strike_the_renderer(long_lived, accepted, fault, seed, signal.SIGSTOP)


@over_seeds
@pytest.mark.usefixtures("cluster")
def test_2_a_worker_killed_at_any_moment(long_lived: Site, accepted: list[UUID], fault: FaultRecord, seed: int) -> None:
    """Timed until another worker has the clip that it held; mostly that is its lease."""
    begin(long_lived, accepted, f"worker {seed}")
    wait_for_random_moment(seed, BUSY_SECONDS)
    victim = worker_pid(long_lived)
    os.kill(victim, signal.SIGKILL)
    before = progress(long_lived)
    held = long_lived.rows(HOLDS, f"%:{victim}")
    fault.inject()
    if held:
        fault.wait_for_recovery(lambda: was_reclaimed(long_lived, *held[0]), "another worker to take the clip")
    else:
        fault.wait_for_recovery(lambda: progress(long_lived) > before, "the work to go on")
    finish(long_lived, accepted, fault)


@over_seeds
@pytest.mark.usefixtures("cluster")
def test_4_an_idle_worker_killed_at_any_moment(
    long_lived: Site, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    rings = long_lived.rows("SELECT COUNT(*) FROM django_q_ormq")  # with those that died with their workers
    accepted += accept_jobs(long_lived, f"before {seed}", ["One."])
    long_lived.wait_until_all_ended()
    wait_for(lambda: long_lived.rows("SELECT COUNT(*) FROM django_q_ormq") <= rings, "the worker to be idle")
    wait_for_random_moment(seed, 0.5)
    os.kill(worker_pid(long_lived), signal.SIGKILL)
    fault.inject()
    before = progress(long_lived)
    accepted += accept_jobs(long_lived, f"after {seed}", ["One."], ["Two."])
    fault.wait_for_recovery(lambda: progress(long_lived) > before, "the cluster to work again")
    finish(long_lived, accepted, fault)


@over_seeds
def test_5_the_parent_killed_at_any_moment(
    long_lived: Site, accepted: list[UUID], fault: FaultRecord, cluster: int, seed: int
) -> None:
    """Nothing of the cluster may outlive it, and another one does the work. What is timed is the end of the tree."""
    begin(long_lived, accepted, f"parent {seed}")
    wait_for_random_moment(seed, BUSY_SECONDS)
    tree = psutil.Process(cluster).children(recursive=True)
    os.kill(cluster, signal.SIGKILL)
    fault.inject()
    fault.wait_for_recovery(lambda: not any(_lives(process) for process in tree), "the end of the tree", 5.0)
    successor = long_lived.start("work")
    try:
        finish(long_lived, accepted, fault)
    finally:
        successor.terminate()
        successor.wait()


def test_5_a_process_that_is_killed_while_it_forks_leaves_no_orphan(site: Site) -> None:
    code = f"import django; django.setup()\n{DIE_IN_THE_MOMENT_OF_A_FORK}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=site.environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == b"", "the fork outlived its parent"


@over_seeds
@pytest.mark.usefixtures("cluster")
def test_12_a_supervisor_stopped_past_its_lease(
    long_lived: Site, accepted: list[UUID], fault: FaultRecord, seed: int
) -> None:
    """Stopped with a clip in its hands, until the cluster beside it has done everything; then it goes on."""
    for attempt in range(10):
        accepted += accept_jobs(long_lived, f"sleeper {seed} {attempt}", LONG)
        sleeper = long_lived.start("work", "--until-idle")
        if held := _stop_with_a_clip(long_lived, sleeper, seed):
            break
    assert held, "the cluster was always faster"
    clip, fence = held
    fault.inject()
    fault.wait_for_recovery(lambda: was_reclaimed(long_lived, clip, fence), "another worker to take the clip")
    long_lived.wait_until_all_ended()
    before = long_lived.rows("SELECT * FROM talking_head_clip ORDER BY id")
    os.kill(sleeper.pid, signal.SIGCONT)
    assert sleeper.wait(timeout=30) == 0
    assert long_lived.rows("SELECT * FROM talking_head_clip ORDER BY id") == before
    finish(long_lived, accepted, fault)


def _stop_with_a_clip(site: Site, sleeper: subprocess.Popen[bytes], seed: int) -> tuple[int, int] | None:
    """Stops the process at a moment when it holds a clip and not SQLite's one lock for writing, which no process
    could take from it; the clip and its fence. None: it went home, because everything was done when it came."""
    name = f"%:{sleeper.pid}"
    while True:
        wait_for(lambda: site.rows(HOLDS, name) or sleeper.poll() is not None, "a clip of the sleeper")
        wait_for_random_moment(seed, 0.4)
        if sleeper.poll() is not None:
            return None
        os.kill(sleeper.pid, signal.SIGSTOP)
        held = site.rows(HOLDS, name)
        if held and can_write(site.database):
            return int(held[0][0]), int(held[0][1])
        os.kill(sleeper.pid, signal.SIGCONT)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
