"""Jobs that failed or have fallbacks: the list of them, and a report on each, from its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.text import Truncator

from talking_head.models import (
    REVIEWABLE_JOB_STATES,
    WATCHABLE_JOB_STATES,
    Attempt,
    AttemptOutcome,
    Clip,
    ClipState,
    Failure,
    Job,
    JobAction,
    JobState,
)
from talking_head.monitoring import job_metrics
from talking_head.monitoring.redaction import redacted
from talking_head.monitoring.remedies import Remedy, remedy_for
from talking_head.profiles import faster_than

LOG_LINES = 80
MAX_SENTENCES = 20
MAX_TRIES = 60
CONTEXT_CHARACTERS = 200
MAX_COUNTED = 200
STAGES = {
    "validation": "while it was checked",
    "speech": "while the speech was generated",
    "motion": "while the motion was computed",
    "frames": "while the frames were rendered",
    "enhance": "while the frames were enhanced",
    "encode": "while the video was encoded",
    "publish": "while the sentences were joined",
}


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt; ``words`` is its error message, without secrets."""

    sentence: int  # from 1
    number: int  # from 1, of this sentence
    worker: str
    stage: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    ended: str  # the outcome's label
    code: str
    words: str
    form: str  # how it was rendered, if not as requested

    @property
    def is_bad(self) -> bool:
        return self.outcome not in (AttemptOutcome.DONE, AttemptOutcome.RELEASED, "")


@dataclass(frozen=True, slots=True)
class FailedSentence:
    """A sentence that could not be rendered, with the script before and after it."""

    number: int  # from 1
    before: str
    text: str
    after: str
    code: str
    words: str
    became: str


@dataclass(frozen=True, slots=True)
class FailureReport:
    headline: str
    words: str
    stage: str  # one of STAGES, or empty when unknown
    remedy: Remedy
    sentences: tuple[FailedSentence, ...]
    more_sentences: int  # beyond MAX_SENTENCES
    tries: tuple[AttemptView, ...]
    more_tries: int  # beyond MAX_TRIES
    log: str
    figures: dict[str, Any]  # the metrics document

    @property
    def stage_words(self) -> str:
        return STAGES.get(self.stage, self.stage)


def failures() -> QuerySet[Failure]:
    """Return the failed jobs and those with fallbacks, the latest ended first."""
    return Failure.objects.filter(state__in=REVIEWABLE_JOB_STATES)


def unreviewed() -> QuerySet[Failure]:
    return failures().filter(to_review())


def count_unreviewed() -> int:
    """Return the number of failures that still ask for an administrator; at most ``MAX_COUNTED``, which says enough."""
    return unreviewed().order_by().values("pk")[:MAX_COUNTED].count()


def to_review() -> Q:
    """Return the condition for a failure that still asks for an administrator: not reviewed, and no later request for
    the same video has succeeded, be it an administrator's retry or the teacher's own *Try again*."""
    retried = JobAction.objects.filter(job=OuterRef("pk"), new_job__state__in=WATCHABLE_JOB_STATES)
    same_lesson = Job.objects.filter(
        owner=OuterRef("owner"), subject=OuterRef("subject"), created_at__gt=OuterRef("created_at"),
        state__in=WATCHABLE_JOB_STATES,
    ).exclude(subject="")  # fmt: skip
    return Q(reviewed_at=None) & ~Q(Exists(retried)) & ~Q(Exists(same_lesson))


def adjacent_failures(job: Job) -> tuple[Failure | None, Failure | None]:
    """Return the nearest unreviewed failure that ended after ``job``, and the nearest that ended before it."""
    if job.finished_at is None:
        return None, unreviewed().first()
    same = Q(finished_at=job.finished_at)
    newer = unreviewed().filter(Q(finished_at__gt=job.finished_at) | same & Q(pk__gt=job.pk))
    older = unreviewed().filter(Q(finished_at__lt=job.finished_at) | same & Q(pk__lt=job.pk))
    return newer.order_by("finished_at", "pk").first(), older.first()


