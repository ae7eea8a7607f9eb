"""The facts of a report as text, for the terminal and for the administrators' page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from talking_head.checkpoints.folder import FileState, in_units
from talking_head.diagnostics.findings import Report


def fact_rows(report: Report) -> list[tuple[str, str]]:
    """Return labels and texts, one row per fact; sections whose probe failed are left out."""
    facts = report.facts
    rows = [(section, describe(facts[section])) for section, describe in DESCRIPTIONS.items() if section in facts]
    rows += [(kind_in_words(row["kind"]), f"{row['name']}: {_engine(row)}") for row in facts.get("engines", [])]
    rows.append(("checkpoints", _checkpoints([row for row in facts.get("checkpoints", []) if not row["optional"]])))
    return rows


def kind_in_words(kind: str) -> str:
    """Return "speech engine", "face engine" or "enhancer"."""
    return kind if kind == "enhancer" else f"{kind} engine"


def pace_in_words(real_time_factor: float) -> str:
    """Return a speed such as "3.2 times real-time speed" or "12 s per second of output"."""
    if real_time_factor <= 1:
        return f"{_short(1 / max(real_time_factor, 1e-4))} times real-time speed"
    return f"{_short(real_time_factor)} s per second of output"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _checkpoints(rows: list[dict[str, Any]]) -> str:
    states = [row["state"] for row in rows]
    if set(states) == {FileState.MISSING}:
        return f"none of {len(states)} downloaded; only optional engines need them"
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _python(facts: dict[str, Any]) -> str:
    return f"{facts['version']} on {facts['system']} ({facts['machine']})"


def _packages(facts: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version}" for name, version in facts.items() if version)


def _cpu(facts: dict[str, Any]) -> str:
    return f"{facts['model']}, {facts['cores_usable']} cores, {' '.join(facts['features'])}"


def _memory(facts: dict[str, Any]) -> str:
    return f"{in_units(facts['available_bytes'])} of {in_units(facts['total_bytes'])} available"


def _disk(facts: dict[str, Any]) -> str:
    return f"{in_units(facts['free_bytes'])} of {in_units(facts['total_bytes'])} free for {facts['folder']}"


def _gpu(facts: dict[str, Any]) -> str:
    if facts["devices"]:
        return ", ".join(f"{device['name']} ({in_units(device['memory_bytes'])})" for device in facts["devices"])
    return ", ".join(facts["driver_devices"]) or "none found"


def _services(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {word}" for name, word in facts.items())


def _engine(engine: dict[str, Any]) -> str:
    if not engine["usable"]:
        return f"not usable: {engine['error']['message']}"
    if engine["real_time_factor"] is None:
        return f"usable (version {engine['version']})"
    factor = engine["real_time_factor"]
    return f"usable (version {engine['version']}), real-time factor {factor:.3f} ({pace_in_words(factor)})"


DESCRIPTIONS: dict[str, Callable[[Any], str]] = {
    "python": _python,
    "packages": _packages,
    "cpu": _cpu,
    "memory": _memory,
    "disk": _disk,
    "gpu": _gpu,
    "services": _services,
}
