"""Counting related rows beside a query's own."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce


def count_of(rows: QuerySet[Any], field: str, outer: str = "pk") -> Coalesce:
    """Return the number of ``rows`` whose ``field`` is that of the outer query's row, to annotate with.

    A subquery for each kind of related rows reads only these rows, through the index of ``field``. Two joins with
    ``COUNT(DISTINCT ...)`` read each row of the one kind with each row of the other: 100 lessons x 5,000 students.
    """
    numbers = rows.order_by().filter(**{field: OuterRef(outer)}).values(field).annotate(number=Count("pk"))
    return Coalesce(Subquery(numbers.values("number"), output_field=IntegerField()), 0)
