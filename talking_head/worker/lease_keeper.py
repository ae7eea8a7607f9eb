"""The lease keeper: renews a lease while the renderer works under it, and decides when that work must stop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, close_old_connections

from talking_head.timing import timing
from talking_head.worker import drain

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LeaseKeeper:
    """Renews one lease every ``renew_seconds`` for as long as :meth:`keep_going` is called.

    A database that is locked or away for a moment does not end the work. Without a renewal the lease expires, and from
    then on the row may belong to another worker.
    """

    subject: str  # for the log
    renew: Callable[[], bool]  # False: the lease is lost
    should_stop: Callable[[], bool]  # True: this worker is asked to stop
    is_wanted: Callable[[], bool] = lambda: True  # False: the lease is lost, or its result is no longer needed
    grace_seconds: float = 0.0  # how long the work may go on after should_stop
    _renewed_at: float = field(default_factory=time.monotonic, init=False)
    _checked_at: float = field(default=-math.inf, init=False)
    _asked_to_stop_at: float | None = field(default=None, init=False)

    def keep_going(self) -> bool:
        """Return whether the work should go on; renews the lease when that is due."""
        drain.note_activity()
        now = time.monotonic()
        if self.should_stop():
            self._asked_to_stop_at = self._asked_to_stop_at or now
            if now - self._asked_to_stop_at >= self.grace_seconds:
                return False
        if now - self._checked_at < timing().poll_seconds:  # some work asks after every file, of which there are many
            return True
        try:
            holds = self._holds(now)
            self._checked_at = time.monotonic()
            return holds
        except DatabaseError:
            logger.warning("The lease of %s could not be checked.", self.subject, exc_info=True)
            close_old_connections()  # a broken connection does not recover
            return now - self._renewed_at < timing().lease_seconds

    def _holds(self, now: float) -> bool:
        if not self.is_wanted():
            return False
        if now - self._renewed_at >= timing().renew_seconds:
            if not self.renew():
                return False
            self._renewed_at = now
        return True
