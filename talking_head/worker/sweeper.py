"""The sweeper: finishes what processes that are gone have left, run every few seconds by any number of processes.

Everything here is a conditional write that changes nothing when another process was faster, so two sweepers are
harmless.
"""

from __future__ import annotations

import logging

from talking_head.jobs import (
    attempt_outcomes,
    claims,
    housekeeping,
    outbox,
    publish_claims,
    queue,
    rebuilding,
    row_guard,
    state_machine,
    transcription,
    wakeups,
)
from talking_head.models import Notification

logger = logging.getLogger(__name__)

OUTBOX_AFTER_SECONDS = 5.0  # its writer delivers it at once; after this long the writer has failed to
OUTBOX_BATCH = 100


def sweep() -> None:
    """Run one round, without the slow search for garbage."""
    reaped, expired, aged = (
        attempt_outcomes.reap_expired_leases(),
        attempt_outcomes.expire_deadlines(),
        queue.promote_aged_jobs(),
    )
    attempt_outcomes.fail_empty_jobs()
    if reaped or expired or aged:
        logger.info("took back %d clips, expired %d jobs, made %d jobs urgent", reaped, expired, aged)
    wake_workers_if_needed()
    deliver_outbox()
    housekeeping.keep_house()


def wake_workers_if_needed() -> bool:
    """Wake a worker when work is waiting without a wakeup, because one was lost or its worker died; return whether."""
    is_work_waiting = (
        claims.has_claimable_clips()
        or publish_claims.has_publishable_jobs()
        or transcription.has_claimable_chunks()
        or rebuilding.has_claimable_rebuilds()
    )
    return is_work_waiting and wakeups.pending_wakeups() == 0 and wakeups.wake_worker()


def deliver_outbox() -> int:
    """Deliver the overdue notifications of ended jobs; return how many were delivered."""
    overdue = Notification.objects.filter(
        delivered_at=None,
        failures__lt=outbox.MAX_FAILURES,
        created_at__lt=state_machine.seconds_from_now(-OUTBOX_AFTER_SECONDS),
    )
    batch = overdue.values_list("pk", flat=True)[:OUTBOX_BATCH]
    return row_guard.each_alone("deliver", batch, lambda pk: pk, outbox.deliver)
