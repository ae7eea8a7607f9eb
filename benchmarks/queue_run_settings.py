"""The real settings with a renderer that only waits, for :mod:`benchmarks.queue_run`."""

from __future__ import annotations

import sys

from edu_platform.settings import *  # noqa: F403

TALKING_HEAD_RENDERER = [sys.executable, "-m", "benchmarks.waiting_renderer"]
