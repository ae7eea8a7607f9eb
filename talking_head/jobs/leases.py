"""A worker's right to a row: for a while by the database's clock, and only until the row's fence is raised."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to change one row. Each claim raises the row's fence; every later write of that claim carries it.

    A worker that was away too long (stopped, swapped out, cut off) finds that its writes hit 0 rows, because another
    worker's claim raised the fence meanwhile.
    """

    fence: int

    @property
    def fence_q(self) -> Q:
        """Return the condition that every write under this lease carries."""
        return Q(fence=self.fence)
