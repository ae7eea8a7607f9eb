"""Signal handlers that delete the files of a deleted job or recording: no private file outlives the row that says who
may see it.

If the storage is unavailable at that moment, the row is deleted all the same. The sweeper deletes a job's files later
(:mod:`talking_head.files.removals`); the log names a recording that stays.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from talking_head.errors import TalkingHeadError
from talking_head.files import removals, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Job, Narration

logger = logging.getLogger(__name__)


@receiver(pre_delete, sender=Job)
def remove_files_on_commit(instance: Job, **kwargs: Any) -> None:
    """Remove the files of a deleted job, and the clips that no other video has: without these rows they could not be
    found again when a portrait or a voice is withdrawn."""
    entries = removals.entries_of(instance.clips.exclude(clip_key="").only("clip_key", "take_key"))
    removals.remove([(removals.RESULTS, str(instance.pk)), *entries])


@receiver(post_delete, sender=Narration)
def delete_recording_on_commit(instance: Narration, **kwargs: Any) -> None:
    digest = instance.digest
    transaction.on_commit(lambda: _delete_recording(digest))


def _delete_recording(digest: str) -> None:
    if Narration.objects.filter(digest=digest).exists():  # another user uploaded the same bytes
        return
    try:
        uploads.delete(UploadKind.NARRATION, digest)
    except TalkingHeadError:
        logger.warning("The file of the deleted recording %s could not be deleted.", digest, exc_info=True)
