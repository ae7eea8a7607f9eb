"""The result of a diagnosis: facts, findings with a level, and the exit status that follows from the worst of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Level(IntEnum):
    """The severity of a finding; the worst one decides the exit status, see :attr:`Report.exit_status`."""

    ADVICE = 0  # could be better
    DEGRADED = 1  # something optional, or something chosen beyond the default, does not work
    BROKEN = 2  # no lesson can be made or watched

    @property
    def label(self) -> str:
        """Return the name of the level in the JSON report."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    code: str
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding as an entry of the JSON report."""
        return {"level": self.level.label, "code": self.code, "message": self.message, "hint": self.hint}


@dataclass(slots=True)
class Report:
    """A diagnosis: ``facts`` by section (python, cpu, memory, disk, gpu, packages, checkpoints, engines, services)."""

    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    recommendations: dict[str, Any] = field(default_factory=dict)

    def add(self, level: Level, code: str, message: str, hint: str = "") -> None:
        """Append a finding."""
        self.findings.append(Finding(level, code, message, hint))

    @property
    def exit_status(self) -> int:
        """Return 0: fine, perhaps with hints; 1: something optional is broken; 2: lessons cannot be made or watched."""
        return max((finding.level for finding in self.findings), default=Level.ADVICE).value

    @property
    def verdict(self) -> str:
        """Return the exit status as a sentence."""
        return (
            "Everything needed works.",
            "Lessons can be made, but an optional part is broken.",
            "Lessons cannot be made or watched here yet.",
        )[self.exit_status]

    def as_json(self) -> dict[str, Any]:
        """Return the report with stable keys: sections may gain keys, none is renamed or removed."""
        ordered = sorted(self.findings, key=lambda finding: -finding.level)
        return {
            "format": 1,
            "severity": self.exit_status,
            "verdict": self.verdict,
            **self.facts,
            "findings": [finding.as_json() for finding in ordered],
            "recommendations": self.recommendations,
        }
