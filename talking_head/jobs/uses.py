"""What the apps above use of what the platform keeps: reasons not to delete it. The renderer does not know those apps,
so they register rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from django.db.models import Q, QuerySet

InUse: TypeAlias = Callable[[], QuerySet[Any, Any]]  # the keys of what is used, none of them NULL


class Uses:
    """The registered reasons to keep rows of one kind."""

    def __init__(self) -> None:
        self._rules: list[InUse] = []

    def register(self, rule: InUse) -> None:
        """Add a reason; registering the same function again changes nothing."""
        if rule not in self._rules:
            self._rules.append(rule)

    def condition(self) -> Q:
        """Return the condition that a row is used; never true without rules."""
        return Q(*(Q(pk__in=rule()) for rule in self._rules), _connector=Q.OR) if self._rules else Q(pk__in=[])
