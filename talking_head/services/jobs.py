"""Submitting, cancelling and retrying jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from talking_head.engines import registry
from talking_head.engines.speech.pace import check_speed
from talking_head.errors import OptionError, PortraitError, ResourceError, unknown_portrait
from talking_head.files import local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import queue, state_machine, transcription, wakeups, withdrawal
from talking_head.live import events
from talking_head.models import Clip, Job, Narration, NarrationState, Priority
from talking_head.permissions import may_use_vip
from talking_head.planning import auto_selection, queue_forecast, quotas
from talking_head.profiles import AUTO, DEFAULT_PROFILE, RECORDED, STILL
from talking_head.services.narrations import placeholder_utterance, usable_narration
from talking_head.services.scripts import check_voice, speech_engine_for

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance

logger = logging.getLogger(__name__)

TITLE_CHARACTERS = 200
KEY_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request that has passed all checks."""

    utterances: tuple[Utterance, ...]
    face: str
    speech: str


def submit_job(
    *,
    owner: User | None,
    script: str,
    title: str = "",
    portrait_digest: str = "",
    narration_digest: str = "",
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
    request_digest: str = "",
) -> Job:
    """Check everything, write the job with its clips in one transaction, wake a worker and return the job.

    The same ``idempotency_key`` of the same owner returns the same job, however often it is sent and by any client.
    With a ``request_digest`` the key's first request must have had the same one.
    ``profile`` and ``face`` may be "auto"; the job then records which were chosen and why.
    ``face`` and ``speech`` default to the settings; without a portrait the still card is shown. A narration (of
    :func:`store_narration`) is used as the voice, and ``voice``, ``speed`` and ``speech`` must be left out; its
    transcript replaces an empty script. Until it has been transcribed, the job has no clips.

    Raises:
        ScriptError, PortraitError, OptionError: the request is invalid; nothing was stored. OptionError also for a key
            that came with another request: ``idempotency_key_reused``.
        EngineError: the engine cannot be used here. ResourceError: ``no_space``, ``storage_denied``, ``busy``.
        LimitReached: ``quota_exceeded``, ``queue_full``.
    """
    if idempotency_key and len(idempotency_key) > KEY_CHARACTERS:
        raise OptionError(f"The idempotency key is longer than {KEY_CHARACTERS} characters.", code="key_too_long")
    if idempotency_key and (known := _job_with_key(owner, idempotency_key, request_digest)):
        return known
    started_seconds = time.monotonic()
    withdrawal.refuse_withdrawn(owner.pk if owner else None, portrait_digest, voice)
    narration = usable_narration(narration_digest) if narration_digest else None
    if narration is not None:
        _refuse_voice_with_recording(voice, speed, speech)
        script = script if script.strip() else narration.text
    plan = _plan(script, language, portrait_digest, voice, speed, face, speech, narration)
    local.check_writable()
    job = Job(
        owner=owner,
        script=script,
        title=title[:TITLE_CHARACTERS],
        portrait_digest=portrait_digest,
        narration_digest=narration_digest,
        voice=voice,
        speed=speed,
        language=language,
        asked_profile=profile or DEFAULT_PROFILE,
        asked_face=plan.face,
        speech=plan.speech,
        priority=priority,
        subject=subject,
        subject_version=subject_version,
        idempotency_key=idempotency_key or None,
        request_digest=request_digest,
    )
    apply_selection(job, plan.utterances)
    job.stages = {"validation": round(time.monotonic() - started_seconds, 3)}
    return _store(job, plan.utterances, narration)


def apply_selection(job: Job, utterances: Sequence[Utterance], queue: queue_forecast.Queue | None = None) -> None:
    """Set the job's profile and face, which "auto" leaves to the rules, with the reasons and the timeout; ``queue`` is
    the open work, if the caller has read it.

    Raises:
        OptionError: ``unknown_profile``, ``unknown_engine``.
    """
    decision = auto_selection.select_profile_and_face(job, utterances, job.asked_profile, job.asked_face, queue)
    job.profile, job.face = decision.profile.name, decision.face
    job.profile_reason, job.face_reason = decision.profile_reason, decision.face_reason
    job.timeout_seconds = decision.profile.timeout_for(job.script)


def cancel_job(job: Job) -> bool:
    """Cancel a job that has not ended; within two seconds no worker runs it any more, and it is never published. Return
    False if it had already ended."""
    return state_machine.cancel(job.pk)


