"""Causes outside the work itself (a killed process, a lost worker, a full disk), and how long they are waited for.

They say nothing about the sentence or the job, so they are counted apart from its own failures.
"""

from __future__ import annotations

import random

from talking_head.errors import TalkingHeadError
from talking_head.timing import timing

# With the growing backoff these last two minutes; what is still there then is what the work itself does, or what
# waiting does not mend.
MAX_INTERRUPTIONS = 9
MAX_DOUBLINGS = 5
CODES = ("no_space", "storage_denied", "storage_error", "storage_unavailable")


def is_outside(error: TalkingHeadError) -> bool:
    """Return whether the machine is the cause, such that trying again later may help."""
    return error.code in CODES and not error.permanent


def backoff_seconds(failures: int) -> float:
    """Return how long to wait after so many failures, doubled with each and jittered: work that failed together (a full
    disk, a stopped server) is not tried again together."""
    return timing().backoff_seconds * 2 ** (failures - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret


def interruption_backoff_seconds(earlier: int) -> float:
    """Return how long to wait after an interruption that ``earlier`` ones came before."""
    return backoff_seconds(min(earlier, MAX_DOUBLINGS) + 1)
