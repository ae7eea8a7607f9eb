"""Findings and recommendations that follow from the facts: what is wrong, and what would improve it."""

from __future__ import annotations

from typing import Any

from talking_head.checkpoints.folder import FileState
from talking_head.diagnostics.findings import Level, Report
from talking_head.diagnostics.wording import kind_in_words, pace_in_words
from talking_head.engines.registry import EMBEDDED
from talking_head.profiles import AUTO, BALANCED, FAST, PROFILES, QUALITY
from talking_head.timebase import VIDEO_FPS

LITTLE_SPACE_BYTES = 5_000_000_000  # about 16 hours of video at 512 px
LITTLE_MEMORY_BYTES = 1_000_000_000  # a renderer with the embedded engines peaks at about half of it
REQUIREMENTS = {"sadtalker": "requirements/sadtalker.txt", "coqui": "requirements/coqui.txt"}
LONGEST_FRAME_SECONDS = max(
    profile.seconds_per_frame for profile in PROFILES.values()
)  # the time that an enhancer may take
NOT_THERE = ("engine_unavailable", "checkpoint_missing")  # not installed, so nothing is broken


def judge_machine(report: Report) -> None:
    """Add findings about disk, memory and GPU."""
    facts = report.facts
    if facts["disk"]["free_bytes"] < LITTLE_SPACE_BYTES:
        free = facts["disk"]["free_bytes"] / 1e9
        report.add(
            Level.ADVICE, "little_space", f"Only {free:.1f} GB are free for videos.", "Set MEDIA_ROOT to a larger disk."
        )
    if facts["memory"]["available_bytes"] < LITTLE_MEMORY_BYTES:
        report.add(
            Level.ADVICE,
            "little_memory",
            f"Only {facts['memory']['available_bytes'] / 1e6:.0f} MB of memory are available.",
            "Render one clip at a time (TALKING_HEAD_SLOTS=1) and stop other programs that use memory.",
        )
    gpu = facts["gpu"]
    if gpu["error"]:
        report.add(
            Level.DEGRADED, "gpu_probe_failed", f"torch is installed but fails: {gpu['error']}.", "Reinstall it."
        )
    elif gpu["driver_devices"] and gpu["torch"] and not gpu["devices"]:
        report.add(
            Level.DEGRADED,
            "gpu_unused",
            f"There is a GPU ({gpu['driver_devices'][0]}), but torch ({gpu['torch']}) cannot use it.",
            "Install the torch build for your driver: https://pytorch.org/get-started/locally/",
        )


def judge_checkpoints(report: Report) -> None:
    """Add findings about checkpoint files: damaged ones are a fault; other weights that their engine accepts, and an
    incomplete set, are not."""
    rows = report.facts["checkpoints"]
    accepting = {engine["name"] for engine in report.facts["engines"] if engine["usable"]}
    for row in rows:
        if row["state"] == FileState.UNREADABLE:
            report.add(
                Level.DEGRADED,
                "checkpoint_unreadable",
                f"The checkpoint {row['file']} cannot be read.",
                "Give the service's user permission to read it.",
            )
        elif row["state"] == FileState.CORRUPT:
            report.add(
                Level.ADVICE if accepting & set(row["needed_by"]) else Level.DEGRADED,
                "checkpoint_corrupt",
                f"The checkpoint {row['file']} is not the official file: it is damaged, or holds other weights.",
                f"Replace it with `python manage.py download_checkpoints --only {row['name']}`; "
                f"or, for weights of your own, put their digest beside it as {row['file']}.sha256.",
            )
    for engine in sorted({engine for row in rows for engine in row["needed_by"]}):
        needed = [row for row in rows if engine in row["needed_by"]]
        missing = [row["file"] for row in needed if row["state"] == FileState.MISSING]
        if missing and len(missing) < len(needed):
            report.add(
                Level.ADVICE,
                "checkpoints_incomplete",
                f"Some checkpoints of {engine} are missing: {', '.join(missing)}.",
                f"python manage.py download_checkpoints --only {engine}",
            )