def retry_job(
    job: Job, *, profile: str | None = None, idempotency_key: str | None = None, request_digest: str = ""
) -> Job:
    """Submit a job with the same values (or another profile) and return it; finished clips come from the cache. The key
    and the digest are those of :func:`submit_job`: two calls with the same key create one job. An owner who may not use
    VIP priority any more gets a normal one.

    Raises:
        OptionError: ``job_active`` while the job has not ended. Also everything that :func:`submit_job` raises.
    """
    job.refresh_from_db()
    if job.is_active:
        raise OptionError(
            "This video is still being rendered.", code="job_active", hint="Wait until it ends, or cancel it first."
        )
    return submit_job(
        owner=job.owner,
        script=job.script,
        title=job.title,
        portrait_digest=job.portrait_digest,
        narration_digest=job.narration_digest,
        voice=job.voice,
        speed=job.speed,
        language=job.language,
        profile=profile or job.asked_profile or job.profile,
        face=job.asked_face or job.face,
        speech=job.speech,
        priority=job.priority if job.owner is None or may_use_vip(job.owner) else Priority.NORMAL,
        subject=job.subject,
        subject_version=job.subject_version,
        idempotency_key=idempotency_key,
        request_digest=request_digest,
    )


def _plan(
    script: str, language: str, portrait_digest: str, voice: str, speed: float,
    face: str | None, speech: str | None, narration: Narration | None,
) -> _Plan:  # fmt: skip
    """Check everything that can be checked without rendering, and return the plan."""
    from talking_head.pipeline.script.script_to_utterances import script_to_utterances

    has_no_text_yet = narration is not None and narration.state != NarrationState.READY and not script.strip()
    utterances = () if has_no_text_yet else script_to_utterances(script, language).utterances
    if narration is not None:
        chosen_speech = RECORDED
    else:
        chosen_speech = registry.resolve("speech", speech or speech_engine_for(voice))
        check_voice(voice, chosen_speech)
    check_speed(speed)
    return _Plan(tuple(utterances), _face_for(portrait_digest, face), chosen_speech)


def _face_for(portrait_digest: str, face: str | None) -> str:
    if portrait_digest and not uploads.exists(UploadKind.PORTRAIT, portrait_digest):
        raise unknown_portrait()
    if portrait_digest:
        return face or str(settings.TALKING_HEAD_FACE)
    if face in (None, AUTO, STILL):
        return STILL
    raise PortraitError("An animated face needs a portrait.", code="portrait_missing", hint="Choose a portrait.")


def _job_with_key(owner: User | None, key: str, request_digest: str) -> Job | None:
    job = Job.objects.filter(owner_id=owner.pk if owner else None, idempotency_key=key).first()
    if job and request_digest and job.request_digest and job.request_digest != request_digest:
        raise OptionError(
            "This idempotency key was sent with another request before.",
            code="idempotency_key_reused",
            hint="Send a new key with every new request, and the same key only to repeat one.",
        )
    return job


def _refuse_voice_with_recording(voice: str, speed: float, speech: str | None) -> None:
    if voice or speed != 1.0 or speech not in (None, AUTO, RECORDED):
        raise OptionError(
            "A recording and a voice cannot be combined.",
            code="audio_and_voice",
            hint="Leave out either the recording, or the voice and the speed.",
        )


def _store(job: Job, utterances: tuple[Utterance, ...], narration: Narration | None) -> Job:
    is_transcribed = narration is not None and narration.state == NarrationState.READY
    if narration is None:
        clips = [transcription.clip_of(job, utterance) for utterance in utterances]
    else:
        clips = transcription.clips_of(job, narration) if is_transcribed else []
        utterances = utterances or (placeholder_utterance(narration),)
    try:
        with transaction.atomic():
            if job.owner is not None:
                quota = quotas.lock(job.owner)
                # Checked before the quota, which a request that is sent twice would otherwise exceed by itself.
                if job.idempotency_key and (known := _job_with_key(job.owner, job.idempotency_key, job.request_digest)):
                    return known
                admitted_at = quotas.check_and_reserve(job, utterances, quota)
                job.save(force_insert=True)
                quotas.set_created_at(job, admitted_at)
            else:  # rendered by the calling process: there is no queue and no quota
                job.save(force_insert=True)
            # Again, because the consent may have been withdrawn since: a withdrawal cancels only what is stored.
            withdrawal.refuse_withdrawn(job.owner_id, job.portrait_digest, job.voice)
            Clip.objects.bulk_create(queue.enqueue(job, clips))
            if narration is not None and not is_transcribed:
                transcription.wait_for(job, narration)
            wakeups.wake_worker_on_commit(job.pk)
            events.notify_job_changed(job.pk)
    except IntegrityError:
        # A parallel call with the same key was faster: return its job.
        if job.idempotency_key and (known := _job_with_key(job.owner, job.idempotency_key, job.request_digest)):
            return known
        raise
    except OperationalError as error:
        raise _storage_error(error) from error
    details = len(clips), job.profile, job.speech, job.face
    logger.info("accepted: %d sentences, %s, %s, %s", *details, extra={"job": job.pk})
    return job


def _storage_error(error: DatabaseError) -> ResourceError:
    """Return the error of this package for what SQLite or PostgreSQL reports when it cannot write."""
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return ResourceError(
            "The disk is full.", code="no_space", hint="Ask an administrator to free some space, then try again."
        )
    if "readonly" in text or "read-only" in text:
        return ResourceError("The database cannot be written to.", code="storage_denied", hint="Tell an administrator.")
    return ResourceError("The database is busy or unavailable.", code="busy", hint="Try again in a moment.")
