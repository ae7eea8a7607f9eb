"""Settings of the sites that the process tests run: the real ones, with a fake renderer and short times."""

from __future__ import annotations

import sys

from edu_platform.settings import *  # noqa: F403

TALKING_HEAD_RENDERER = [sys.executable, "-m", "tests.talking_head.worker.fake_renderer"]
TALKING_HEAD_TIMING = {
    "lease_seconds": 2.0,
    "renew_seconds": 0.4,
    "poll_seconds": 0.1,
    "stall_seconds": 3.0,
    "terminate_seconds": 0.3,
    "drain_seconds": 0.3,
    "backoff_seconds": 0.05,
    "stuck_seconds": 2.0,
}
