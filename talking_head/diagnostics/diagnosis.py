"""The whole diagnosis, probe by probe. A probe that fails does not keep the others from running."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from talking_head.checkpoints.folder import state_of
from talking_head.checkpoints.manifest import load_manifest
from talking_head.diagnostics import machine
from talking_head.diagnostics.engines import TrialSettings, try_engines
from talking_head.diagnostics.findings import Level, Report
from talking_head.diagnostics.judgements import judge_checkpoints, judge_engines, judge_machine, recommend
from talking_head.diagnostics.services import look_at_services

logger = logging.getLogger(__name__)

PORTRAIT = Path("edu_platform", "demo", "astronaut.png")  # shipped with the demo; without it faces are not measured


@dataclass(frozen=True, slots=True)
class Depth:
    """How thorough a diagnosis is. ``measure``: let the engines work for a second; ``deep``: read every byte of the
    checkpoints."""

    measure: bool = True
    deep: bool = False


def _ignore(_probe: str) -> None:
    """Do nothing, for callers that show no progress."""


def diagnose(depth: Depth, on_start: Callable[[str], None] = _ignore) -> Report:
    """Run all probes and judge their facts. Takes seconds: ten or more when engines are measured."""
    report = Report()
    chosen = {"face": settings.TALKING_HEAD_FACE, "speech": settings.TALKING_HEAD_SPEECH}
    probes: dict[str, Callable[[], Any]] = {
        "python": machine.python_facts,
        "packages": machine.package_versions,
        "cpu": machine.cpu_facts,
        "memory": machine.memory_facts,
        "disk": lambda: machine.disk_facts(Path(settings.MEDIA_ROOT)),
        "gpu": machine.gpu_facts,
        "checkpoints": lambda: checkpoint_rows(depth.deep),
        "engines": lambda: try_engines(_trial_settings(depth.measure), on_start),
    }
    for section, probe in probes.items():
        on_start(section)
        _guarded(report, section, partial(_gather, report, section, probe))
    on_start("services")
    _guarded(report, "services", lambda: look_at_services(report))
    _guarded(report, "machine", lambda: judge_machine(report))
    _guarded(report, "checkpoints", lambda: judge_checkpoints(report))
    _guarded(report, "engines", lambda: judge_engines(report, chosen))
    _guarded(report, "recommendations", lambda: report.recommendations.update(recommend(report, chosen)))
    return report


def checkpoint_rows(deep: bool) -> list[dict[str, Any]]:
    """Return the state of every checkpoint of the manifest."""
    folder = Path(settings.CHECKPOINTS_DIR)
    return [
        {
            "name": checkpoint.name,
            "file": checkpoint.file,
            "bytes": checkpoint.bytes,
            "needed_by": list(checkpoint.needed_by),
            "optional": checkpoint.optional,
            "state": str(state_of(checkpoint, folder, deep=deep)),
            "digest_checked": deep,
        }
        for checkpoint in load_manifest().checkpoints
    ]


def _trial_settings(measure: bool) -> TrialSettings:
    portrait = settings.BASE_DIR / PORTRAIT
    return TrialSettings(
        base_dir=settings.BASE_DIR,
        checkpoints_dir=Path(settings.CHECKPOINTS_DIR),
        portrait=portrait if portrait.is_file() else None,
        measure=measure,
    )


def _gather(report: Report, section: str, probe: Callable[[], Any]) -> None:
    report.facts[section] = probe()


def _guarded(report: Report, section: str, step: Callable[[], object]) -> None:
    try:
        step()
    except Exception as error:  # a diagnosis runs when something is broken, and that may be anything
        logger.debug("The probe %s failed.", section, exc_info=True)
        report.add(Level.DEGRADED, "probe_failed", f"The probe “{section}” failed: {type(error).__name__}: {error}")
