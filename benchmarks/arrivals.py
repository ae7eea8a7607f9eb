"""Arrivals of jobs: rates over the time of day, and Poisson arrivals at these rates."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

HOUR_SECONDS = 3_600.0
Pattern = Callable[[float], float]


def steady(_time_seconds: float) -> float:
    """Return the same rate at all times."""
    return 1.0


def top_of_the_hour(time_seconds: float) -> float:
    """Return a rate with half of the arrivals in the first five minutes of each hour, when lessons end."""
    return 6.0 if time_seconds % HOUR_SECONDS < 300 else 6.0 / 11.0


def exam_evening(time_seconds: float) -> float:
    """Return one wave that rises and falls within four hours; its peak is five times its foot."""
    hours = time_seconds / HOUR_SECONDS % 4.0
    return 0.4 + 1.5 * math.sin(math.pi * hours / 4.0) ** 4 / 0.9375


PATTERNS: dict[str, tuple[Pattern, float]] = {  # each has a mean of about 1; the number is its peak
    "steady": (steady, 1.0),
    "top-of-the-hour": (top_of_the_hour, 6.0),
    "exam-evening": (exam_evening, 2.0),
}


def arrival_times(pattern: str, jobs_per_hour: float, until_seconds: float, rng: random.Random) -> Iterator[float]:
    """Yield Poisson arrivals by thinning (Lewis and Shedler, 1979), from 0 until ``until_seconds``."""
    rate, peak = PATTERNS[pattern]
    peak_per_second = jobs_per_hour * peak / HOUR_SECONDS
    time_seconds = 0.0
    while (time_seconds := time_seconds + rng.expovariate(peak_per_second)) < until_seconds:
        if rng.random() * peak <= rate(time_seconds):
            yield time_seconds
