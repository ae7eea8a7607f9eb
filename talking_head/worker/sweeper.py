"""What keeps promises when the one who made them is gone: run every few seconds, by any number of processes.

Everything here is a conditional write that somebody else may have been faster with, so two sweepers are harmless.
"""

from __future__ import annotations

import logging

from talking_head.jobs import (
    attempt_outcomes,
    claims,
    outbox,
    publish_claims,
    queue,
    state_machine,
    transcription,
    wakeups,
)
from talking_head.models import Notification

logger = logging.getLogger(__name__)

OUTBOX_AFTER_SECONDS = 5.0  # who wrote it delivers it at once; after this it did not
OUTBOX_BATCH = 100


def sweep() -> None:
    """One round, without the slow search for garbage."""
    reaped, expired, aged = (
        attempt_outcomes.reap_expired_leases(),
        attempt_outcomes.expire_deadlines(),
        queue.promote_aged_jobs(),
    )
    if reaped or expired or aged:
        logger.info("took back %d clips, ended the time of %d jobs, made %d urgent", reaped, expired, aged)
    wake_workers_if_needed()
    deliver_outbox()


def wake_workers_if_needed() -> bool:
    """Rings when there is work that nobody has been called for: a ring got lost, or its worker died."""
    there_is_work = (
        claims.is_anything_claimable()
        or publish_claims.is_anything_to_publish()
        or transcription.is_anything_to_transcribe()
    )
    return there_is_work and wakeups.pending_wakeups() == 0 and wakeups.wake_worker()


def deliver_outbox() -> int:
    """Delivers what ended jobs still owe to others; returns how many went well."""
    late = Notification.objects.filter(
        delivered_at=None,
        failures__lt=outbox.MAX_FAILURES,
        created_at__lt=state_machine.seconds_from_now(-OUTBOX_AFTER_SECONDS),
    )
    return sum(map(outbox.deliver, late.values_list("pk", flat=True)[:OUTBOX_BATCH]))


# --- garbage -------------------------------------------------------------------------------------------------------
