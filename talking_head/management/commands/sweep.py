"""``manage.py sweep [--every SECONDS]``: see :mod:`talking_head.worker.sweeper`."""

from __future__ import annotations

import logging
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections

from talking_head.checks import RENDERING
from talking_head.errors import TalkingHeadError
from talking_head.worker import garbage, sweeper

logger = logging.getLogger(__name__)
GARBAGE_SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Wakes workers for waiting jobs, takes clips back from lost workers, delivers overdue notifications, cleans up."
    )
    requires_system_checks = [RENDERING]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, metavar="SECONDS", help="run until stopped, one sweep every SECONDS")

    def handle(self, *args: Any, every: float | None = None, **options: Any) -> None:
        if every is None:
            sweeper.sweep()
            garbage.collect_garbage()
            return
        if every <= 0:
            raise CommandError("--every needs a number of seconds above 0.")
        sweep_until_stopped(every)


def sweep_until_stopped(every: float) -> None:
    """Sweep every so many seconds until TERM or INT interrupts it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        garbage_at = 0.0
        while True:
            try:
                sweeper.sweep()
                if time.monotonic() >= garbage_at:
                    garbage.collect_garbage()
                    garbage_at = time.monotonic() + GARBAGE_SECONDS
            except (DatabaseError, OSError, TalkingHeadError):
                # The database is unreachable for a moment, or the disk is full: the next sweep retries.
                logger.warning("A sweep failed.", exc_info=True)
                close_old_connections()
            time.sleep(every)
    except KeyboardInterrupt:
        return
