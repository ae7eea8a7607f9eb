"""Deletion of jobs by users: hidden at once, undone for a while, then deleted with their files by the sweeper."""

from __future__ import annotations

import logging

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from talking_head.jobs import state_machine
from talking_head.models import ACTIVE_JOB_STATES, HIDDEN_JOBS, Clip, ClipState, Job

logger = logging.getLogger(__name__)

BATCH = 100


def delete_jobs(jobs: QuerySet[Job], *, undo_seconds: float = 0.0) -> int:
    """Hide these jobs from everybody and cancel those that run; after ``undo_seconds`` the sweeper deletes their rows
    and files. Return how many there are."""
    ids = list(jobs.values_list("pk", flat=True))
    chosen = Job.objects.filter(pk__in=ids)
    if undo_seconds > 0:
        chosen = chosen.filter(delete_after=None)  # a deletion that began earlier is not prolonged
    chosen.update(delete_after=state_machine.seconds_from_now(undo_seconds))
    chosen = Job.objects.filter(pk__in=ids)
    for job_id in chosen.filter(state__in=ACTIVE_JOB_STATES).values_list("pk", flat=True):
        state_machine.cancel(job_id)
    return len(ids)


def restore_jobs(jobs: QuerySet[Job]) -> int:
    """Undo :func:`delete_jobs` for jobs that still exist; return how many. Cancelled renders stay cancelled."""
    return jobs.exclude(delete_after=None).update(delete_after=None)


def hidden_jobs() -> QuerySet[Job, object]:
    """Return the ids of the jobs whose files are served to no user now, as a subquery."""
    return Job.objects.filter(HIDDEN_JOBS).values("pk")


def delete_due_jobs() -> int:
    """Delete the jobs whose time for an undo is over, except those that a worker is still letting go; return how many.

    Their files are deleted with them (:mod:`talking_head.files.cleanup`)."""
    worked_on = Clip.objects.filter(job=OuterRef("pk"), state=ClipState.LEASED, lease_expires_at__gt=Now())
    due = Job.objects.filter(~Exists(worked_on), delete_after__lte=Now())
    jobs = list(due.only("pk")[:BATCH])
    for job in jobs:
        logger.info("deleting the job and its files", extra={"job": job.pk})
        job.delete()
    return len(jobs)
