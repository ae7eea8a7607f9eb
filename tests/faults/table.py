"""A pytest plugin (``-p tests.faults.table``) for ``make test-faults``: runs every test that is named after a case and
everything marked ``faults``, and prints what came of each case; ``--fault-table FILE.md`` keeps that, and FILE.json."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cases import CASES, cases_of

HEADINGS = ("case", "fault", "runs", "lost", "doubled", "recovery p50 s", "recovery p95 s")
UNKNOWN = "–"


@dataclass(slots=True)
class Row:
    """One case: how often it was injected, what was lost or doubled (None: not counted, only asserted), and how long it
    took until work went on."""

    case: int
    runs: int = 0
    failed: int = 0
    skipped: int = 0
    lost: int | None = None
    doubled: int | None = None
    recovery_seconds: list[float] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, values: dict[str, Any]) -> None:
        for name in ("lost", "doubled"):
            if values[name] is not None:
                setattr(self, name, (getattr(self, name) or 0) + values[name])
        self.recovery_seconds += values["recovery_seconds"]
        self.figures += [values["figures"]] if values["figures"] else []

    def cells(self) -> tuple[str, ...]:
        counts = f"{self.runs}{f', {self.failed} failed' if self.failed else ''}"
        counts += f", {self.skipped} skipped" if self.skipped else ""
        times = [f"{self.percentile(share):.1f}" if self.recovery_seconds else UNKNOWN for share in (50, 95)]
        counted = [UNKNOWN if value is None else str(value) for value in (self.lost, self.doubled)]
        return str(self.case), CASES.get(self.case, ""), counts, *counted, *times

    def percentile(self, share: int) -> float:
        if len(self.recovery_seconds) == 1:
            return self.recovery_seconds[0]
        return statistics.quantiles(self.recovery_seconds, n=100, method="inclusive")[share - 1]

    def as_json(self) -> dict[str, Any]:
        p50, p95 = ((self.percentile(share) if self.recovery_seconds else None) for share in (50, 95))
        return {
            "case": self.case,
            "fault": CASES.get(self.case, ""),
            "runs": self.runs,
            "failed": self.failed,
            "skipped": self.skipped,
            "lost": self.lost,
            "doubled": self.doubled,
            "recovery_p50_seconds": p50,
            "recovery_p95_seconds": p95,
            "figures": self.figures,
        }


class FaultTable:
    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.rows: dict[int, Row] = {}

    def row(self, case: int) -> Row:
        return self.rows.setdefault(case, Row(case))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        wanted = [
            item for item in items if set(cases_of(item.name)) & CASES.keys() or item.get_closest_marker("faults")
        ]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(wanted)])
        items[:] = wanted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for case in cases_of(report.nodeid.rpartition("::")[2]):
            if case not in CASES:
                continue
            row = self.row(case)
            row.runs += report.when == "call" and not report.skipped
            row.skipped += report.skipped
            row.failed += report.failed
            if report.when == "teardown":
                for name, value in report.user_properties:
                    if name == "fault":
                        row.add(value)  # type: ignore[arg-type]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.rows:
            return
        rows = [self.rows[case] for case in sorted(self.rows)]
        terminalreporter.section("faults")
        lines = list(aligned([HEADINGS, *(row.cells() for row in rows)]))
        for line in lines:
            terminalreporter.write_line(line)
        for row in rows:
            for figures in row.figures:
                terminalreporter.write_line(f"case {row.case}: {in_words(figures)}")
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text("\n".join(markdown(rows)) + "\n")
            self.file.with_suffix(".json").write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")


def aligned(cells: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def markdown(rows: list[Row]) -> Iterable[str]:
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|---" * len(HEADINGS) + "|"
    for row in rows:
        yield f"| {' | '.join(row.cells())} |"


def in_words(figures: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", type=Path, metavar="FILE.md", help="keep the table of faults there")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FaultTable(config.getoption("--fault-table")))
