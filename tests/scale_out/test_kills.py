"""Causes outside the work, on PostgreSQL and with real kills: a whole machine at a time, as when it loses power."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import pytest

from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import wait_for

pytestmark = [pytest.mark.xdist_group("servers"), pytest.mark.faults]

THRICE = 3
REQUEST_REBUILD = """
from talking_head.models import Job
from talking_head.services import missing_video
print(missing_video(Job.objects.get()).code)
"""


def cut_power(machine: subprocess.Popen[bytes]) -> None:
    os.killpg(machine.pid, signal.SIGKILL)
    machine.wait()


def test_67_a_machine_that_loses_power_thrice_while_it_publishes_costs_nothing(site: SharedSite) -> None:
    site.make_jobs(["One.", "Two."])
    site.rows("UPDATE talking_head_job SET title = 'hang once' RETURNING 1")
    site.start_on("third", "sweep", "--every", "0.3")
    mark = site.media / "cache" / "seen-hang-once"
    for number in range(THRICE):
        mark.unlink(missing_ok=True)
        machine = site.start_on(f"machine {number}", "work")
        wait_for(mark.exists, "the renderer to join the clips")
        cut_power(machine)
    site.start_on("last", "work")
    site.wait_until_all_ended()
    assert site.states() == ["completed"], site.log()
    assert site.attempts() == [("done", "")] * 2
    assert site.rows("SELECT publish_crashes, publish_interruptions FROM talking_head_job") == [(0, THRICE)]
    site.assert_invariants()


def test_63_a_deleted_video_is_made_again_although_its_machine_loses_power(site: SharedSite) -> None:
    (job,) = site.make_jobs(["One.", "Two."])
    site.start_on("first", "work", "--until-idle").wait(timeout=120)
    folder = site.media / f"results_{job}"
    video = (folder / "video.mp4").read_bytes()
    shutil.rmtree(folder)
    shutil.rmtree(site.media / "cache" / "clips")
    site.rows("UPDATE talking_head_job SET title = 'hang once' RETURNING 1")
    assert site.python(REQUEST_REBUILD).strip() == "video_being_rebuilt"
    site.start_on("third", "sweep", "--every", "0.3")
    machine = site.start_on("second", "work")
    wait_for((site.media / "cache" / "seen-hang-once").exists, "the renderer to join the clips")
    cut_power(machine)
    site.start_on("last", "work")
    wait_for(lambda: site.rows("SELECT COUNT(*) FROM talking_head_rebuild") == [(0,)], "the video to be back")
    assert (folder / "video.mp4").read_bytes() == video
    site.assert_invariants()


def test_64_a_lease_without_its_attempt_does_not_stop_the_others(site: SharedSite) -> None:
    site.make_jobs(["hang once"], ["Two."])
    machine = site.start_on("first", "work", "--until-idle")  # needs no wakeup, which only the sweeper would send
    site.wait_for_render("hang once")
    cut_power(machine)
    site.rows("DELETE FROM talking_head_attempt WHERE outcome = '' RETURNING 1")
    site.start_on("third", "sweep", "--every", "0.3")
    site.start_on("second", "work")
    site.wait_until_all_ended()
    assert site.states() == ["completed"] * 2, site.log()
    site.assert_invariants()


def test_56_an_outage_longer_than_the_job_s_time_costs_no_sentence(site: SharedSite) -> None:
    """The rows are moved back by an hour, as an hour without any process would have left them."""
    site.make_jobs(["One.", "hang once", "Three."])
    machine = site.start_on("first", "work", "--until-idle")  # needs no wakeup, which only the sweeper would send
    site.wait_for_render("hang once")
    cut_power(machine)
    for table, columns in {
        "job": ("created_at", "started_at", "worked_until"),
        "clip": ("lease_expires_at",),
        "attempt": ("started_at",),
    }.items():
        moves = ", ".join(f"{column} = {column} - interval '1 hour'" for column in columns)
        site.rows(f"UPDATE talking_head_{table} SET {moves} RETURNING 1")
    site.start_on("third", "sweep", "--every", "0.3")
    site.start_on("second", "work")
    site.wait_until_all_ended()
    assert site.states() == ["completed"], site.log()
    assert site.rows("SELECT COUNT(*) FROM talking_head_clip WHERE is_fallback") == [(0,)]
    site.assert_invariants()
