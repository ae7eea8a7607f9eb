"""One worker process: it sleeps until a wakeup arrives in django-q2's queue, and then works until nothing is left.

A wakeup is acknowledged before the work: it carries nothing, and what a dying worker leaves undone is found by the
sweeper, whose next wakeup another worker takes.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import close_old_connections
from django.utils.module_loading import import_string
from django_q.brokers import Broker, get_broker
from django_q.signing import BadSignature, SignedPackage

from talking_head.jobs import wakeups
from talking_head.jobs.wakeup_pipe import WakeupListener
from talking_head.worker import drain

logger = logging.getLogger(__name__)

BROKEN_QUEUE_SECONDS = 1.0  # between two attempts at a queue that does not answer


class Consumer:
    """Takes wakeups one at a time until the workers drain."""

    def __init__(self, listener: WakeupListener) -> None:
        self._listener = listener
        self._broker: Broker | None = None

    def run(self) -> None:
        """Work whenever there is a wakeup; return once the drain has begun."""
        while not drain.has_begun():
            try:
                package = self._take()
            except Exception:  # any broker's own error: the queue may be back in a moment
                logger.warning("The queue does not answer; it is asked again.", exc_info=True)
                self._broker = None
                close_old_connections()
                time.sleep(BROKEN_QUEUE_SECONDS)
                continue
            if package is not None:
                self._carry_out(package)

    def _take(self) -> Any:
        """Return the next message, or None after a wait without one."""
        self._broker = self._broker or get_broker()
        messages = self._broker.dequeue()  # of Redis it waits for a second, of the table not at all
        if messages:
            number, package = messages[0]
            self._broker.acknowledge(number)
            return package
        if wakeups.is_in_table():
            self._listener.wait()
        return None

    def _carry_out(self, package: Any) -> None:
        try:
            message = SignedPackage.loads(package)
            name, words = message["func"], message["args"]
        except (BadSignature, TypeError, KeyError, ValueError):
            logger.exception("A message in the queue cannot be read; it is set aside.")
            return
        if name != wakeups.TASK:
            logger.error("A message in the queue asks for “%s”, which this release does not know.", name)
            return
        try:
            import_string(wakeups.TASK)(*map(str, words))
        except Exception:  # one job's trouble must not end the worker; what is left is found again
            logger.exception("The worker met an unexpected problem.")
        finally:
            close_old_connections()
