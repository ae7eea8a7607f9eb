"""Withdrawal of a person's consent to a portrait or a voice: what uses it stops, is hidden and is deleted.

The apps above keep who agreed, and register rules (:mod:`talking_head.permissions`). They call
:func:`withdraw_consent` at once, :func:`restore_consent` if it is undone, and :func:`purge_withdrawn` when it no longer
can be. Each may be called again: it does what is left to do.

The bytes of a picture may be stored for several owners, each with a consent of their own: only the videos of owners
whose consent ended are touched, and the bytes stay as long as one consent stands. A finished video is hidden, not
deleted: its owner may decide to keep it (:func:`keep_withdrawn_videos`), or renders the lesson anew. The rows stay:
when consent ended, and that a video was kept nevertheless, must remain provable.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.errors import InvalidInput, PortraitError
from talking_head.files import removals, uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import state_machine
from talking_head.live import events
from talking_head.models import ACTIVE_JOB_STATES, WATCHABLE_JOB_STATES, Clip, Job, PortraitUpload
from talking_head.permissions import PORTRAIT, VOICE, is_consented, is_withdrawn

logger = logging.getLogger(__name__)

UPLOADS = {PORTRAIT: UploadKind.PORTRAIT, VOICE: UploadKind.VOICE_SAMPLE}


def withdraw_consent(kind: str, digest: str, *, owner_id: int | None = None) -> int:
    """Cancel the videos that are being made with a portrait or voice, and hide the finished ones, of all owners whose
    consent has ended; return how many were hidden. ``owner_id`` is the user who withdraws: an upload of the same
    picture through the render service's API ends with it."""
    if kind == PORTRAIT and owner_id is not None:
        PortraitUpload.objects.filter(digest=digest, owner=owner_id).delete()
    jobs = _jobs_with(kind, digest).filter(consent_withdrawn_at=None)
    hidden = 0
    for owner in set(jobs.order_by().values_list("owner", flat=True)):
        if is_withdrawn(kind, digest, owner) or not is_consented(kind, digest):
            hidden += _withdraw_jobs(jobs.filter(owner=owner))
    return hidden


def restore_consent(kind: str, digest: str, *, since: datetime) -> int:
    """Show the videos again that were hidden since then, of owners who may use the portrait or voice again; return how
    many. Videos that were cancelled stay so."""
    jobs = _jobs_with(kind, digest).filter(consent_withdrawn_at__gte=since, kept_at=None)
    shown = 0
    for owner in set(jobs.order_by().values_list("owner", flat=True)):
        if not is_withdrawn(kind, digest, owner):
            shown += jobs.filter(owner=owner).update(consent_withdrawn_at=None, seq=F("seq") + 1)
    return shown


def purge_withdrawn(kind: str, digest: str, *, owner_id: int | None = None) -> None:
    """Delete for good what was made with the portrait or voice, after :func:`withdraw_consent`: clips, takes, and the
    bytes unless a consent of another owner covers them. Everywhere, with the next round of each machine's sweeper.

    Raises:
        ResourceError: the bytes cannot be deleted now; everything else has been done.
    """
    withdraw_consent(kind, digest, owner_id=owner_id)
    withdrawn = _jobs_with(kind, digest).exclude(consent_withdrawn_at=None)
    clips = Clip.objects.filter(job__in=withdrawn).exclude(clip_key="").only("clip_key", "take_key")
    removals.remove(removals.entries_of(clips), at_once=True)
    if not is_consented(kind, digest):
        uploads.delete(UPLOADS[kind], digest)


def forget_portrait(digest: str, owner_id: int) -> None:
    """Delete the clips of an owner's expired portrait, and its bytes unless a consent covers them. Videos stay.

    Raises:
        ResourceError: the bytes cannot be deleted now.
    """
    if is_consented(PORTRAIT, digest):
        return
    jobs = _jobs_with(PORTRAIT, digest).filter(owner=owner_id, consent_withdrawn_at=None)
    _withdraw_jobs(jobs)
    purge_withdrawn(PORTRAIT, digest)
    _jobs_with(PORTRAIT, digest).filter(owner=owner_id, kept_at=None).update(kept_at=Now())


def refuse_withdrawn(owner_id: int | None, portrait_digest: str, voice: str) -> None:
    """Refuse a video with a portrait or a cloned voice that its owner may no longer use.

    Raises:
        PortraitError, InvalidInput: ``portrait_withdrawn``, ``voice_withdrawn``.
    """
    if portrait_digest and is_withdrawn(PORTRAIT, portrait_digest, owner_id):
        raise PortraitError(
            "This portrait was withdrawn and can no longer be used.",
            code="portrait_withdrawn",
            hint="Choose another portrait.",
        )
    named = parsed(voice) if voice else None
    if isinstance(named, SampleVoice) and is_withdrawn(VOICE, named.digest, owner_id):
        raise voice_withdrawn()


def voice_withdrawn() -> InvalidInput:
    """Return the error for a cloned voice that is not available (any more)."""
    return InvalidInput("This voice is not available.", code="voice_withdrawn", hint="Choose another voice.")


def withdrawn_videos_of(owner_id: int, kind: str, digest: str) -> QuerySet[Job]:
    """Return the finished videos of an owner that are hidden because consent to this portrait or voice ended."""
    hidden = _jobs_with(kind, digest).filter(kept_at=None, delete_after=None, state__in=WATCHABLE_JOB_STATES)
    return hidden.filter(owner=owner_id).exclude(consent_withdrawn_at=None)


def count_withdrawn_videos(owner_id: int, kind: str) -> dict[str, int]:
    """Return how many finished videos of an owner are hidden because consent ended, by the digest of the portrait or
    voice."""
    hidden = Job.objects.filter(owner=owner_id, kept_at=None, delete_after=None, state__in=WATCHABLE_JOB_STATES)
    name = "portrait_digest" if kind == PORTRAIT else "voice"
    rows = hidden.filter(consent_withdrawn_at__isnull=False).order_by().values_list(name).annotate(number=Count("pk"))
    return {text.rpartition(":")[2]: number for text, number in rows}


def keep_withdrawn_videos(owner_id: int, kind: str, digest: str) -> int:
    """Show an owner's hidden videos again although consent ended, because the owner answers for it; return how many."""
    kept = withdrawn_videos_of(owner_id, kind, digest).update(kept_at=Now(), seq=F("seq") + 1)
    logger.warning("user %s keeps %d videos after the withdrawal of a %s", owner_id, kept, kind)
    return kept


def _jobs_with(kind: str, digest: str) -> QuerySet[Job]:
    uses = Q(portrait_digest=digest) if kind == PORTRAIT else Q(voice__endswith=f":{digest}")
    return Job.objects.filter(uses)


def _withdraw_jobs(jobs: QuerySet[Job]) -> int:
    """Mark the jobs, then cancel those that run: a worker that finishes a clip meanwhile sees the mark."""
    ids = list(jobs.values_list("pk", flat=True))
    marked = Job.objects.filter(pk__in=ids)
    marked.update(consent_withdrawn_at=Now(), seq=F("seq") + 1)
    for job_id in marked.filter(state__in=ACTIVE_JOB_STATES).values_list("pk", flat=True):
        state_machine.cancel(job_id)
    for job_id in ids:
        events.notify_job_changed(job_id)
    return marked.filter(state__in=WATCHABLE_JOB_STATES).count()
