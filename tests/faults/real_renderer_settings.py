"""As the other sites of these tests, but clips are really rendered, in the time that this takes."""

from __future__ import annotations

from tests.faults.site_settings import *  # noqa: F403
from tests.talking_head.jobs.site_settings import TALKING_HEAD_TIMING as _QUICK

del TALKING_HEAD_RENDERER  # noqa: F821 - the shipped one
TALKING_HEAD_TIMING = {**_QUICK, "lease_seconds": 10.0, "stall_seconds": 20.0}
