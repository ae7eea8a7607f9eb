"""Settings of the sites that faults are injected into: those of the other process tests, and places for failure."""

from __future__ import annotations

from tests.talking_head.jobs.site_settings import *  # noqa: F403
from tests.talking_head.jobs.site_settings import INSTALLED_APPS as _APPS
from tests.talking_head.jobs.site_settings import REST_FRAMEWORK as _REST

INSTALLED_APPS = [*_APPS, "tests.faults.failpoints.Failpoints"]
# Hundreds of requests come from one teacher in these tests; what limits them is the quota.
_RATES = dict.fromkeys(("jobs", "upload", "script"), "100000/min")
REST_FRAMEWORK = {**_REST, "DEFAULT_THROTTLE_RATES": _RATES}
