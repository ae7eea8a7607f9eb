"""Recorded narrations as the renderer stores them: checked, converted to plain FLAC, and transcribed by the workers.

Nothing is decoded here: see :mod:`talking_head.decoding`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from talking_head.decoding import operations
from talking_head.decoding.results import PLAIN_FLAC
from talking_head.errors import InvalidInput
from talking_head.files import local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import narration_retention, transcription, wakeups
from talking_head.live.snapshots import narration_view
from talking_head.media_io.audio_limits import MAX_FILE_BYTES as MAX_NARRATION_BYTES
from talking_head.models import Narration, NarrationState
from talking_head.pipeline.checks.reports import NarrationReport
from talking_head.profiles import CHARACTERS_SPOKEN_PER_SECOND
from talking_head.services.uploaded_files import decoded

if TYPE_CHECKING:
    from talking_head.pipeline.script.script_to_utterances import Utterance

__all__ = [
    "MAX_NARRATION_BYTES",
    "MAX_NARRATION_SECONDS",
    "narration_of",
    "narration_view",
    "store_narration",
    "usable_narration",
]

MAX_NARRATION_SECONDS = 60 * 60.0


def store_narration(file: BinaryIO, owner: User | None) -> Narration:
    """Check an uploaded recording, store it as mono FLAC without metadata under the sha256 of the stored bytes, and
    return its row. A worker transcribes it next: the row's ``state`` is the progress. The same recording uploaded twice
    is one row.

    Raises:
        InvalidInput: the content of the file is not a usable recording; nothing was stored.
        ResourceError: ``busy``, ``no_space``, ``storage_denied``.
    """
    local.check_writable()
    with decoded(operations.NARRATION, file, max_seconds=MAX_NARRATION_SECONDS) as recording:
        digest = uploads.store_file(UploadKind.NARRATION, recording.folder / PLAIN_FLAC)
        report = NarrationReport.from_json(recording.values["report"])
    with transaction.atomic():
        narration, is_new = Narration.objects.get_or_create(
            owner=owner,
            digest=digest,
            defaults={"duration_seconds": report.duration_seconds, "report": report.to_json()},
        )
        narration_retention.mark_used(narration)
        if is_new or narration.state == NarrationState.FAILED:  # a new upload is a new attempt
            transcription.restart_transcription(narration)
            transaction.on_commit(lambda: wakeups.wake_worker())
    return narration


def usable_narration(digest: str) -> Narration:
    """Return the row of a recording that has been or will be transcribed, marked as used by a job.

    Raises:
        InvalidInput: ``unknown_narration``, or the reason why it cannot be used.
    """
    rows = Narration.objects.filter(digest=digest)
    narration = rows.filter(state=NarrationState.READY).first() or rows.first()
    if narration is None or not uploads.exists(UploadKind.NARRATION, digest):
        raise unknown_narration()
    if narration.state == NarrationState.FAILED:
        raise transcription.error_of(narration)
    narration_retention.mark_used(narration)
    return narration


def narration_of(narration_id: UUID) -> Narration | None:
    """Return the row of an upload by any user, or None: the caller decides who may see it."""
    return Narration.objects.filter(pk=narration_id).first()


def unknown_narration() -> InvalidInput:
    return InvalidInput("This recording is not available.", code="unknown_narration", hint="Upload it again.")


def placeholder_utterance(narration: Narration) -> Utterance:
    """Return an utterance as long as the recording, to estimate the cost of a job that has no transcript yet."""
    from talking_head.pipeline.script.script_to_utterances import Utterance

    spoken = "x" * round(narration.duration_seconds * CHARACTERS_SPOKEN_PER_SECOND)
    return Utterance(index=0, text=spoken, spoken=spoken, start=0, end=len(spoken), pause_seconds=0.0)
