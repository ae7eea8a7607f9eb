"""Claiming has a statement of its own on PostgreSQL: what holds of the order and of the states holds there too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.scale_out.servers import Postgres
from tests.talking_head.jobs.site import ROOT

pytestmark = pytest.mark.xdist_group("servers")

SAME_TESTS = (
    "tests/talking_head/jobs/test_claiming.py",
    "tests/talking_head/jobs/test_cached_clips.py",
    "tests/talking_head/jobs/test_fairness.py",
    "tests/talking_head/jobs/test_state_machine.py",
    "tests/talking_head/live/test_changes.py",
    "tests/benchmarks/test_claim_order.py",
)


def test_the_tests_of_order_and_of_interleavings_pass_on_postgresql(postgres: Postgres) -> None:
    environment = {**os.environ, "DATABASE_URL": postgres.url("postgres")}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *SAME_TESTS]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
