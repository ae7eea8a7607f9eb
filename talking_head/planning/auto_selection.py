"""Resolves ``auto`` for one request: gathers facts from the database and applies the rules
(:mod:`talking_head.selection_rules`).

The choice is made once, when a video is requested, and does not change: its sentences are rendered on any machine, at
any time, and must fit together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models.functions import Now

from talking_head.engines import registry
from talking_head.models import WATCHABLE_JOB_STATES, Job, JobState
from talking_head.planning import machines, queue_forecast, quotas, render_rate
from talking_head.profiles import AUTO, STILL, Profile, profile_named
from talking_head.selection_rules import Choice, Machine, ProfileForecast, best_first, choose_face, choose_profile

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance

RECENT_JOBS, RECENT = 20, timedelta(days=1)
PROFILE_FAULT_CODES = (
    "job_timeout", "clip_timeout", "out_of_memory", "renderer_crashed", "renderer_stalled", "poisoned",
)  # fmt: skip # errors that the profile may have caused, unlike a picture without a face


@dataclass(frozen=True, slots=True)
class Decision:
    profile: Profile
    face: str
    profile_reason: str
    face_reason: str


def select_profile_and_face(
    job: Job, utterances: Sequence[Utterance], profile: str, face: str, queue: queue_forecast.Queue | None = None
) -> Decision:
    """Resolve the requested names to the profile and face that are used. ``job`` is not stored yet; its owner, script
    and look are needed. The open work is read, if it is needed, unless the caller has read it.

    Raises:
        OptionError: ``unknown_profile``, ``unknown_engine``.
    """
    known = machines.known()
    if profile != AUTO:
        chosen = profile_named(profile)
        face_choice = _face(job, chosen, utterances, face, known)
        return Decision(chosen, face_choice.name, "", face_choice.reason)
    profiles = best_first()
    faces = {candidate.name: _face(job, candidate, utterances, face, known) for candidate in profiles}
    queue = queue or queue_forecast.queue_now()
    forecasts = [
        _profile_forecast(job, candidate, faces[candidate.name].name, utterances, queue) for candidate in profiles
    ]
    choice = choose_profile(forecasts, known, settings.TALKING_HEAD_PATIENCE_SECONDS)
    face_choice = faces[choice.name]
    return Decision(profile_named(choice.name), face_choice.name, choice.reason, face_choice.reason)


def weight_of(utterances: Sequence[Utterance]) -> float:
    characters = sum(len(utterance.spoken) for utterance in utterances)
    pause_seconds = sum(utterance.pause_seconds for utterance in utterances)
    return queue_forecast.weight_of(characters, pause_seconds, len(utterances))


def _face(job: Job, profile: Profile, utterances: Sequence[Utterance], face: str, known: tuple[Machine, ...]) -> Choice:
    if not job.portrait_digest or face != AUTO:
        return Choice(registry.resolve("face", face if job.portrait_digest else STILL))
    choice = choose_face(profile, weight_of(utterances), profile.timeout_for(job.script), known)
    return Choice(registry.resolve("face", choice.name), choice.reason)


def _profile_forecast(
    job: Job, profile: Profile, face: str, utterances: Sequence[Utterance], queue: queue_forecast.Queue
) -> ProfileForecast:
    job.profile, job.face = profile.name, face
    rendered = quotas.rendered_before(job)
    new = [utterance for utterance in utterances if utterance.spoken not in rendered]
    rate = render_rate.seconds_per_weight(render_rate.recent_clips(profile.name, face))
    weight = weight_of(new)
    forecast = queue.of_new_job(job.owner_id, job.priority, weight)
    recent, troubled = _recent_and_troubled_jobs(profile.name)
    return ProfileForecast(
        profile=profile,
        timeout_seconds=profile.timeout_for(job.script),
        render_seconds=None if rate is None else weight * rate / queue.slots,
        wait_seconds=forecast.start_seconds if forecast else None,
        recent_jobs=recent,
        troubled_jobs=troubled,
        ready_share=1 - len(new) / len(utterances) if utterances else 0.0,
    )


def _recent_and_troubled_jobs(profile: str) -> tuple[int, int]:
    """Return the number of recent videos with that profile, and of those among them that ran into trouble."""
    ends = (*WATCHABLE_JOB_STATES, JobState.FAILED)
    ended = Job.objects.filter(profile=profile, state__in=ends, finished_at__gte=Now() - RECENT)
    codes = ended.order_by("-finished_at").values_list("error_code", flat=True)[:RECENT_JOBS]
    return len(codes), sum(code in PROFILE_FAULT_CODES for code in codes)