def report(job: Job) -> FailureReport:
    """Return the report on a job, with four queries for a script of any length."""
    clips = list(job.clips.all())
    attempts = list(Attempt.objects.filter(clip__job=job).select_related("clip").order_by("started_at", "pk"))
    broken = [clip for clip in clips if clip.is_fallback or clip.state == ClipState.FAILED]
    shown = _shown_attempts(attempts, {clip.pk for clip in broken})
    log = redacted(job_metrics.log_of(job, attempts)).splitlines()
    return FailureReport(
        headline=_headline(job, broken),
        words=redacted(job.error_message),
        stage=_stage(attempts, broken),
        remedy=remedy_for(job.error_code, job.error_hint, is_fastest=faster_than(job.profile) is None),
        sentences=tuple(_sentence(job, clip) for clip in broken[:MAX_SENTENCES]),
        more_sentences=max(0, len(broken) - MAX_SENTENCES),
        tries=tuple(shown[-MAX_TRIES:]),
        more_tries=max(0, len(shown) - MAX_TRIES),
        log="\n".join(log[-LOG_LINES:]),
        figures=job_metrics.metrics_of(job, clips, attempts),
    )


def _headline(job: Job, broken: list[Clip]) -> str:
    title = f"“{job.title}”" if job.title else "The video"
    if job.state == JobState.FAILED:
        return f"{title} could not be rendered"
    count = "one sentence" if len(broken) == 1 else f"{len(broken)} sentences"
    return f"{title} shows a still picture for {count}"


def _stage(attempts: Iterable[Attempt], broken: list[Clip]) -> str:
    """Return the stage of the last failed attempt; if all sentences are done, joining them has failed."""
    stages = [attempt.stage for attempt in attempts if attempt.error_code and attempt.stage]
    return stages[-1] if stages and broken else "" if broken else "publish"


def _shown_attempts(attempts: list[Attempt], broken: set[int]) -> list[AttemptView]:
    """Return every attempt at the broken sentences, and the failed attempts at the others."""
    shown = []
    numbers: dict[int, int] = defaultdict(int)
    for attempt in attempts:
        numbers[attempt.clip_id] += 1
        if attempt.clip_id in broken or attempt.error_code:
            shown.append(_attempt_view(attempt, numbers[attempt.clip_id]))
    return shown


def _attempt_view(attempt: Attempt, number: int) -> AttemptView:
    return AttemptView(
        sentence=attempt.clip.index + 1,
        number=number,
        worker=attempt.worker,
        stage=attempt.stage,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        outcome=attempt.outcome,
        ended=attempt.get_outcome_display() or "Running",
        code=attempt.error_code,
        words=redacted(attempt.error_message),
        form=attempt.form,
    )


def _sentence(job: Job, clip: Clip) -> FailedSentence:
    before, after = job.script[: clip.start], job.script[clip.end :]
    return FailedSentence(
        number=clip.index + 1,
        before=_end_of(before),
        text=clip.text or f"a pause of {clip.pause_seconds:g} s",
        after=Truncator(after).chars(CONTEXT_CHARACTERS, truncate=" …"),
        code=clip.error_code,
        words=redacted(clip.error_message),
        became="shown as a still picture" if clip.is_fallback and clip.state == ClipState.DONE else "not rendered",
    )


def _end_of(text: str) -> str:
    """Return the end of the text, from the beginning of a word on."""
    if len(text) <= CONTEXT_CHARACTERS:
        return text
    _part_of_a_word, _, rest = text[-CONTEXT_CHARACTERS:].partition(" ")
    return f"… {rest}"


def waited(job: Job) -> timedelta | None:
    """Return the time from submission to the first claim, or to the end of a job that was never claimed."""
    until = job.started_at or job.finished_at
    return until - job.created_at if until else None
