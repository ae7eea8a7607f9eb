"""Settings of the process that make torch quicker on a CPU without changing a number that matters."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc, malloc.h


@cache
def keep_freed_memory() -> bool:
    """Tells glibc to keep freed blocks for the next frame. A frame allocates gigabytes in blocks that glibc would fetch
    from the kernel, page by page, and hand back each time: about a million page faults a frame. Returns whether the C
    library took it; others do not need it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


@contextmanager
def without_denormals() -> Iterator[None]:
    """Numbers below 1e-38 become 0 inside: processors handle them a hundred times slower, and the heat maps are full of
    them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
