"""Jobs that are rendered by a real but fake renderer process, and what must hold after every fault."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from talking_head.files import local
from talking_head.jobs import queue
from talking_head.models import (
    TERMINAL_JOB_STATES,
    Attempt,
    AttemptOutcome,
    Clip,
    ClipState,
    Job,
    JobState,
)
from talking_head.signals import job_published
from talking_head.timing import timing
from talking_head.worker import drain
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.talking_head.jobs.site import Site

FAKE_RENDERER = [sys.executable, "-m", "tests.talking_head.worker.fake_renderer"]
QUICK_TIMING = {
    "lease_seconds": 3.0,
    "renew_seconds": 0.5,
    "poll_seconds": 0.05,
    "stall_seconds": 2.0,
    "terminate_seconds": 0.3,
    "drain_seconds": 0.2,
    "backoff_seconds": 0.02,
    "fallback_seconds": 20.0,
}
MakeJob = Callable[..., Job]


@pytest.fixture(autouse=True)
def quick_fake_rendering(settings: Settings, media_root: Path) -> Iterator[None]:
    settings.TALKING_HEAD_RENDERER = FAKE_RENDERER
    settings.TALKING_HEAD_TIMING = QUICK_TIMING
    drain.end()
    yield
    drain.end()


@pytest.fixture
def make_job(transactional_db: None) -> MakeJob:
    """``make_job("One.", "Two.", owner=..., timeout_seconds=...)``: a queued job with these sentences."""

    def make(*texts: str, **fields: Any) -> Job:
        script = " ".join(texts)
        values = {"script": script, "speech": "fake", "face": "fake", "profile": "fast", "timeout_seconds": 60.0}
        job = Job.objects.create(**{**values, **fields})
        clips, start = [], 0
        for index, text in enumerate(texts):
            clips.append(Clip(job=job, index=index, text=text, spoken=text, start=start, end=start + len(text)))
            start += len(text) + 1
        Clip.objects.bulk_create(queue.enqueue(job, clips))
        return job

    return make


@pytest.fixture
def worker(transactional_db: None) -> Iterator[Worker]:
    worker = Worker(new_renderer(), name="tester:1")
    yield worker
    worker.renderer.close()


@pytest.fixture
def published() -> Iterator[list[uuid.UUID]]:
    """The jobs that were announced as published, in order, inside their transactions."""
    announced: list[uuid.UUID] = []

    def receive(sender: Any, job: Job, **kwargs: Any) -> None:
        announced.append(job.pk)

    job_published.connect(receive)
    yield announced
    job_published.disconnect(receive)


def rendered_texts() -> list[str]:
    """What the fake renderer really worked on, in order."""
    notes = local.cache_root() / "rendered.txt"
    return [line.split(" ", 1)[1] for line in notes.read_text().splitlines()] if notes.exists() else []


def outcomes(job: Job, index: int) -> list[tuple[str, str]]:
    attempts = Attempt.objects.filter(clip__job=job, clip__index=index).order_by("fence")
    return [(attempt.outcome, attempt.error_code) for attempt in attempts]


def assert_invariants(worker: Worker | None = None) -> None:
    """What must hold after every fault, see docs/reliability.md."""
    for job in Job.objects.all():
        is_waiting = job.state in (JobState.QUEUED, JobState.RUNNING) and job.clips.filter(state="waiting").exists()
        assert job.state in TERMINAL_JOB_STATES or is_waiting, f"{job.state}: neither ended nor waiting"
        if job.is_watchable:
            assert (local.results_folder(job.pk) / "video.mp4").is_file()
        if job.state in TERMINAL_JOB_STATES:
            assert local.metrics_file(job.pk).is_file()
            assert not job.clips.filter(state=ClipState.LEASED).exists()
    too_old = Now() - timedelta(seconds=2 * timing().lease_seconds)
    assert not Clip.objects.filter(state=ClipState.LEASED, lease_expires_at__lt=too_old).exists()
    orderly = (AttemptOutcome.DONE, AttemptOutcome.RELEASED)
    assert not Attempt.objects.exclude(outcome__in=orderly).filter(error_code="", finished_at__isnull=False).exists()
    for clip in Clip.objects.all():
        assert clip.attempts.count() == clip.fence, "an attempt row for every claim"
    if worker is not None:
        worker.renderer.close()
    assert renderer_processes() == []
    assert leftovers() == []


def renderer_processes() -> list[int]:
    """Live processes below a renderer of this test: their TMPDIR lies in this test's media folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(str(local.media_root())):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def leftovers() -> list[Path]:
    """Unfinished files and folders of any kind."""
    root = local.media_root()
    folders = [*root.glob("results_*.staging-*")]
    for place in (local.temporary_root(), local.cache_root() / "tmp"):
        folders += list(place.iterdir()) if place.is_dir() else []
    return folders


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = Site(tmp_path_factory.mktemp("template"))
    site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
    site.python("from django.db import connection; connection.cursor().execute('PRAGMA wal_checkpoint(TRUNCATE)')")
    return site.database


@pytest.fixture
def site(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    """A migrated site whose processes all end with the test."""
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", empty_database)
    yield site
    site.end()


@pytest.fixture
def colleague(db: None) -> User:
    """A second teacher, who competes for the same slots."""
    return User.objects.create_user("colleague")
