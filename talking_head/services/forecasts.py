"""When a video would be ready if it were submitted now, and whether it would be accepted, without storing a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User

from talking_head.errors import LimitReached, notice_for_teachers
from talking_head.models import Job, Priority
from talking_head.planning import queue_forecast, quotas, render_rate
from talking_head.profiles import DEFAULT_PROFILE
from talking_head.selection_rules import approximate_duration
from talking_head.services.jobs import apply_selection
from talking_head.services.scripts import check_script, speech_engine_for

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance


@dataclass(frozen=True, slots=True)
class VideoForecast:
    """Times in seconds from now; None if nothing has been rendered yet on which to base an estimate."""

    profile: str  # the one that "auto" would choose
    profile_reason: str
    face: str
    face_reason: str
    start_seconds: float | None
    ready_seconds: float | None
    jobs_ahead: int
    is_long: bool  # longer than TALKING_HEAD_PATIENCE_SECONDS: the client should ask the user first
    refusal: str  # why it would not be accepted now, and what to do; "" if it would
    words: str  # the estimate as a sentence for people


def forecast_video(
    *,
    owner: User,
    script: str,
    language: str = "en",
    portrait_digest: str = "",
    voice: str = "",
    speed: float = 1.0,
    profile: str | None = None,
    face: str | None = None,
    subject: str = "",
) -> VideoForecast:
    """Return when a video with these values would be ready, and whether it would be accepted now.

    Raises:
        ScriptError, OptionError: as :func:`talking_head.services.submit_job` would. EngineError: no voice works here.
    """
    utterances = check_script(script, language).utterances
    job = Job(
        owner=owner, script=script, language=language, portrait_digest=portrait_digest, voice=voice, speed=speed,
        asked_profile=profile or DEFAULT_PROFILE, asked_face=face or settings.TALKING_HEAD_FACE,
        speech=speech_engine_for(voice), subject=subject, priority=Priority.NORMAL,
    )  # fmt: skip
    queue = queue_forecast.queue_now()
    apply_selection(job, utterances, queue)
    refusal = quotas.refusal(job, utterances, queue)
    estimate = queue.of_new_job(job.owner_id, job.priority, job.estimated_seconds)
    own_rate = render_rate.seconds_per_weight(render_rate.recent_clips(job.profile, job.face))
    ready_seconds = None
    if estimate is not None:  # the start follows from the queue's average rate, the duration from the profile's own
        own_seconds = estimate.finish_seconds - estimate.start_seconds
        if own_rate:
            own_seconds = job.estimated_seconds * own_rate / _rendered_at_once(job, utterances, queue)
        ready_seconds = round(
            max(estimate.start_seconds + own_seconds, estimate.finish_seconds if not own_rate else 0.0), 1
        )
    patience_seconds = settings.TALKING_HEAD_PATIENCE_SECONDS
    jobs_ahead = queue.jobs_ahead(job.owner_id, job.priority)
    return VideoForecast(
        profile=job.profile,
        profile_reason=notice_for_teachers(job.profile_reason),
        face=job.face,
        face_reason=notice_for_teachers(job.face_reason),
        start_seconds=round(estimate.start_seconds, 1) if estimate else None,
        ready_seconds=ready_seconds,
        jobs_ahead=jobs_ahead,
        is_long=bool(patience_seconds and ready_seconds is not None and ready_seconds > patience_seconds),
        refusal=str(refusal) if isinstance(refusal, LimitReached) else "",
        words=_sentence(ready_seconds, jobs_ahead),
    )


def _rendered_at_once(job: Job, utterances: Sequence[Utterance], queue: queue_forecast.Queue) -> int:
    """Return how many sentences of the job are rendered side by side: one sentence is never shared by two slots."""
    known = quotas.rendered_before(job)
    return max(1, min(queue.slots, sum(utterance.spoken not in known for utterance in utterances)))


def _sentence(ready_seconds: float | None, ahead: int) -> str:
    ready = "" if ready_seconds is None else f"Ready in {approximate_duration(ready_seconds)}."
    others = (
        "" if not ahead else "One video is ahead of yours." if ahead == 1 else f"{ahead} videos are ahead of yours."
    )
    return " ".join(part for part in (ready, others) if part)
