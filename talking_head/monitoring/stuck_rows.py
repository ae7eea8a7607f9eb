"""Rows that no part of this release can handle: counted for operators, because nothing else ever happens to them."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from talking_head.models import ACTIVE_JOB_STATES, Clip, ClipState, Job, JobState
from talking_head.timing import timing

MAX_COUNT = 1_000  # of each kind: more would only cost time
WORDS = {
    "unknown_job_state": "videos in a state that this release does not know",
    "unknown_clip_state": "sentences in a state that this release does not know",
    "job_without_clips": "videos without sentences",
    "expired_lease": "sentences that cannot be taken back from a worker that is gone",
}


def stuck_rows() -> dict[str, int]:
    """Return the number of stuck rows by kind; every kind is there, usually with 0."""
    clips = Clip.objects.order_by()
    jobs = Job.objects.order_by()
    long_ago = Now() - timedelta(seconds=10 * timing().lease_seconds)
    of_open_job = Exists(Job.objects.filter(pk=OuterRef("job"), state__in=ACTIVE_JOB_STATES))
    has_clips = Exists(Clip.objects.filter(job=OuterRef("pk")))
    rows = {
        "unknown_job_state": jobs.exclude(state__in=JobState.values),
        "unknown_clip_state": clips.exclude(state__in=ClipState.values).filter(of_open_job),
        "job_without_clips": jobs.filter(~has_clips, state__in=ACTIVE_JOB_STATES, narration_digest=""),
        "expired_lease": clips.filter(state=ClipState.LEASED, lease_expires_at__lt=long_ago),
    }
    return {kind: found.values("pk")[:MAX_COUNT].count() for kind, found in rows.items()}


def sentence(kind: str, count: int) -> str:
    """Return what an administrator reads about the rows of one kind."""
    return f"Rows that cannot be handled: {count} {WORDS[kind]}."
