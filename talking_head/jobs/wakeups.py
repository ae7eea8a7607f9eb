"""The doorbell: tells some worker of the cluster that there is something to do.

A ring carries nothing that matters. Lost, it is rung again by the sweeper; doubled, the second worker finds nothing.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task

logger = logging.getLogger(__name__)
TASK = "talking_head.tasks.work"


def wake_worker_on_commit(job_id: UUID) -> None:
    """Rings once the surrounding transaction is committed, and never if it is rolled back."""
    transaction.on_commit(lambda: wake_worker(job_id))


def wake_worker(job_id: UUID | None = None) -> bool:
    """Rings now; ``job_id`` is only for the logs. False when the broker is away: the sweeper will try again."""
    try:
        async_task(TASK, str(job_id or ""), task_name=f"work {job_id or 'anything'}"[:100])
    except Exception:  # any broker's own error: the job is safe in its table and must not fail for this
        logger.warning("The doorbell could not be rung; the sweeper will ring again.", exc_info=True)
        return False
    return True


def pending_wakeups() -> int:
    """Rings that no worker has taken yet."""
    try:
        return int(get_broker().queue_size())
    except Exception:  # as above
        logger.warning("The queue cannot be asked for its length.", exc_info=True)
        return 0
