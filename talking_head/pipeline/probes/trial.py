"""What a trial of an engine found: the value alone, for processes that load no engine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Trial:
    """``real_time_factor`` is work per second of result, without loading and without preparing the portrait; None when
    nothing was measured. ``frames`` is how many frames a face engine drew within its time."""

    kind: str
    name: str
    usable: bool = False
    version: str = ""
    error: dict[str, str] | None = None
    load_seconds: float | None = None
    prepare_seconds: float | None = None
    work_seconds: float | None = None
    result_seconds: float | None = None
    real_time_factor: float | None = None
    frames: int | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
