"""The figures of one measurement, and how they grow from one size to the next."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

Clock = Literal["cpu", "wall"]
READ_CLOCK: dict[Clock, Callable[[], float]] = {"cpu": time.process_time, "wall": time.perf_counter}


@dataclass(frozen=True, slots=True)
class Figure:
    """What one thing costs at one size."""

    what: str
    size: int
    unit: str  # of the size, as "sentences"
    seconds: tuple[float, ...]  # of every repetition
    clock: Clock = "cpu"  # processor seconds depend less on what else the machine does
    queries: int | None = None  # of one repetition
    bytes: int | None = None  # of its answer

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Figure:
        return cls(**{**values, "seconds": tuple(values["seconds"])})


def measured(
    what: str,
    size: int,
    unit: str,
    act: Callable[[], object],
    *,
    repetitions: int = 5,
    clock: Clock = "cpu",
    count_bytes: Callable[[Any], int] | None = None,
) -> Figure:
    """Return what calling ``act`` costs in this process. It runs once beforehand, for what loads on first use, and once
    more to count its queries, which itself takes time. ``count_bytes`` gets what ``act`` returned."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    act()
    seconds = []
    for _ in range(repetitions):
        started = READ_CLOCK[clock]()
        act()
        seconds.append(READ_CLOCK[clock]() - started)
    with CaptureQueriesContext(connection) as queries:
        answer = act()
    size_bytes = count_bytes(answer) if count_bytes else None
    return Figure(what, size, unit, tuple(seconds), clock, len(queries), size_bytes)


def slopes(figures: Sequence[Figure]) -> list[float | None]:
    """Return for each figure the exponent with which the time has grown since the same thing's size before: 0 for
    constant, 1 for linear, 2 for quadratic; None for the first size."""
    found: list[float | None] = [None] * len(figures)
    numbers: dict[str, list[int]] = {}
    for number, figure in enumerate(figures):
        numbers.setdefault(figure.what, []).append(number)
    for same in numbers.values():
        for before, after in pairwise(sorted(same, key=lambda number: figures[number].size)):
            small, large = figures[before], figures[after]
            if small.size < large.size and small.median > 0 and large.median > 0:
                found[after] = math.log(large.median / small.median) / math.log(large.size / small.size)
    return found


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table, each thing's sizes below each other."""
    rows = sorted(figures, key=lambda figure: figure.size)
    rows.sort(key=lambda figure: figure.what)
    lines = ["| what | size | clock | median | p95 | slope | queries | bytes |", "|---|---|---|---|---|---|---|---|"]
    for figure, slope in zip(rows, slopes(rows), strict=True):
        cells = (
            figure.what,
            f"{figure.size:,} {figure.unit}",
            figure.clock,
            _milliseconds(figure.median),
            _milliseconds(figure.p95),
            "" if slope is None else f"{slope:.2f}",
            "" if figure.queries is None else f"{figure.queries:,}",
            "" if figure.bytes is None else f"{figure.bytes:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
