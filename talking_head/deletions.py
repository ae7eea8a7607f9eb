"""When a job's row goes, its files go: nothing private outlives what says who may see it."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from talking_head import results
from talking_head.errors import TalkingHeadError
from talking_head.models import Job

logger = logging.getLogger(__name__)


@receiver(post_delete, sender=Job)
def remove_files_after_commit(instance: Job, **kwargs: Any) -> None:
    job_id = instance.pk  # Django empties the instance afterwards
    transaction.on_commit(lambda: _remove_files(job_id))


def _remove_files(job_id: UUID) -> None:
    """A bucket that is away keeps the files until ``manage.py bucket --clean``; the deletion of the row stands."""
    try:
        results.delete(job_id)
    except TalkingHeadError:
        logger.warning("The files of the deleted job %s could not be removed.", job_id, exc_info=True)
