"""An administrator who searches the logs of all processes for a job's id reads its whole way, as JSON too."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from edu_platform.logs import JobContext, JsonFormatter
from talking_head import services
from talking_head.jobs import claims
from talking_head.models import Clip, Job
from talking_head.worker import sweeper
from talking_head.worker.worker import Worker
from tests.talking_head import fakes
from tests.talking_head.jobs.conftest import MakeJob

Line = dict[str, str]


class Log:
    """What ``LOG_FORMAT=json`` writes."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(JsonFormatter())
        self.handler.addFilter(JobContext())

    def of(self, job: Job) -> list[Line]:
        lines: list[Line] = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        return [line for line in lines if line.get("job") == str(job.pk)]


@pytest.fixture
def log() -> Iterator[Log]:
    log, logger = Log(), logging.getLogger("talking_head")
    level = logger.level
    logger.addHandler(log.handler)
    logger.setLevel(logging.INFO)
    yield log
    logger.removeHandler(log.handler)
    logger.setLevel(level)


def test_from_the_request_to_the_published_video(
    log: Log, worker: Worker, teacher: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    fakes.install(monkeypatch)
    services.scripts.voices_of.cache_clear()
    settings.TALKING_HEAD_SPEECH = "fakespeech"
    job, other = (services.submit_job(owner=teacher, script=text) for text in ("One. Two.", "Three."))
    worker.work()
    lines = log.of(job)
    assert [line["message"] for line in lines] == [
        "accepted: 2 sentences, balanced, fakespeech, still",
        "start: the job is running",
        "the clip is done",
        "the clip is done",
        "begin_publishing: the job is publishing",
        "complete: the job is completed",
    ]
    rendered = [line for line in lines if "clip" in line]
    assert [(line["clip"], line["attempt"], line["worker"]) for line in rendered] == [
        ("0", "1", worker.name),
        ("1", "1", worker.name),
    ]
    assert len(log.of(other)) == 5


def test_what_went_wrong_carries_its_code(log: Log, make_job: MakeJob, worker: Worker) -> None:
    job = make_job("One.", "crash once")
    worker.work()
    (crash,) = [line for line in log.of(job) if line["level"] == "warning"]
    assert (crash["message"], crash["code"], crash["clip"]) == ("the clip is crashed", "renderer_crashed", "1")


def test_a_worker_that_went_away_and_a_time_that_is_up_are_told(log: Log, make_job: MakeJob) -> None:
    job = make_job("One.", "Two.")
    claim = claims.claim_clip("box:1")
    assert claim is not None
    past = timezone.now() - timedelta(seconds=5)
    Clip.objects.filter(pk=claim.clip_id).update(lease_expires_at=past)
    Job.objects.filter(pk=job.pk).update(worked_seconds=job.timeout_seconds)
    sweeper.sweep()
    told = [(line.get("clip"), line["code"]) for line in log.of(job) if line["level"] == "warning"]
    assert told == [("0", "worker_lost"), (None, "job_timeout")]


def test_a_cancelled_job_and_one_that_failed_say_so(log: Log, make_job: MakeJob, worker: Worker) -> None:
    cancelled, failed = make_job("One."), make_job("crash always")
    services.cancel_job(cancelled)
    worker.work()
    assert [(line["message"], line["code"]) for line in log.of(cancelled)] == [
        ("cancel: the job is cancelled", "cancelled")
    ]
    assert [line["message"] for line in log.of(failed)][-1] == "fail: the job is failed"
