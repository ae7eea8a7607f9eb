"""Recorded narrations between upload and video: claims of their chunks, transcripts, and the jobs that wait for them.

Transcribing works like rendering a clip: a conditional UPDATE claims a chunk under a lease with a fence, a worker that
went away loses it to the next, and a chunk that crashes its renderer twice makes the narration fail. Short recordings
come first, and each is transcribed one chunk at a time, so that no teacher waits for another teacher's lecture. Workers
take a chunk only when they have nothing to render or publish (:mod:`talking_head.worker.worker`).

A job may be submitted before its recording is transcribed. It has no clips then; it gets them, and its script if it has
none, in the transaction that stores the last chunk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from talking_head.errors import InvalidInput, RendererError, TalkingHeadError
from talking_head.jobs import queue, wakeups
from talking_head.jobs.leases import Lease
from talking_head.jobs.state_machine import LostRace, atomic_transition, fail_job, seconds_from_now
from talking_head.live import events
from talking_head.models import Clip, Job, JobState, Narration, NarrationState
from talking_head.profiles import profile_named
from talking_head.timing import timing

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance

MAX_TRIES = 2  # of one chunk
CANDIDATES = 5
PARAGRAPH_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionClaim(Lease):
    """One worker's right to transcribe one chunk of a recording."""

    narration_id: UUID
    digest: str
    start_seconds: float
    language: str = ""

    @property
    def claimed(self) -> QuerySet[Narration]:
        """Return the narration while the claim holds, otherwise nothing."""
        return Narration.objects.filter(self.fence_q, pk=self.narration_id, state=NarrationState.TRANSCRIBING)


# --- claiming and storing chunks -----------------------------------------------------------------------------------


def _claimable() -> QuerySet[Narration]:
    is_orphan = Q(state=NarrationState.TRANSCRIBING, lease_expires_at__lt=Now())
    return Narration.objects.filter(Q(state=NarrationState.WAITING) | is_orphan).order_by(
        "transcribed_seconds", "created_at"
    )


def has_claimable_chunks() -> bool:
    return _claimable().exists()


def claim_chunk(job_id: UUID | None = None) -> TranscriptionClaim | None:
    """Claim the next chunk of any recording, or of that job's; return None when there is nothing to transcribe now."""
    narrations = _claimable()
    if job_id is not None:
        narrations = narrations.filter(digest__in=Job.objects.filter(pk=job_id).values("narration_digest"))
    for narration in narrations[:CANDIDATES]:
        if narration.tries >= MAX_TRIES:
            error = RendererError("The recording could not be transcribed.", code="narration_failed", hint="Try again.")
            _give_up(narration.pk, narration.fence, error)
            continue
        unchanged = Narration.objects.filter(pk=narration.pk, fence=narration.fence, state=narration.state)
        is_claimed = unchanged.update(
            state=NarrationState.TRANSCRIBING,
            fence=F("fence") + 1,
            tries=F("tries") + 1,
            lease_expires_at=seconds_from_now(timing().lease_seconds),
        )
        if is_claimed:
            language = narration.transcript.get("language", "")  # a lesson does not change its language midway
            return TranscriptionClaim(
                narration_id=narration.pk,
                fence=narration.fence + 1,
                digest=narration.digest,
                start_seconds=narration.transcribed_seconds,
                language=language,
            )
    return None


def renew_lease(claim: TranscriptionClaim) -> bool:
    """Renew the lease; return False when the chunk is no longer this claim's and the work must stop."""
    return bool(claim.claimed.update(lease_expires_at=seconds_from_now(timing().lease_seconds)))


def release(claim: TranscriptionClaim) -> None:
    """Release the chunk because the worker stops; this does not count as a try."""
    claim.claimed.update(state=NarrationState.WAITING, lease_expires_at=None, tries=F("tries") - 1)


def record_failure(claim: TranscriptionClaim, error: TalkingHeadError) -> None:
    """Retry the chunk after a transient error; a permanent one fails the narration and the jobs that wait for it."""
    if error.permanent:
        _give_up(claim.narration_id, claim.fence, error)
    else:
        claim.claimed.update(state=NarrationState.WAITING, lease_expires_at=None)


@atomic_transition
def record_chunk(claim: TranscriptionClaim, chunk: dict[str, Any], *, seconds: float | None = None) -> None:
    """Store a transcribed chunk (a ``TranscribedChunk`` as JSON), and how long it took, for forecasts. With the last
    chunk the recording is ready, and the jobs that wait for it begin."""
    narration = claim.claimed.select_for_update().first()
    if narration is None:
        raise LostRace
    transcript = _with_chunk(narration, chunk)
    narration.transcript = transcript
    narration.transcribed_seconds = chunk["end_seconds"]
    narration.state = NarrationState.READY if chunk["is_last"] else NarrationState.WAITING
    narration.tries, narration.lease_expires_at, narration.chunk_seconds = 0, None, seconds
    if chunk["is_last"] and not transcript["segments"]:
        _fail(narration, no_speech())
        return
    if chunk["is_last"]:
        narration.text = script_of(transcript["segments"])
    narration.save()
    if chunk["is_last"]:
        for job in _waiting_jobs(narration.digest):
            _begin_job(job, narration)


