"""Jobs that ended badly, as rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from tests.talking_head.rows import finish_clip, make_job


def make_failure(owner: User | None = None, *, code: str = "renderer_crashed", **fields: Any) -> Job:
    """A failed job: its first sentence is done, its second failed in a crash during ``frames``."""
    now = timezone.now()
    values: dict[str, Any] = {
        "state": JobState.FAILED,
        "speech": "fakespeech",
        "face": "still",
        "error_code": code,
        "error_message": "The renderer ended unexpectedly.",
        "started_at": now - timedelta(seconds=50),
        "finished_at": now,
        **fields,
    }
    job = make_job(owner, **values)
    finish_clip(job, 0)
    broken = {"state": ClipState.FAILED, "error_code": code, "error_message": values["error_message"]}
    Clip.objects.filter(job=job, index=1).update(**broken)
    make_attempt(job, 1, code=code)
    return job


def make_attempt(job: Job, index: int, *, code: str = "renderer_crashed", **fields: Any) -> Attempt:
    now = timezone.now()
    values: dict[str, Any] = {
        "fence": 1,
        "worker": "box-7:4711",
        "renderer_pid": 4712,
        "finished_at": now,
        "stage": "frames",
        "outcome": AttemptOutcome.CRASHED,
        "error_code": code,
        "error_message": "The renderer ended unexpectedly.",
        "log_tail": "Segmentation fault",
        "wall_seconds": 4.0,
        "cpu_seconds": 6.0,
        "rss_peak_bytes": 900_000_000,
        **fields,
    }
    return Attempt.objects.create(clip=job.clips.get(index=index), **values)
