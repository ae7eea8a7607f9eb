"""Retention of finished videos that nothing shows any more: every edit of a lesson makes a new one, as large as before.

A video is superseded when a later one with the same subject was published. It stays for some time after that
(``TALKING_HEAD_SUPERSEDED_DAYS``), for students who are watching it and for teachers who reconsider. Videos without a
subject, which clients of the API asked for, have a time of their own (``TALKING_HEAD_RESULT_DAYS``). Rows, metrics and
logs stay: the history of a site is small. What the apps above still show they register as a rule, at any age::

    register_result_use(lambda: Lesson.objects.exclude(current_job=None).values("current_job"))
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from talking_head.files import removals
from talking_head.jobs.state_machine import seconds_from_now
from talking_head.jobs.uses import InUse, Uses
from talking_head.models import HIDDEN_JOBS, WATCHABLE_JOB_STATES, Job

logger = logging.getLogger(__name__)

BATCH = 100
DAY_SECONDS = 86_400.0

_uses = Uses()


def register_result_use(rule: InUse) -> None:
    """Add a reason to keep finished videos; registering the same function again changes nothing."""
    _uses.register(rule)


def collect_superseded() -> int:
    """Delete the files of videos whose time is over, and return of how many; the next round goes on after a hundred."""
    removed = 0
    for job_id in _due().values_list("pk", flat=True)[:BATCH]:
        with transaction.atomic():
            if _due().filter(pk=job_id).update(results_removed_at=Now()):
                logger.info("deleting the files of a video that nothing shows any more", extra={"job": job_id})
                removals.remove([(removals.VIDEOS, job_id.hex)])
                removed += 1
    return removed


def _due() -> QuerySet[Job]:
    """Return the videos whose files may go now."""
    of_subject, of_clients = settings.TALKING_HEAD_SUPERSEDED_DAYS, settings.TALKING_HEAD_RESULT_DAYS
    later = Job.objects.filter(
        subject=OuterRef("subject"),
        state__in=WATCHABLE_JOB_STATES,
        finished_at__gt=OuterRef("finished_at"),
        finished_at__lt=_days_ago(of_subject),
    )
    reasons: Q = Q(pk__in=[])
    if of_subject:
        reasons |= Q(~Q(subject=""), Exists(later), finished_at__lt=_days_ago(of_subject))
    if of_clients:
        reasons |= Q(subject="", finished_at__lt=_days_ago(of_clients))
    finished = Job.objects.filter(reasons, state__in=WATCHABLE_JOB_STATES)
    return finished.exclude(HIDDEN_JOBS).exclude(_uses.condition()).order_by("finished_at")


def _days_ago(days: int) -> Any:
    return seconds_from_now(-days * DAY_SECONDS)
