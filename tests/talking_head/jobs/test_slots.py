"""Reserved slots: lectures never take all of a machine, and nothing that waits is left out for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from talking_head.files.runtime_dir import private_folder
from talking_head.jobs.claim import Claim
from talking_head.models import JobState
from talking_head.worker import slots
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import QUICK_TIMING, MakeJob, rendered_texts

LONG_SECONDS = 600.0
HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def two_slots(settings: Settings, tmp_path: Path) -> None:
    settings.TALKING_HEAD_SLOTS, settings.TALKING_HEAD_RESERVED_SLOTS = 2, 1
    settings.RUN_DIR = tmp_path / "run"
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "quick_seconds": 0.0}  # every clip takes long


def test_a_sentence_does_not_wait_for_a_lecture_of_two_hundred(
    make_job: MakeJob, worker: Worker, teacher: User, colleague: User
) -> None:
    lecture = make_job(*(f"Sentence {number}." for number in range(200)), owner=teacher, estimated_seconds=LONG_SECONDS)
    with slots.permit() as permit:  # the other slot is at work on the lecture
        assert permit.allows_long_jobs
        worker.work()
        assert rendered_texts() == []
        short = make_job("Short.", owner=colleague, estimated_seconds=3.0)
        worker.work()
    assert rendered_texts() == ["Short."]
    lecture.refresh_from_db()
    short.refresh_from_db()
    assert (lecture.state, short.state) == (JobState.QUEUED, JobState.COMPLETED)


def test_a_lecture_goes_on_as_soon_as_another_slot_is_free_again(make_job: MakeJob, worker: Worker) -> None:
    lecture = make_job("One.", "Two.", estimated_seconds=LONG_SECONDS)
    with slots.permit():
        worker.work()
    worker.work()
    lecture.refresh_from_db()
    assert lecture.state == JobState.COMPLETED


def test_no_slot_stays_idle_while_clips_are_quick(make_job: MakeJob, worker: Worker, settings: Settings) -> None:
    make_job("Short.", estimated_seconds=3.0)
    worker.work()
    lecture = make_job("One.", "Two.", estimated_seconds=LONG_SECONDS)
    settings.TALKING_HEAD_TIMING = {**QUICK_TIMING, "quick_seconds": 30.0}
    with slots.permit():
        worker.work()
    lecture.refresh_from_db()
    assert lecture.state == JobState.COMPLETED


@pytest.mark.parametrize(("estimated_seconds", "is_free"), [(3.0, True), (LONG_SECONDS, False)])
def test_only_long_work_keeps_its_permit(
    make_job: MakeJob, worker: Worker, monkeypatch: pytest.MonkeyPatch, estimated_seconds: float, is_free: bool
) -> None:
    found = []

    def render(self: Worker, claim: Claim) -> None:
        with slots.permit() as permit:
            found.append(permit.allows_long_jobs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "_render", render)
    make_job("One.", estimated_seconds=estimated_seconds)
    with pytest.raises(KeyboardInterrupt):
        worker.work()
    assert found == [is_free]


@pytest.mark.django_db
def test_a_killed_worker_leaves_its_permit_to_others(settings: Settings) -> None:
    with slots.permit():
        (file,) = private_folder(settings.RUN_DIR).iterdir()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with slots.permit() as permit:
        assert not permit.allows_long_jobs
    holder.kill()
    holder.communicate()
    with slots.permit() as permit:
        assert permit.allows_long_jobs


def test_a_permit_of_a_worker_that_was_stopped_counts_until_its_lease_is_over(
    make_job: MakeJob, worker: Worker, settings: Settings
) -> None:
    lecture = make_job("One.", "Two.", estimated_seconds=LONG_SECONDS)
    with slots.permit():
        (file,) = private_folder(settings.RUN_DIR).iterdir()
        worker.work()
        assert rendered_texts() == []
        an_hour_ago = time.time() - 3_600
        os.utime(file, (an_hour_ago, an_hour_ago))
        worker.work()
    lecture.refresh_from_db()
    assert lecture.state == JobState.COMPLETED


def test_with_no_slot_reserved_every_slot_takes_everything(settings: Settings) -> None:
    settings.TALKING_HEAD_RESERVED_SLOTS = 0
    with slots.permit() as one, slots.permit() as two, slots.permit() as three:
        assert [one.allows_long_jobs, two.allows_long_jobs, three.allows_long_jobs] == [True, True, True]
