"""Measures how fast SadTalker draws on this machine: the original's structure against what the engine runs.

    python manage.py benchmark --face sadtalker [--original REPOSITORY] [--json]
    python benchmarks/sadtalker_speed.py --checkpoints DIR [--original REPOSITORY] [--size 512] [--threads 1] ...

All forms draw the same frame in the same run, alternating, because a machine's speed varies over time. With
``--original`` the original program's own generator takes part. On a machine with a GPU the engine's form is measured
there as well, in its own batches.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from PIL import Image
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe_machine
from benchmarks.original_sadtalker import OriginalMissingError, load_original
from benchmarks.sadtalker_forms import Timing, compare_forms
from talking_head.engines.base import EngineSettings, Framing, PortraitImage
from talking_head.engines.face.framing import PixelBox
from talking_head.engines.face.sadtalker import checkpoints
from talking_head.engines.face.sadtalker.engine import SadTalkerFace
from talking_head.engines.face.sadtalker.face.paste_back import PasteBack
from talking_head.engines.face.sadtalker.fast.speed import estimated_seconds_per_frame
from talking_head.engines.face.sadtalker.motion import SadTalkerMotion
from talking_head.engines.face.sadtalker.networks.load import load_networks
from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL, NetworkSizes
from talking_head.engines.face.sadtalker.source import SadTalkerSource, to_tensor
from talking_head.errors import TalkingHeadError
from talking_head.media_io.arrays import Frame

ASTRONAUT = Path(__file__).resolve().parents[1] / "edu_platform" / "demo" / "astronaut.png"
CANVAS_SIDE_PX, PASTE_RUNS = 1024, 15
CPU_FRAMES, GPU_FRAMES = 2, 64
# Convolutions and matrix products of a frame at 256 px: in the original's loop, and without needless repetition.
ORIGINAL_GFLOP_PER_FRAME, NEEDED_GFLOP_PER_FRAME = 1203, 938
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpeedPlan:
    checkpoints: Path
    picture: Path = ASTRONAUT
    original: Path | None = None
    size: int = 256
    rounds: int = 3
    threads: int = 1
    steps: bool = False
    frames: int = 0  # of the engine's stream; 0: as many as the device draws in a few seconds
    sizes: NetworkSizes = OFFICIAL


def measure_speed(plan: SpeedPlan) -> Figures:
    """Return all figures.

    Raises:
        TalkingHeadError: the weights or the picture cannot be used. OriginalMissingError.
    """
    torch.set_num_threads(plan.threads)
    picture = np.asarray(Image.open(plan.picture).convert("RGB"))
    square = to_tensor(np.asarray(Image.fromarray(picture).resize((plan.size, plan.size), Image.Resampling.BICUBIC)))
    original = load_original(plan.original, plan.checkpoints).draw if plan.original else None
    networks = load_networks(plan.checkpoints / checkpoints.FACE_FILES[plan.size].name, plan.sizes)
    forms = compare_forms(networks, square, rounds=plan.rounds, steps=plan.steps, original=original)
    del original, networks
    return {
        "machine": describe_machine(),
        "size_px": plan.size,
        "threads": plan.threads,
        "gflop_per_frame": {
            "published": ORIGINAL_GFLOP_PER_FRAME * (plan.size // 256) ** 2,
            "needed": NEEDED_GFLOP_PER_FRAME * (plan.size // 256) ** 2,
        },
        "forms": [_form_figures(form) for form in forms],
        "engine": engine_figures(plan, picture),
        "estimated_seconds_per_frame": estimated_seconds_per_frame(plan.size),
        "paste_ms": paste_back_ms(picture),
    }


def _form_figures(form: Timing) -> Figures:
    """Return a form's figures; ``psnr_db`` is null for the same picture, because JSON has no infinity."""
    psnr_db = form.psnr_db if math.isfinite(form.psnr_db) else None
    return {**asdict(form), "psnr_db": psnr_db, "frames_per_second": form.frames_per_second}


