"""Case 52: messages and rows that another release left behind, before an update or after one that was taken back."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from talking_head import services
from talking_head.files import local
from talking_head.models import Clip, Job, JobState
from talking_head.pipeline.requests import ClipRequest, ClipResult
from talking_head.worker import sweeper
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, outcomes
from tests.talking_head.jobs.site import Site, wait_for

RELEASE_DATABASE = Path(__file__).resolve().parents[2] / "data" / "release_database.sql"
WATCHED = """
from django.contrib.auth.models import User
from lessons import services
from lessons.models import Lesson
lesson = Lesson.objects.get()
print(services.current_job_of(lesson).state, services.may_watch(User.objects.get(username="student"), lesson))
"""
OLD_MESSAGES = """
from django_q.tasks import async_task
async_task("talking_head.tasks.render_job", "a job", 1)  # a function that is gone
async_task("talking_head.tasks.work", "a job", {"protocol": 1}, task_name="too many values")
async_task("talking_head.tasks.work", task_name="none at all")
"""


@pytest.mark.xdist_group("processes")
def test_52_rings_of_another_release_are_put_aside_and_work_goes_on(site: Site) -> None:
    site.python(OLD_MESSAGES)
    site.start("work")
    site.start("sweep", "--every", "0.3")
    site.make_jobs(["One."])
    site.wait_until_all_ended()
    assert site.states() == ["completed"]
    wait_for(lambda: not site.rows("SELECT 1 FROM django_q_ormq"), "the rings to be taken")
    assert "render_job" in site.log(), "the log does not say it"


@pytest.mark.xdist_group("processes")
def test_52_a_database_of_the_release_before_is_migrated_and_its_jobs_end(tmp_path: Path) -> None:
    """With its messages still in the queue, a job that was interrupted in mid-clip, and no file of its cache."""
    site = Site(tmp_path)
    database = sqlite3.connect(site.database)
    database.executescript(RELEASE_DATABASE.read_text(encoding="utf-8"))
    database.close()
    tables = "SELECT name, sql FROM sqlite_master WHERE name LIKE 'talking_head_%' AND type = 'table'"
    before = dict(site.rows(tables))
    assert site.start("migrate").wait() == 0, site.log()
    after = dict(site.rows(tables))
    for name, sql in before.items():
        assert set(columns(sql)) <= set(columns(after[name])), "the release before would not run any more"
    (site.media / "cache").mkdir()
    (site.media / "cache" / "seen-hang-once").touch()  # it hung before the update
    try:
        site.start("work")
        site.start("sweep", "--every", "0.3")
        site.wait_until_all_ended()
        assert site.states() == ["completed"] * 3
        assert "Traceback" not in site.log()
    finally:
        site.end()
    for table in ("avatars_portrait", "avatars_voicesample", "talking_head_narration"):
        ((report,),) = site.rows(f"SELECT report FROM {table}")
        assert json.loads(report)["problems"][0]["hint"] == "Take a larger one."
    assert site.python(WATCHED).split() == ["completed", "True"]


def columns(sql: str) -> list[str]:
    """The columns of a CREATE TABLE statement, in order."""
    return re.findall(r'[(,] "(\w+)" ', sql)


def test_52_a_profile_that_is_not_known_here_does_not_stop_the_worker(make_job: MakeJob, worker: Worker) -> None:
    job, neighbour = make_job("One.", profile="ultra"), make_job("Two.")
    worker.work()
    for ended in (job, neighbour):
        ended.refresh_from_db()
    assert (job.state, neighbour.state) == (JobState.COMPLETED, JobState.COMPLETED)
    assert_invariants(worker)


def test_52_a_job_in_a_state_that_is_not_known_here_is_left_alone_and_shown(
    make_job: MakeJob, worker: Worker, client: Client, teacher: User, admin_user: User
) -> None:
    job = make_job("One.", owner=teacher)
    Job.objects.filter(pk=job.pk).update(state="paused")
    worker.work()
    sweeper.sweep()
    job.refresh_from_db()
    assert (job.state, outcomes(job, 0)) == ("paused", [])
    assert not services.cancel_job(job)
    client.force_login(teacher)
    answer = client.get(f"/api/jobs/{job.pk}/")
    assert (answer.status_code, answer.json()["state"]) == (200, "paused")
    client.force_login(admin_user)
    assert client.get(f"/admin/talking_head/job/{job.pk}/change/").status_code == 200
    assert client.get("/admin/talking_head/job/").status_code == 200


@pytest.mark.parametrize("stored", [{}, {"clip_key": "k", "colour": "of a later release"}, {"frame_count": 24}])
def test_52_results_with_other_fields_are_read(make_job: MakeJob, worker: Worker, stored: dict[str, Any]) -> None:
    """By the metrics, which follow every end, and by publishing."""
    job = make_job("One.", "Two.")
    worker.work()
    done = job.clips.get(index=0)
    Clip.objects.filter(pk=done.pk).update(result=stored)
    local.metrics_file(job.pk).unlink()
    job.notifications.update(delivered_at=None)
    assert sweeper.outbox.deliver(job.notifications.get().pk)
    assert json.loads(local.metrics_file(job.pk).read_text())["outcome"] == "completed"
    result = ClipResult.from_json(stored)
    assert ClipResult.from_json(result.to_json()) == result


def test_52_a_request_that_the_renderer_does_not_understand_is_said(
    make_job: MakeJob, worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    """After an update under running workers: the process is of one release, what asks it of another."""
    from talking_head.renderer.child import answer

    values = {**ClipRequest("Words.", "Words.").to_json(), "shade": "of a later release"}
    deaf: Any = _Deaf()
    type_, said = answer(lambda asked, _: ClipRequest.from_json(asked["request"]).to_json(), {"request": values}, deaf)
    assert type_ == "failed"
    assert said["error"]["code"] == "renderer_error"
    assert "shade" in capfd.readouterr().err, "the log is for administrators"
    assert "shade" not in said["error"]["message"] and said["error"]["message"].endswith("."), "it is for teachers"


class _Deaf:
    def send(self, *message: Any) -> None:
        """No supervisor listens to the progress."""
