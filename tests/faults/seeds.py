"""Random moments that can be had again: ``FAULT_SEEDS`` says how many each killing test tries (1 unless set)."""

from __future__ import annotations

import os
import random
import time

import pytest

SEEDS = int(os.environ.get("FAULT_SEEDS", "1"))

over_seeds = pytest.mark.parametrize("seed", range(SEEDS))


def wait_for_random_moment(seed: int, at_most_seconds: float) -> None:
    """The one place where sleeping is the point: the fault may strike at any moment."""
    time.sleep(random.Random(seed).uniform(0.0, at_most_seconds))
