"""The worked seconds of a job, which its time limit counts: those in which some worker held one of its clips.

Neither the time in the queue counts nor an outage of everything. Clips that several workers hold at once count once: a
job remembers until when its seconds are counted (``worked_until``). Each renewal or end of a lease adds the seconds
since the last of these, at most one lease, so that neither a clock that was set nor a pause of the machine looks like
work.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Now

from talking_head.models import Clip, ClipState, Job
from talking_head.timing import timing


def uncounted_seconds(
    now: datetime, lease_expires_at: datetime, worked_until: datetime | None, lease_seconds: float
) -> float:
    """Return the seconds of a lease, renewed last when its expiry says so, that its job has not counted yet."""
    begin = lease_expires_at - timedelta(seconds=lease_seconds)
    if worked_until is not None and worked_until <= now:  # otherwise the clock was set back meanwhile
        begin = max(begin, worked_until)
    return min(max(0.0, (now - begin).total_seconds()), lease_seconds)


def count(job_id: UUID, clip_id: int, condition: Q) -> None:
    """Add the seconds of this clip's lease to its job; call it in a transaction that has locked the job's row, before
    the lease is changed."""
    held = Clip.objects.filter(condition, pk=clip_id, state=ClipState.LEASED, lease_expires_at__isnull=False)
    held = held.filter(is_fallback=False)  # fallbacks have their own time beyond the job's
    row = held.annotate(now=Now()).values_list("now", "lease_expires_at", "job__worked_until").first()
    if row is None:
        return
    now, expires_at, worked_until = row
    assert expires_at is not None
    seconds = uncounted_seconds(now, expires_at, worked_until, timing().lease_seconds)
    Job.objects.filter(pk=job_id).update(worked_seconds=F("worked_seconds") + seconds, worked_until=now)
