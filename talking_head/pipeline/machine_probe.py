"""What this machine can do, asked in the renderer process: the only one that may load torch, and only if there is
something for it to draw with."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path

from talking_head.checkpoints.manifest import load_manifest
from talking_head.choices import MEASURED_SIDE_PX, QUALITY_FACE, Machine

CHANNELS, SIDE_PX, RUNS = 256, 64, 10


def probe_machine(checkpoints_dir: Path) -> Machine:
    """Takes some ten milliseconds, and seconds more for loading torch where the checkpoints of sadtalker are."""
    problem = sadtalker_problem(checkpoints_dir)
    gpu_name, seconds = ("", None) if problem else _ask_torch()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(cores, memory_bytes, gpu_name, seconds, problem)


def sadtalker_problem(checkpoints_dir: Path) -> str:
    """Why sadtalker cannot be used here, as far as that is seen without loading anything; "" when it can."""
    missing = [package for package in ("torch", "safetensors") if find_spec(package) is None]
    if missing:
        return f"{missing[0]} is not installed."
    needed = [one for one in load_manifest().needed_by(QUALITY_FACE) if not one.optional]
    if not all(one.path_in(checkpoints_dir).is_file() for one in needed):
        return "its checkpoints are not there."
    return ""


def _ask_torch() -> tuple[str, float]:
    """The GPU's name, "" without one, and the seconds of a frame there."""
    import torch

    from talking_head.engines.face.sadtalker.speed import estimated_seconds_per_frame

    if not torch.cuda.is_available():
        return "", estimated_seconds_per_frame(MEASURED_SIDE_PX)
    return torch.cuda.get_device_name(0), _gpu_seconds_per_frame()


def _gpu_seconds_per_frame() -> float:
    """As :func:`~talking_head.engines.face.sadtalker.speed.estimated_seconds_per_frame`, in half precision."""
    import torch
    from torch.nn import functional

    from talking_head.engines.face.sadtalker.speed import FRAME_IN_PROBE_GFLOP

    weight = torch.ones(CHANNELS, CHANNELS, 3, 3, device="cuda", dtype=torch.float16)
    x = torch.ones(1, CHANNELS, SIDE_PX, SIDE_PX, device="cuda", dtype=torch.float16)
    fastest = float("inf")
    for _ in range(RUNS):
        torch.cuda.synchronize()
        start = time.perf_counter()
        functional.conv2d(x, weight, padding=1)
        torch.cuda.synchronize()
        fastest = min(fastest, time.perf_counter() - start)
    return FRAME_IN_PROBE_GFLOP * fastest / (2 * 9 * CHANNELS**2 * SIDE_PX**2 / 1e9)
