"""Bar charts as plain SVG, drawn by the server: no script, no library, no style attribute that the content security
policy would refuse. The text around a chart is HTML, so that it keeps its size when the picture is stretched."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH = 1000.0
HEIGHT = 200.0
GAP = 0.15  # of a bar's slot


@dataclass(frozen=True, slots=True)
class StackedPart:
    """One colour of a stacked bar; ``tone`` is the end of a class name in admin.css."""

    label: str
    tone: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The data of ``admin/talking_head/chart.html``. ``ticks`` run from the top; ``table`` has a row for every bar."""

    name: str  # unique on the page
    title: str
    summary: str  # the chart in one sentence
    rects: tuple[Rect, ...]
    ticks: tuple[str, ...]
    edges: tuple[str, ...]  # labels of the first, middle and last bar
    legend: tuple[StackedPart, ...]
    head: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]

    @property
    def is_empty(self) -> bool:
        """Return whether there is no bar to draw."""
        return not self.rects


def bar_chart(
    name: str,
    title: str,
    labels: Sequence[str],
    parts: Sequence[StackedPart],
    format_value: Callable[[float], str],
    steps: Sequence[float] = (),
) -> Chart:
    """Return a bar chart. ``format_value`` formats a value with its unit; None is a gap; ``steps`` are preferred ends
    of the scale."""
    sums = [sum(part.values[index] or 0.0 for part in parts) for index in range(len(labels))]
    top = ceiling(max(sums, default=0.0), steps)
    table = tuple(
        (label, *(format_value(value) if (value := part.values[index]) is not None else "–" for part in parts))
        for index, label in enumerate(labels)
    )
    highest = max(range(len(sums)), key=sums.__getitem__, default=0)
    summary = f"Peak: {format_value(sums[highest])} ({labels[highest]})." if sums and sums[highest] else "Nothing yet."
    return Chart(
        name=name,
        title=title,
        summary=summary,
        rects=tuple(_rects(labels, parts, top, format_value)),
        ticks=(format_value(top), format_value(top / 2), format_value(0.0)),
        edges=(labels[0], labels[len(labels) // 2], labels[-1]) if labels else (),
        legend=tuple(parts) if len(parts) > 1 else (),
        head=("From", *(part.label for part in parts)),
        table=table,
    )


def _rects(
    labels: Sequence[str], parts: Sequence[StackedPart], top: float, format_value: Callable[[float], str]
) -> list[Rect]:
    slot = WIDTH / max(1, len(labels))
    rects = []
    for index, label in enumerate(labels):
        floor = HEIGHT
        for part in parts:
            value = part.values[index]
            if not value:
                continue
            height = HEIGHT * value / top
            floor -= height
            words = f"{label}: {format_value(value)}" + (f" {part.label.lower()}" if len(parts) > 1 else "")
            x, width = slot * (index + GAP / 2), slot * (1 - GAP)
            rects.append(Rect(round(x, 2), round(floor, 2), round(width, 2), round(height, 2), part.tone, words))
    return rects


def ceiling(value: float, steps: Sequence[float] = ()) -> float:
    """Return the first of ``steps``, or else of 1, 2, 5, 10, 20, 50 ..., that is not below ``value``; 1 for 0."""
    if value <= 0:
        return 1.0
    if step := next((step for step in steps if step >= value), None):
        return step
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))