def _with_chunk(narration: Narration, chunk: dict[str, Any]) -> dict[str, Any]:
    """Return the transcript so far with this chunk added, in the form of ``TranscriptMetadata``."""
    known = narration.transcript
    # Silence has no language: the chunk with the clearest speech determines it.
    is_clearer = chunk["language_probability"] > known.get("language_probability", 0.0)
    clearest = chunk if is_clearer or not known else known
    return {
        "recogniser": chunk["recogniser"],
        "language": clearest["language"],
        "language_probability": clearest["language_probability"],
        "duration_seconds": narration.duration_seconds,
        "segments": [*known.get("segments", ()), *chunk["segments"]],
    }


def script_of(segments: Sequence[dict[str, Any]]) -> str:
    """Return a transcript as a script: sentences, and a new paragraph after each long pause of the speaker."""
    parts: list[str] = []
    previous = None
    for segment in segments:
        if previous is not None:
            pause_seconds = segment["start_seconds"] - previous["end_seconds"]
            parts.append("\n\n" if pause_seconds > PARAGRAPH_PAUSE_SECONDS else " ")
        parts.append(segment["text"])
        previous = segment
    return "".join(parts)


def no_speech() -> InvalidInput:
    return InvalidInput(
        "No speech was found in the recording.",
        code="audio_no_speech",
        hint="Check that the microphone was on and that the speech is not drowned out by music.",
    )


@atomic_transition
def _give_up(narration_id: UUID, fence: int, error: TalkingHeadError) -> None:
    narration = Narration.objects.select_for_update().filter(pk=narration_id, fence=fence).first()
    if narration is None:
        raise LostRace
    _fail(narration, error)


def _fail(narration: Narration, error: TalkingHeadError) -> None:
    narration.state, narration.lease_expires_at = NarrationState.FAILED, None
    narration.error_code, narration.error_message, narration.error_hint = error.code, error.message, error.hint
    narration.save()
    for job in _waiting_jobs(narration.digest):
        _fail_waiting_job(job, error)


def _fail_waiting_job(job: Job, error: TalkingHeadError) -> None:
    with contextlib.suppress(LostRace), transaction.atomic():  # cancelled meanwhile
        fail_job(job.pk, error)


def restart_transcription(narration: Narration) -> None:
    """Transcribe a recording again from the beginning, without its transcript and its error."""
    narration.state, narration.tries, narration.transcribed_seconds = NarrationState.WAITING, 0, 0.0
    narration.transcript, narration.text = {}, ""
    narration.error_code = narration.error_message = narration.error_hint = ""
    narration.save()


# --- the jobs that wait for a transcript ---------------------------------------------------------------------------


def wait_for(job: Job, narration: Narration) -> None:
    """Make a job that was just stored wait for its recording. If the recording became ready while the job was being
    stored, the job begins now; the row's lock ensures that it is one or the other. Call it inside a transaction.

    Raises:
        TalkingHeadError: the recording cannot be used.
    """
    narration = Narration.objects.select_for_update().get(pk=narration.pk)
    if narration.state == NarrationState.READY:
        _begin_job(job, narration)
    elif narration.state == NarrationState.FAILED:
        raise error_of(narration)


def error_of(narration: Narration) -> InvalidInput:
    """Return the error because of which a narration cannot be used."""
    return InvalidInput(narration.error_message, code=narration.error_code, hint=narration.error_hint)


def _waiting_jobs(digest: str) -> QuerySet[Job]:
    return Job.objects.filter(narration_digest=digest, state=JobState.QUEUED, clips=None)


def _begin_job(job: Job, narration: Narration) -> None:
    """Give a waiting job its script and its clips, or fail it with the error that prevents this."""
    try:
        with transaction.atomic():
            job.script = job.script or narration.text
            clips = clips_of(job, narration)
            timeout_seconds = profile_named(job.profile).timeout_for(job.script)
            waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED)
            # Two steps: the viewers' next event shows a gap, so they fetch a snapshot, which has the sentences.
            if not waiting.update(script=job.script, timeout_seconds=timeout_seconds, seq=F("seq") + 2):
                return  # cancelled meanwhile
            Clip.objects.bulk_create(queue.enqueue(job, clips))
    except InvalidInput as error:
        _fail_waiting_job(job, error)
        return
    events.notify_job_changed(job.pk)
    wakeups.wake_worker_on_commit(job.pk)


def clips_of(job: Job, narration: Narration) -> list[Clip]:
    """Return the clips of a job's script, each with its passage of the recording; they are not stored.

    Raises:
        ScriptError: the script cannot be spoken, or the recording does not say it (``audio_text_mismatch``).
    """
    from talking_head.engines.speech.recognition import TranscriptMetadata
    from talking_head.pipeline.narration.passages import narration_to_passages
    from talking_head.pipeline.script.script_to_utterances import script_to_utterances

    utterances = script_to_utterances(job.script, job.language).utterances
    transcript = TranscriptMetadata.from_json(narration.transcript)
    passages = narration_to_passages(
        [utterance.spoken for utterance in utterances], transcript.words, transcript.duration_seconds
    )
    clips = [clip_of(job, utterance) for utterance in utterances]
    for clip, passage in zip(clips, passages, strict=True):
        if passage is not None:
            clip.narration_start_seconds, clip.narration_end_seconds = passage.start_seconds, passage.end_seconds
    return clips


def clip_of(job: Job, utterance: Utterance) -> Clip:
    """Return an utterance as a clip to render; it is not stored."""
    return Clip(
        job=job,
        index=utterance.index,
        text=utterance.text,
        spoken=utterance.spoken,
        start=utterance.start,
        end=utterance.end,
        pause_seconds=utterance.pause_seconds,
        chapter=utterance.chapter or "",
    )
