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
from talking_head.pipeline.probes.engine_trial import Trial

EMBEDDED = (("speech", "hibari"), ("face", "puppet"), ("face", "still"))  # come with the installation
LOADING_SECONDS = 180.0
WORKING_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """``measure`` lets every usable engine work for a second of result, one after the other; without it they are only
    created, side by side."""

    base_dir: Path
    checkpoints_dir: Path
    portrait: Path | None
    measure: bool = True
    loading_seconds: float = LOADING_SECONDS
    working_seconds: float = WORKING_SECONDS


def try_engines(settings: TrialSettings, on_start: Callable[[str], None]) -> list[dict[str, Any]]:
    """One :class:`~talking_head.pipeline.probes.engine_trial.Trial` as JSON for every registered engine."""
    engines = [(kind, name) for kind, names in ENGINES.items() for name in names]

    def one(engine: tuple[str, str]) -> dict[str, Any]:
        on_start(engine[1])
        return try_one(*engine, settings)

    # Measured ones must not take each other's processor.
    with ThreadPoolExecutor(1 if settings.measure else usable_cores()) as pool:
        return list(pool.map(one, engines))


def try_one(kind: str, name: str, settings: TrialSettings) -> dict[str, Any]:
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
        asked = subprocess.run(
            command,
            cwd=settings.base_dir,
            capture_output=True,
            text=True,
            timeout=settings.loading_seconds + settings.working_seconds,
            check=True,
        )
        trial: dict[str, Any] = json.loads(asked.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return _failed(kind, name, "engine_too_slow", f"It was not ready after {settings.loading_seconds:.0f} s.")
    except subprocess.CalledProcessError as error:
        return _failed(kind, name, "engine_crashed", _how_it_ended(error))
    except (ValueError, IndexError, OSError) as error:
        return _failed(kind, name, "engine_crashed", f"Its trial said nothing ({type(error).__name__}).")
    return trial


def _how_it_ended(error: subprocess.CalledProcessError) -> str:
    if error.returncode < 0:
        return f"Its process was ended by {signal.Signals(-error.returncode).name}."
    return f"Its process failed: {last_line(error.stderr) or f'status {error.returncode}'}"


def _failed(kind: str, name: str, code: str, message: str) -> dict[str, Any]:
    hint = (
        "Ask again when the machine is less busy, or choose another engine."
        if code == "engine_too_slow"
        else "Install its requirements again, or choose another engine."
    )
    return Trial(kind, name, error={"code": code, "message": message, "hint": hint}).to_json()
