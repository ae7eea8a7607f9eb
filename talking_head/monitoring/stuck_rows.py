"""Rows that no part of this release can handle: counted for operators, because nothing else ever happens to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

from django.db.models import Exists, OuterRef, Q
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
    has_clips = Exists(Clip.objects.filter(job=OuterRef("pk")))
    rows = {
        "unknown_job_state": jobs.filter(_is_none_of(JobState.values)),
        "unknown_clip_state": clips.filter(_is_none_of(ClipState.values), job__state__in=ACTIVE_JOB_STATES),
        "job_without_clips": jobs.filter(~has_clips, state__in=ACTIVE_JOB_STATES, narration_digest=""),
        "expired_lease": clips.filter(state=ClipState.LEASED, lease_expires_at__lt=long_ago),
    }
    return {kind: found.values("pk")[:MAX_COUNT].count() for kind, found in rows.items()}


def _is_none_of(states: Iterable[str]) -> Q:
    """Return the condition on rows in any other state, as the ranges between these: an index finds that they are empty,
    while ``NOT IN`` would read every row."""
    known = sorted(states)
    between = Q(state__lt=known[0]) | Q(state__gt=known[-1])
    for lower, upper in pairwise(known):
        between |= Q(state__gt=lower, state__lt=upper)
    return between


def sentence(kind: str, count: int) -> str:
    """Return what an administrator reads about the rows of one kind."""
    return f"Rows that cannot be handled: {count} {WORDS[kind]}."
