"""Asking for a video, and changing one's mind."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from talking_head import doorbell, lifecycle, private_files, progress, quotas, storage
from talking_head.engines import registry
from talking_head.errors import OptionError, PortraitError, ResourceError
from talking_head.models import Clip, Job, Priority
from talking_head.private_files import Kind
from talking_head.profiles import Profile, profile_named
from talking_head.services.scripts import check_voice

if TYPE_CHECKING:
    from talking_head.pipeline.script_to_utterances import Script, Utterance

SPEED_RANGE = (0.5, 2.0)
STILL = "still"
TITLE_CHARACTERS = 200
KEY_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request that has been found possible."""

    script: Script
    profile: Profile
    face: str
    speech: str


def submit_job(
    *,
    owner: User | None,
    script: str,
    title: str = "",
    portrait_digest: str = "",
    voice: str = "",
    speed: float = 1.0,
    language: str = "en",
    profile: str | None = None,
    face: str | None = None,
    speech: str | None = None,
    priority: int = Priority.NORMAL,
    subject: str = "",
    subject_version: str = "",
    idempotency_key: str | None = None,
) -> Job:
    """Checks everything, then writes the job with its clips in one transaction and rings for a worker.

    The same ``idempotency_key`` of the same owner gives the same job, however often and from wherever it comes.
    ``face`` and ``speech`` default to what the settings say; without a portrait the stand-in card speaks.

    Raises:
        ScriptError, PortraitError, OptionError: the request is wrong; nothing was stored.
        EngineError: the engine cannot be used here. ResourceError: ``no_space``, ``storage_denied``, ``busy``.
        LimitReached: ``quota_exceeded``, ``queue_full``.
    """
    if idempotency_key and len(idempotency_key) > KEY_CHARACTERS:
        raise OptionError(f"The idempotency key is longer than {KEY_CHARACTERS} characters.", code="key_too_long")
    if idempotency_key and (known := _job_with_key(owner, idempotency_key)):
        return known
    started_seconds = time.monotonic()
    plan = _plan(script, language, portrait_digest, voice, speed, profile, face, speech)
    storage.check_writable()
    job = Job(
        owner=owner,
        script=script,
        title=title[:TITLE_CHARACTERS],
        portrait_digest=portrait_digest,
        voice=voice,
        speed=speed,
        language=language,
        profile=plan.profile.name,
        face=plan.face,
        speech=plan.speech,
        priority=priority,
        subject=subject,
        subject_version=subject_version,
        idempotency_key=idempotency_key or None,
        timeout_seconds=plan.profile.timeout_for(script),
        stages={"validation": round(time.monotonic() - started_seconds, 3)},
    )
    return _store(job, plan.script)


def cancel_job(job: Job) -> bool:
    """Ends a job that is not yet finished; within two seconds nothing runs for it any more, and it is never published.
    False when it had ended already."""
    return lifecycle.cancel(job.pk)


def retry_job(job: Job, *, profile: str | None = None, idempotency_key: str | None = None) -> Job:
    """A new job with the same values (or another profile); what was finished comes from the cache. The key is that of
    :func:`submit_job`: two calls with the same one make one job.

    Raises:
        OptionError: ``job_active`` while the job has not ended. Also everything that :func:`submit_job` raises.
    """
    job.refresh_from_db()
    if job.is_active:
        raise OptionError("This video is still being made.", code="job_active", hint="Wait for it or cancel it first.")
    return submit_job(
        owner=job.owner,
        script=job.script,
        title=job.title,
        portrait_digest=job.portrait_digest,
        voice=job.voice,
        speed=job.speed,
        language=job.language,
        profile=profile or job.profile,
        face=job.face,
        speech=job.speech,
        priority=job.priority,
        subject=job.subject,
        subject_version=job.subject_version,
        idempotency_key=idempotency_key,
    )


def _plan(
    script: str, language: str, portrait_digest: str, voice: str, speed: float,
    profile: str | None, face: str | None, speech: str | None,
) -> _Plan:  # fmt: skip
    """Everything that can be found wrong without rendering."""
    from talking_head.pipeline.script_to_utterances import script_to_utterances

    utterances = script_to_utterances(script, language)
    chosen_profile = profile_named(profile)
    chosen_speech = registry.resolve("speech", speech or settings.TALKING_HEAD_SPEECH)
    check_voice(voice, chosen_speech)
    if not (math.isfinite(speed) and SPEED_RANGE[0] <= speed <= SPEED_RANGE[1]):
        raise OptionError(
            "This speed cannot be spoken.",
            code="speed_out_of_range",
            hint=f"Choose a speed from {SPEED_RANGE[0]} to {SPEED_RANGE[1]}.",
        )
    return _Plan(utterances, chosen_profile, _face_for(portrait_digest, face), chosen_speech)


def _face_for(portrait_digest: str, face: str | None) -> str:
    if portrait_digest and not private_files.exists(Kind.PORTRAIT, portrait_digest):
        raise storage.unknown_portrait()
    if portrait_digest:
        return registry.resolve("face", face or settings.TALKING_HEAD_FACE)
    if face in (None, registry.AUTO, STILL):
        return registry.resolve("face", STILL)
    raise PortraitError(
        "A portrait is needed for a face that moves.", code="portrait_missing", hint="Choose a portrait."
    )


def _job_with_key(owner: User | None, key: str) -> Job | None:
    return Job.objects.filter(owner_id=owner.pk if owner else None, idempotency_key=key).first()


def _store(job: Job, script: Script) -> Job:
    try:
        with transaction.atomic():
            if job.owner is not None:
                quota = quotas.lock(job.owner)
                # Only now, or the same request sent twice would be refused for what it asked for itself.
                if job.idempotency_key and (known := _job_with_key(job.owner, job.idempotency_key)):
                    return known
                admitted_at = quotas.admit(job, script.utterances, quota)
                job.save(force_insert=True)
                quotas.stamp(job, admitted_at)
            else:  # rendered by the process that asks: nobody queues and nobody is counted
                job.save(force_insert=True)
            Clip.objects.bulk_create(Clip(job=job, **_clip_values(utterance)) for utterance in script.utterances)
            doorbell.ring_after_commit(job.pk)
            progress.job_changed(job.pk)
    except IntegrityError:
        # A parallel call with the same key was faster: its job is the job.
        if job.idempotency_key and (known := _job_with_key(job.owner, job.idempotency_key)):
            return known
        raise
    except OperationalError as error:
        raise _storage_error(error) from error
    return job


def _clip_values(utterance: Utterance) -> dict[str, Any]:
    return {
        "index": utterance.index,
        "text": utterance.text,
        "spoken": utterance.spoken,
        "start": utterance.start,
        "end": utterance.end,
        "pause_seconds": utterance.pause_seconds,
        "chapter": utterance.chapter or "",
    }


def _storage_error(error: DatabaseError) -> ResourceError:
    """What SQLite and PostgreSQL say when they cannot write, in the words of our tree."""
    said = str(error).lower()
    if "full" in said or "no space" in said:
        return ResourceError(
            "The disk is full.", code="no_space", hint="An administrator must free some space, then try again."
        )
    if "readonly" in said or "read-only" in said:
        return ResourceError("The database cannot be written to.", code="storage_denied", hint="Tell an administrator.")
    return ResourceError("The database is busy or away.", code="busy", hint="Try again in a moment.")
