"""Search in the lists of jobs and failures, at a cost that does not grow with the years.

The owner, the subject and the number of a job are found in all jobs, by their indexes. Words of the title, the text and
the error are looked for in the newest jobs of the list alone, because no index that every database has finds a word in
the middle of a text; the filters narrow the list, so that older jobs become its newest.
"""

from __future__ import annotations

import re
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from edu_platform.paging import matching
from talking_head.models import Job

JobT = TypeVar("JobT", bound=Job)

SEARCHED_JOBS = 1_000  # newest ones of the list, of which the texts are read
MAX_OWNERS = 500
TEXT_FIELDS = ("title", "script", "error_code", "error_message")
NUMBER = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}", re.IGNORECASE)  # the first characters of a job's number
SEARCH_HELP = (
    f"Owner, subject or job ID; or words of the title, the text or the error, of the newest {SEARCHED_JOBS:,} jobs of "
    "the list. Filters show older ones."
)


def found(jobs: QuerySet[JobT], words: str) -> QuerySet[JobT]:
    """Return those of ``jobs`` in which every word occurs."""
    for word in words.split():
        newest = jobs.order_by("-created_at").values_list("created_at", flat=True)
        oldest_searched = newest[SEARCHED_JOBS - 1 : SEARCHED_JOBS].first()
        window = jobs if oldest_searched is None else jobs.filter(created_at__gte=oldest_searched)
        in_texts = window.order_by().filter(matching(word, *TEXT_FIELDS)).values_list("pk", flat=True)
        # As values: the list is counted and then read, and the texts are searched once for both.
        condition = Q(pk__in=list(in_texts[:SEARCHED_JOBS])) | Q(subject__startswith=word)
        owners = User.objects.filter(matching(word, "username", "email", "first_name", "last_name"))
        condition |= Q(owner__in=list(owners.values_list("pk", flat=True)[:MAX_OWNERS]))
        if NUMBER.fullmatch(word):
            condition |= Q(pk__range=_numbers_that_begin_with(word))
        jobs = jobs.filter(condition)
    return jobs


def _numbers_that_begin_with(text: str) -> tuple[UUID, UUID]:
    digits = text.replace("-", "")[:32]
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
