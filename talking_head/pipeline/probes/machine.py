"""The probe of this machine, run in the renderer process: the only one that may load torch, and only if sadtalker's
checkpoints exist."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from talking_head.checkpoints.manifest import load_manifest
from talking_head.selection_rules import MEASURED_SIDE_PX, QUALITY_FACE, Machine


def probe_machine(checkpoints_dir: Path) -> Machine:
    """Return what this machine can do: in some ten milliseconds, and seconds more to load torch for sadtalker."""
    problem = sadtalker_problem(checkpoints_dir)
    gpu_name, seconds = ("", None) if problem else _ask_torch()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(cores, memory_bytes, gpu_name, seconds, problem)


def sadtalker_problem(checkpoints_dir: Path) -> str:
    """Return why sadtalker cannot be used here, as far as that is seen without loading anything; "" when it can."""
    missing = [package for package in ("torch", "safetensors") if find_spec(package) is None]
    if missing:
        return f"{missing[0]} is not installed."
    needed = [checkpoint for checkpoint in load_manifest().needed_by(QUALITY_FACE) if not checkpoint.optional]
    if not all(checkpoint.path_in(checkpoints_dir).is_file() for checkpoint in needed):
        return "its checkpoints are missing."
    return ""


def _ask_torch() -> tuple[str, float]:
    """Return the GPU's name, "" without one, and the estimated seconds of a frame there."""
    import torch

    from talking_head.engines.face.sadtalker.fast.speed import estimated_seconds_per_frame

    gpu_name = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    return gpu_name, estimated_seconds_per_frame(MEASURED_SIDE_PX)
