"""Recordings that nothing uses any more: noticed, kept for a while in case somebody changes their mind, then deleted
with what was heard in them. Somebody's voice should not lie around because nobody remembers it.

A video in the making uses the recording that speaks in it. What the apps above use they say by a rule, because the
renderer does not know them::

    register_narration_use(lambda: Lesson.objects.exclude(narration=None).values("narration"))

``unused_since`` is the moment at which the sweeper first saw that nobody used a recording. Taking a recording away from
a lesson can therefore be undone for ``TALKING_HEAD_UNUSED_NARRATION_DAYS``, and an upload waits as long for its lesson.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from talking_head.jobs.state_machine import seconds_from_now
from talking_head.models import ACTIVE_JOB_STATES, Job, Narration

logger = logging.getLogger(__name__)

DAY_SECONDS = 86_400.0
NarrationsInUse: TypeAlias = Callable[[], QuerySet[Any, Any]]  # the ids, none of them NULL

_rules: list[NarrationsInUse] = []


def register_narration_use(rule: NarrationsInUse) -> None:
    """Adds a reason to keep recordings; registering the same function again changes nothing."""
    if rule not in _rules:
        _rules.append(rule)


def collect_unused() -> int:
    """Notes which recordings are used, deletes those that were not for long enough, and returns how many."""
    used = _used()
    Narration.objects.exclude(unused_since=None).filter(used).update(unused_since=None)
    Narration.objects.filter(unused_since=None).exclude(used).update(unused_since=Now())
    if not settings.TALKING_HEAD_UNUSED_NARRATION_DAYS:  # for ever
        return 0
    return sum(map(_delete_if_unused, _expired().values_list("pk", flat=True)))


def mark_used(narration: Narration) -> None:
    """Somebody is about to use it: it counts as used until the sweeper looks again."""
    Narration.objects.filter(pk=narration.pk).exclude(unused_since=None).update(unused_since=None)


def _used() -> Q:
    by_jobs = Q(digest__in=Job.objects.filter(state__in=ACTIVE_JOB_STATES).values("narration_digest"))
    return Q(*[by_jobs, *(Q(pk__in=rule()) for rule in _rules)], _connector=Q.OR)


def _expired() -> QuerySet[Narration]:
    seconds = settings.TALKING_HEAD_UNUSED_NARRATION_DAYS * DAY_SECONDS
    return Narration.objects.filter(unused_since__lt=seconds_from_now(-seconds))


@transaction.atomic
def _delete_if_unused(narration_id: UUID) -> bool:
    """Asks again under the row's lock: meanwhile somebody may have taken it up."""
    narration = _expired().exclude(_used()).select_for_update().filter(pk=narration_id).first()
    if narration is None:
        return False
    logger.info("deleting recording %s, which nothing has used since %s", narration_id, narration.unused_since)
    narration.delete()  # its file goes with it, see deletions.py
    return True
