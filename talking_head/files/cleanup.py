"""Signal handlers that delete the files of a deleted job or recording: no private file outlives the row that says who
may see it.

If the storage is unavailable at that moment, the files stay; the row is deleted all the same, and the log names them.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.errors import TalkingHeadError
from talking_head.files import clip_cache, job_files, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Clip, Job, Narration

logger = logging.getLogger(__name__)


@receiver(post_delete, sender=Job)
def delete_files_on_commit(instance: Job, **kwargs: Any) -> None:
    job_id = instance.pk  # Django empties the instance afterwards
    transaction.on_commit(lambda: _delete_files(job_id))


def _delete_files(job_id: UUID) -> None:
    try:
        job_files.delete(job_id)
    except TalkingHeadError:
        logger.warning("The files of the deleted job %s could not be deleted.", job_id, exc_info=True)


@receiver(pre_delete, sender=Job)
def delete_cloned_clips_on_commit(instance: Job, **kwargs: Any) -> None:
    """Delete the clips of a cloned voice, which could not be found without these rows when the voice is withdrawn."""
    if isinstance(parsed(instance.voice), SampleVoice):
        keys = list(instance.clips.exclude(clip_key="").values_list("take_key", "clip_key"))
        transaction.on_commit(lambda: _delete_clips(keys))


def _delete_clips(keys: list[tuple[str, str]]) -> None:
    for take_key, clip_key in keys:
        if Clip.objects.filter(clip_key=clip_key).exists():  # another video has it too
            continue
        try:
            clip_cache.delete((clip_cache.CLIPS, clip_key))
            if not Clip.objects.filter(take_key=take_key).exists():
                clip_cache.delete((clip_cache.TAKES, take_key))
        except TalkingHeadError:
            logger.warning("The clip %s of a cloned voice could not be deleted.", clip_key, exc_info=True)


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