def engine_figures(plan: SpeedPlan, picture: Frame) -> Figures:
    """Return what a job experiences: loading, preparing a portrait (first and again), and frames per second."""
    portrait, framing = PortraitImage(picture, ""), Framing("crop", plan.size)
    engine = SadTalkerFace(EngineSettings(plan.checkpoints, plan.threads), sizes=plan.sizes)
    first = _seconds(lambda: engine.prepare(portrait, framing))
    again = _seconds(lambda: engine.prepare(portrait, framing))
    source, on_gpu = engine.prepare(portrait, framing), torch.cuda.is_available()
    frames = plan.frames or (GPU_FRAMES if on_gpu else CPU_FRAMES)
    rest = source.features.keypoints.cpu()
    _draw(engine, source, rest.expand(CPU_FRAMES, -1, -1))  # a GPU records its graph
    before_bytes = _resident_bytes()
    drawing = _seconds(lambda: _draw(engine, source, rest.expand(frames, -1, -1)))
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "load_and_prepare_seconds": first,
        "prepare_seconds": again,
        "frames": frames,
        "frames_per_second": frames / drawing,
        "memory_mb": _resident_bytes() / 1e6,
        "memory_growth_mb": (_resident_bytes() - before_bytes) / 1e6,
    }


def _draw(engine: SadTalkerFace, source: SadTalkerSource, keypoints: Tensor) -> None:
    """Draw as a job does: one frame after the other, none kept."""
    for _ in engine.frames(source, SadTalkerMotion(keypoints)):
        pass


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paste_back_ms(picture: Frame) -> dict[str, float]:
    """Measure both ways of pasting one face of half the side into a large picture."""
    canvas = cv2.resize(picture, (CANVAS_SIDE_PX, CANVAS_SIDE_PX))
    quarter = CANVAS_SIDE_PX // 4
    box = PixelBox(quarter, quarter, 3 * quarter, 3 * quarter)
    paste = PasteBack(np.asarray(canvas, np.uint8), box)
    square: Any = cv2.resize(picture, (256, 256))
    face = cv2.resize(picture, (box.width, box.height))
    mask = np.full(face.shape, 255, np.uint8)
    center = (CANVAS_SIDE_PX // 2, CANVAS_SIDE_PX // 2)
    return {
        "feathered paste": _median_cpu_ms(lambda: paste(square)),
        "Poisson clone": _median_cpu_ms(lambda: cv2.seamlessClone(face, canvas, mask, center, cv2.NORMAL_CLONE)),
    }


def _median_cpu_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(PASTE_RUNS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def speed_table(figures: Figures) -> str:
    machine, gflop, engine = figures["machine"], figures["gflop_per_frame"], figures["engine"]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, load average {machine['load_1_minute']}",
        f"{figures['size_px']} px, {figures['threads']} thread(s), single precision; "
        f"{gflop['published']} GFLOP a frame as published, {gflop['needed']} needed",
        "",
        f"{'a frame, drawn by':24}{'CPU s':>8}{'wall s':>8}{'frames/s':>10}{'faster':>9}{'PSNR':>10}",
    ]
    lines += [
        f"{form['form']:24}{form['cpu_seconds']:8.2f}{form['wall_seconds']:8.2f}{form['frames_per_second']:10.3f}"
        f"{form['times_faster']:7.2f} x" + ("      same" if form["psnr_db"] is None else f"{form['psnr_db']:7.1f} dB")
        for form in figures["forms"]
    ]
    rows = {
        f"the engine's stream ({engine['device']})": f"{engine['frames_per_second']:.3f} frames/s",
        f"memory after {engine['frames']} of its frames": f"{engine['memory_mb']:.0f} MB",
        "growth of memory during these frames": f"{engine['memory_growth_mb']:.1f} MB",
        "estimated from the probe": f"{figures['estimated_seconds_per_frame']:.2f} s a frame",
        "a portrait, with loading the networks": f"{engine['load_and_prepare_seconds']:.2f} s",
        "a portrait, warm": f"{engine['prepare_seconds']:.2f} s",
    }
    half = f"({CANVAS_SIDE_PX} px picture, half of it the face)"
    rows |= {f"{name} {half}": f"{value:.1f} ms CPU" for name, value in figures["paste_ms"].items()}
    return "\n".join([*lines, "", *(f"{name:64}{value:>20}" for name, value in rows.items())])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--original", type=Path, help="a checkout of the original's repository, to compare with")
    parser.add_argument("--picture", type=Path, default=ASTRONAUT)
    parser.add_argument("--size", type=int, choices=sorted(checkpoints.FACE_FILES), default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--steps", action="store_true", help="also measure the effect of single optimisations on time and picture"
    )
    parser.add_argument("--frames", type=int, default=0, help="length of the engine's stream: does its memory grow?")
    parser.add_argument("--json", action="store_true")
    arguments = vars(parser.parse_args())
    as_json = arguments.pop("json")
    try:
        figures = measure_speed(SpeedPlan(**arguments))
    except (TalkingHeadError, OriginalMissingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(figures, indent=1) if as_json else speed_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
