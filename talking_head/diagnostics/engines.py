"""Which engines work here, each tried in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talking_head.diagnostics.machine import last_line, usable_cores
from talking_head.engines.registry import ENGINES
from talking_head.pipeline.probes.trial import Trial

LOADING_SECONDS = 180.0
WORKING_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """Settings of the engine trials. ``measure`` lets every usable engine produce a second of output, one after the
    other; without it they are only created, in parallel."""

    base_dir: Path
    checkpoints_dir: Path
    portrait: Path | None
    measure: bool = True
    loading_seconds: float = LOADING_SECONDS
    working_seconds: float = WORKING_SECONDS


def try_engines(settings: TrialSettings, on_start: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return one :class:`~talking_head.pipeline.probes.trial.Trial` as JSON for every registered engine."""
    engines = [(kind, name) for kind, names in ENGINES.items() for name in names]

    def try_engine(engine: tuple[str, str]) -> dict[str, Any]:
        on_start(engine[1])
        return try_one(*engine, settings)

    # Engines that are measured must not compete for the processor.
    with ThreadPoolExecutor(1 if settings.measure else usable_cores()) as pool:
        return list(pool.map(try_engine, engines))


def try_one(kind: str, name: str, settings: TrialSettings) -> dict[str, Any]:
    """Try one engine in a process of its own, and return its trial as JSON."""
    command = [
        sys.executable,
        "-m",
        "talking_head.pipeline.probes.engine_trial",
        kind,
        name,
        str(settings.checkpoints_dir),
    ]
    if settings.measure:
        command += ["--measure", "--seconds", str(settings.working_seconds)]
        if settings.portrait is not None:
            command += ["--portrait", str(settings.portrait)]
    try:
        process = subprocess.run(
            command,
            cwd=settings.base_dir,
            capture_output=True,
            text=True,
            timeout=settings.loading_seconds + settings.working_seconds,
            check=True,
        )
        trial: dict[str, Any] = json.loads(process.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return _failed(kind, name, "engine_too_slow", f"It was not ready after {settings.loading_seconds:.0f} s.")
    except subprocess.CalledProcessError as error:
        return _failed(kind, name, "engine_crashed", _exit_reason(error))
    except (ValueError, IndexError, OSError) as error:
        return _failed(kind, name, "engine_crashed", f"Its trial returned no result ({type(error).__name__}).")
    return trial


def _exit_reason(error: subprocess.CalledProcessError) -> str:
    if error.returncode < 0:
        return f"Its process was killed by {signal.Signals(-error.returncode).name}."
    return f"Its process failed: {last_line(error.stderr) or f'status {error.returncode}'}"


def _failed(kind: str, name: str, code: str, message: str) -> dict[str, Any]:
    hint = (
        "Run the diagnosis again when the machine is less busy, or choose another engine."
        if code == "engine_too_slow"
        else "Install its requirements again, or choose another engine."
    )
    return Trial(kind, name, error={"code": code, "message": message, "hint": hint}).to_json()
