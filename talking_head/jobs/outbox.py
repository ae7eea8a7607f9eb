"""The outbox: what must follow a job's end, stored in the transaction that ends it, done afterwards, at least once."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from talking_head.models import Job, Notification
from talking_head.monitoring import job_metrics
from talking_head.monitoring.log_context import log_context
from talking_head.signals import job_ended

logger = logging.getLogger(__name__)

JOB_ENDED = "job_ended"
MAX_FAILURES = 10


def enqueue_job_ended(job_id: UUID) -> None:
    """Store that the job ended; call it inside the transaction that ends it. Delivered right after the commit."""
    notification = Notification.objects.create(job_id=job_id, kind=JOB_ENDED)
    transaction.on_commit(lambda: deliver(notification.pk))


def deliver(notification_id: int) -> bool:
    """Write the metrics and notify the receivers of ``job_ended``; return whether all of it succeeded."""
    job = Job.objects.filter(notifications=notification_id).first()
    if job is None:
        return False
    with log_context(job=job.pk):
        return _deliver(job, notification_id)


def _deliver(job: Job, notification_id: int) -> bool:
    job_metrics.write(job)
    failed = False
    for receiver, response in job_ended.send_robust(sender=Job, job=job):
        if isinstance(response, Exception):
            failed = True
            logger.error("A receiver of job_ended failed: %r", receiver, exc_info=response)
    undelivered = Notification.objects.filter(pk=notification_id, delivered_at=None)
    if failed:
        undelivered.update(failures=F("failures") + 1)
    else:
        undelivered.update(delivered_at=Now())
    return not failed
