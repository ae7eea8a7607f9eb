"""Retention of recordings that nothing uses any more: marked, kept for a while in case the teacher reconsiders, then
deleted with their transcripts. A person's voice should not stay stored because it was forgotten.

A job in progress uses the recording that it speaks with. What the apps above use they register as a rule, because the
renderer does not know them::

    register_narration_use(lambda: Lesson.objects.exclude(narration=None).values("narration"))

``unused_since`` is the moment at which the sweeper first saw that nothing used a recording. Removing a recording from a
lesson can therefore be undone for ``TALKING_HEAD_UNUSED_NARRATION_DAYS``, and an upload waits as long for its lesson.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from talking_head.jobs.state_machine import seconds_from_now
from talking_head.jobs.uses import InUse, Uses
from talking_head.models import ACTIVE_JOB_STATES, Job, Narration

logger = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0

_uses = Uses()


def register_narration_use(rule: InUse) -> None:
    """Add a reason to keep recordings; registering the same function again changes nothing."""
    _uses.register(rule)


def collect_unused() -> int:
    """Mark which recordings are used, delete those that were unused for long enough, and return how many."""
    used = _used()
    Narration.objects.exclude(unused_since=None).filter(used).update(unused_since=None)
    Narration.objects.filter(unused_since=None).exclude(used).update(unused_since=Now())
    if not settings.TALKING_HEAD_UNUSED_NARRATION_DAYS:  # keep them for ever
        return 0
    return sum(map(_delete_if_unused, _expired().values_list("pk", flat=True)))


def mark_used(narration: Narration) -> None:
    """Mark a recording that is about to be used as used until the sweeper looks again."""
    Narration.objects.filter(pk=narration.pk).exclude(unused_since=None).update(unused_since=None)


def _used() -> Q:
    by_jobs = Q(digest__in=Job.objects.filter(state__in=ACTIVE_JOB_STATES).values("narration_digest"))
    return by_jobs | _uses.condition()


def _expired() -> QuerySet[Narration]:
    seconds = settings.TALKING_HEAD_UNUSED_NARRATION_DAYS * DAY_SECONDS
    return Narration.objects.filter(unused_since__lt=seconds_from_now(-seconds))


@transaction.atomic
def _delete_if_unused(narration_id: UUID) -> bool:
    """Delete a recording if it is still unused under the row's lock; return whether it was."""
    narration = _expired().exclude(_used()).select_for_update().filter(pk=narration_id).first()
    if narration is None:
        return False
    logger.info("deleting recording %s, which has been unused since %s", narration_id, narration.unused_since)
    narration.delete()  # its file is deleted with it, see talking_head.files.cleanup
    return True
