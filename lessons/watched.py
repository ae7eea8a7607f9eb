"""Which parts of a video a student has played: the union of ranges in seconds, over all visits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

Range: TypeAlias = tuple[float, float]

DONE_SHARE = 0.9  # of the video's seconds; the pause after the last word and a skipped greeting do not matter
MOST_RANGES = 200  # from one visit


def read_ranges(value: Any) -> list[Range]:
    """Return the ranges that a page sent; raise ValueError for anything but ``[[from, to], ...]`` in finite seconds."""
    if not isinstance(value, list) or len(value) > MOST_RANGES:
        raise ValueError(f"watched must be a list of at most {MOST_RANGES} ranges")
    return [_read_range(pair) for pair in value]


def _read_range(pair: Any) -> Range:
    if not isinstance(pair, list) or len(pair) != 2 or not all(_is_time(seconds) for seconds in pair):
        raise ValueError("a range must be two numbers of seconds")
    return float(pair[0]), float(pair[1])


def _is_time(seconds: Any) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds)


def union(ranges: Iterable[Sequence[float]], length_seconds: float) -> list[Range]:
    """Return the ranges in order and apart, cut to the video's length."""
    inside = ((max(0.0, start), min(end, length_seconds)) for start, end in ranges)
    joined: list[Range] = []
    for start, end in sorted(pair for pair in inside if pair[0] < pair[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def is_enough(ranges: Iterable[Sequence[float]], length_seconds: float | None) -> bool:
    """Return whether a video counts as watched."""
    return bool(length_seconds) and sum(end - start for start, end in ranges) >= DONE_SHARE * (length_seconds or 0.0)
