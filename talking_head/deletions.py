"""When the row of a job or of a recording goes, its files go: nothing private outlives what says who may see it.

A storage that is away at that moment keeps the files; the deletion of the row stands, and the log names them.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from talking_head import private_files, results
from talking_head.errors import TalkingHeadError
from talking_head.models import Job, Narration
from talking_head.private_files import Kind

logger = logging.getLogger(__name__)


@receiver(post_delete, sender=Job)
def remove_files_after_commit(instance: Job, **kwargs: Any) -> None:
    job_id = instance.pk  # Django empties the instance afterwards
    transaction.on_commit(lambda: _remove_files(job_id))


def _remove_files(job_id: UUID) -> None:
    try:
        results.delete(job_id)
    except TalkingHeadError:
        logger.warning("The files of the deleted job %s could not be removed.", job_id, exc_info=True)


@receiver(post_delete, sender=Narration)
def remove_recording_after_commit(instance: Narration, **kwargs: Any) -> None:
    digest = instance.digest
    transaction.on_commit(lambda: _remove_recording(digest))


def _remove_recording(digest: str) -> None:
    if Narration.objects.filter(digest=digest).exists():  # somebody else uploaded the same bytes
        return
    try:
        private_files.delete(Kind.NARRATION, digest)
    except TalkingHeadError:
        logger.warning("The file of the deleted recording %s could not be removed.", digest, exc_info=True)
