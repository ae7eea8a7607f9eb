"""How many sockets one person holds open in this process: each costs memory, a file descriptor and polls.

Visitors without an account need no limit here, because no socket is opened for them at all; what one address may
connect is limited before (:mod:`edu_platform.web`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

_open: Counter[int] = Counter()


@contextmanager
def place_for(user_id: int) -> Iterator[bool]:
    """Take a place for a socket until the end of the block; yield False when the person has none left. Call it on the
    event loop only."""
    limit = settings.TALKING_HEAD_SOCKETS_PER_PERSON
    if limit and _open[user_id] >= limit:
        yield False
        return
    _open[user_id] += 1
    try:
        yield True
    finally:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]
