"""Each row alone: a row that cannot be handled is set aside for a while, so that it does not keep the rest waiting.

Such rows should not exist: a clip without the attempt that its lease promises, values that an administrator or a newer
release wrote. What is wrong with them is found again from the rows (:mod:`talking_head.monitoring.stuck_rows`): it is
counted and shown for as long as they are there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import InterfaceError, OperationalError

logger = logging.getLogger(__name__)
Row = TypeVar("Row")

SET_ASIDE_SECONDS = 60.0
MAX_SET_ASIDE = 10_000
_set_aside: dict[tuple[str, object], float] = {}  # task and row -> until when, by the monotonic clock


def each_alone(task: str, rows: Iterable[Row], key: Callable[[Row], object], handle: Callable[[Row], object]) -> int:
    """Call ``handle`` for every row and return for how many it returned something true. A row for which it raises is
    logged and set aside. A database that is away is not the row's fault and raises here, too."""
    done = 0
    for row in rows:
        name = (task, key(row))
        if _set_aside.get(name, 0.0) > time.monotonic():
            continue
        try:
            done += bool(handle(row))
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # any error: the row itself must be the cause, and its neighbours shall go on
            logger.exception("%s: row %s cannot be handled and is set aside", task, name[1])
            if len(_set_aside) >= MAX_SET_ASIDE:
                _set_aside.clear()
            _set_aside[name] = time.monotonic() + SET_ASIDE_SECONDS
    return done


def clear() -> None:
    """Try every row again."""
    _set_aside.clear()
