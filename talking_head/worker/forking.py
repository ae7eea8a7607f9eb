"""Processes that are forked instead of started anew: they share the memory of what is loaded, and start at once."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from django.db import connections

from talking_head.renderer.parent_death import die_with_parent

logger = logging.getLogger(__name__)


def fork_bound(name: str, act: Callable[[], None]) -> int:
    """Fork a process that does this and ends, and return its number.

    The kernel kills it when this process ends, even in the very moment of the fork. Signals that this process has
    blocked are blocked in it too. ``name`` is shown by ``ps -o comm``; this process must have one thread.
    """
    connections.close_all()  # a connection cannot be shared
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    if pid := os.fork():
        return pid
    status = 1
    try:
        die_with_parent(parent)
        with contextlib.suppress(OSError):  # Linux only
            Path("/proc/self/comm").write_text(f"lectern-{name}", encoding="ascii")
        act()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        logger.exception("The process ends because of an unexpected problem.")
    finally:
        logging.shutdown()
        os._exit(status)  # the parent's exit hooks are not for this process


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def send_to_group(group: int, number: int) -> None:
    """Send a signal to a process group that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