def judge_engines(report: Report, chosen: dict[str, str]) -> None:
    """Add findings about unusable engines; ``chosen`` is the engine that the settings name for each kind."""
    engines = report.facts["engines"]
    for engine in engines:
        if engine["usable"]:
            continue
        error = engine["error"]
        message = error["message"]
        if engine["name"] not in message.lower():
            message = f"{kind_in_words(engine['kind'])} {engine['name']}: {message}"
        if chosen.get(engine["kind"]) == engine["name"]:
            report.add(
                Level.BROKEN, "chosen_engine_unusable", f"{message} The settings choose this engine.", error["hint"]
            )
        elif (engine["kind"], engine["name"]) in EMBEDDED:
            report.add(Level.DEGRADED, "embedded_engine_unusable", message, error["hint"])
        else:
            level = Level.ADVICE if error["code"] in NOT_THERE else Level.DEGRADED
            report.add(level, "optional_engine_unusable", message, error["hint"])
    for kind in ("speech", "face"):
        usable = [engine["name"] for engine in engines if engine["kind"] == kind and engine["usable"]]
        if not set(usable) - {"still"}:
            report.add(
                Level.BROKEN,
                f"no_{kind}_engine",
                f"No {kind} engine works here.",
                "Reinstall requirements.txt and requirements/models.txt, as `make demo` does.",
            )


def recommend(report: Report, chosen: dict[str, str]) -> dict[str, Any]:
    """Return which profile to use and why, and what to install or download to improve on it."""
    engines = {(engine["kind"], engine["name"]): engine for engine in report.facts["engines"]}
    sadtalker = engines.get(("face", "sadtalker"))
    has_gpu = bool(report.facts["gpu"]["driver_devices"] or report.facts["gpu"]["devices"])
    face = chosen.get("face", AUTO)
    if face == AUTO:
        face = next((name for (kind, name), row in engines.items() if kind == "face" and row["usable"]), "still")
    factor = engines.get(("face", face), {}).get("real_time_factor")
    profile, why = _profile_for(face, factor, has_gpu)
    actions = []
    if sadtalker is not None and not sadtalker["usable"]:
        actions += _sadtalker_steps(report, has_gpu)
    elif sadtalker is not None and face != "sadtalker" and has_gpu:
        actions.append("The quality engine is ready: choose it with TALKING_HEAD_FACE=sadtalker.")
    if sadtalker is not None and sadtalker["real_time_factor"]:
        actions.append(_sadtalker_limits(sadtalker["real_time_factor"]))
    actions += [
        f"{name} takes {row['real_time_factor'] / VIDEO_FPS:.1f} s per frame, too long for any profile: "
        "it is not used here unless TALKING_HEAD_ENHANCE=always."
        for (kind, name), row in engines.items()
        if kind == "enhancer" and (row["real_time_factor"] or 0.0) > LONGEST_FRAME_SECONDS * VIDEO_FPS
    ]
    return {"profile": profile, "face": face, "why": why, "actions": actions}


def _profile_for(face: str, factor: float | None, has_gpu: bool) -> tuple[str, str]:
    if face == "still":
        return FAST.name, "No engine here can animate a portrait: lessons would show still pictures."
    if factor is None:
        return BALANCED.name, "The default; nothing was measured."
    if face == "sadtalker" and has_gpu and factor < 1:
        return QUALITY.name, f"The GPU runs {face} at {pace_in_words(factor)}."
    if factor <= 1:
        return BALANCED.name, f"{face} runs at {pace_in_words(factor)} here."
    return FAST.name, f"{face} takes {pace_in_words(factor)} here."


def _sadtalker_steps(report: Report, has_gpu: bool) -> list[str]:
    steps = []
    if report.facts["packages"].get("torch") is None:
        steps.append(f"pip install -r {REQUIREMENTS['sadtalker']}")
    if any(
        "sadtalker" in row["needed_by"] and row["state"] == FileState.MISSING for row in report.facts["checkpoints"]
    ):
        steps.append("python manage.py download_checkpoints --only sadtalker")
    if not steps:
        return []
    reason = (
        "The quality engine sadtalker can use the GPU; to install it"
        if has_gpu
        else "The quality engine sadtalker is slow without a GPU; to install it anyway"
    )
    return [f"{reason}: {' && '.join(steps)}"]


def _sadtalker_limits(factor: float) -> str:
    longest = {name: profile.timeout_seconds / factor for name, profile in PROFILES.items()}
    limits = ", ".join(f"{seconds:.0f} s under {name}" for name, seconds in longest.items())
    return f"sadtalker takes {factor:.2f} s per second of video at 256 px, so the time limits allow about {limits}."
