"""A problem with a picture, a recording or a voice sample."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["stop", "warn"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem found by a check: ``code`` is for machines, ``message`` says what is wrong, ``hint`` what to do."""

    code: str
    severity: Severity
    message: str
    hint: str

    def to_json(self) -> dict[str, str]:
        """Return the problem for rows and responses. ``advice`` is the hint's former name: clients still read it."""
        return {**asdict(self), "advice": self.hint}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Problem:
        """Return what :meth:`to_json` stored."""
        return cls(values["code"], values["severity"], values["message"], values["hint"])
