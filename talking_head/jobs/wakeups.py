"""Wakeups: messages that make some worker of the cluster look for work.

A wakeup carries nothing that matters. A lost one is repeated by the sweeper; of two, the second worker finds nothing.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task

from talking_head.jobs import wakeup_pipe

logger = logging.getLogger(__name__)
TASK = "talking_head.tasks.work"


def wake_worker_on_commit(job_id: UUID) -> None:
    """Wake a worker once the surrounding transaction is committed, and never if it is rolled back."""
    transaction.on_commit(lambda: wake_worker(job_id))


def wake_worker(job_id: UUID | None = None) -> bool:
    """Wake a worker now; ``job_id`` is only for the logs. Return False when the broker is away: the sweeper retries."""
    try:
        async_task(TASK, str(job_id or ""), task_name=f"work {job_id or 'anything'}"[:100])
    except Exception:  # any broker's own error: the job is safe in its table and must not fail for this
        logger.warning("No worker could be woken; the sweeper will try again.", exc_info=True)
        return False
    if is_in_table():
        transaction.on_commit(wakeup_pipe.ring)  # a worker that looked earlier would not see the row
    return True


def is_in_table() -> bool:
    """Return whether the queue is a table of the database; Redis wakes those who wait for it by itself."""
    return not settings.REDIS_URL


def pending_wakeups() -> int:
    """Return the number of wakeups that no worker has taken yet."""
    try:
        return int(get_broker().queue_size())
    except Exception:  # as above
        logger.warning("The length of the task queue could not be read.", exc_info=True)
        return 0
