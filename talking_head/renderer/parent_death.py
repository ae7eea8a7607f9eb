"""Processes that end with their parent, however it ends (on Linux; elsewhere the closed pipe has to suffice)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent_pid: int | None = None, with_signal: int = signal.SIGKILL) -> None:
    """Ask the kernel to send ``with_signal`` when the parent ends.

    Args:
        parent_pid: the expected parent. If it ended before the kernel could be asked, this process exits at once.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, with_signal, 0, 0, 0)
    if parent_pid is not None and os.getppid() != parent_pid:
        os._exit(0)
