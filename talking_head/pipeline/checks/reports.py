"""The reports on a portrait and on a recording, as rows and answers store them. Reading one loads no decoder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from talking_head.pipeline.checks.problem import Problem

Verdict = Literal["good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels of the picture; may reach beyond its edges."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PortraitReport:
    """The report on a picture. The most serious problems come first."""

    problems: tuple[Problem, ...]
    face_count: int
    face_box: Rectangle | None  # of the face that will speak

    @property
    def is_usable(self) -> bool:
        return not any(problem.severity == "stop" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        return {
            "problems": [problem.to_json() for problem in self.problems],
            "face_count": self.face_count,
            "face_box": asdict(self.face_box) if self.face_box else None,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PortraitReport:
        box = values.get("face_box")
        return cls(
            problems=tuple(Problem.from_json(problem) for problem in values.get("problems", ())),
            face_count=values.get("face_count", 0),
            face_box=Rectangle(**box) if box else None,
        )


@dataclass(frozen=True, slots=True)
class NarrationReport:
    """The report on a recording. The most serious problems come first. Levels are in dB below full scale."""

    problems: tuple[Problem, ...]
    duration_seconds: float
    voice_db: float  # of the louder parts
    noise_db: float  # of the quietest parts
    channels: int

    @property
    def is_usable(self) -> bool:
        return not any(problem.severity == "stop" for problem in self.problems)

    @property
    def verdict(self) -> Verdict:
        if not self.problems:
            return "good"
        return "warn" if self.is_usable else "bad"

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "problems": [problem.to_json() for problem in self.problems],
            "verdict": self.verdict,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NarrationReport:
        """Return what :meth:`to_json` stored."""
        return cls(
            problems=tuple(Problem.from_json(problem) for problem in values["problems"]),
            duration_seconds=values["duration_seconds"],
            voice_db=values["voice_db"],
            noise_db=values["noise_db"],
            channels=values["channels"],
        )
