"""Dashboard and ``/metrics`` count in the database's own words: what they say of the same rows holds on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.scale_out.servers import Postgres
from tests.talking_head.jobs.site import ROOT

pytestmark = pytest.mark.xdist_group("servers")

SAME_TESTS = (
    "tests/talking_head/admin/test_dashboard.py::TestRequests",
    "tests/talking_head/admin/test_dashboard.py::TestErrors",
    "tests/talking_head/admin/test_dashboard.py::TestResources",
    "tests/talking_head/serving/test_metrics.py::TestFigures",
)


def test_the_tests_of_dashboard_and_metrics_pass_on_postgresql(postgres: Postgres) -> None:
    environment = {**os.environ, "DATABASE_URL": postgres.url("postgres")}
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--no-migrations",
        *SAME_TESTS,
    ]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
