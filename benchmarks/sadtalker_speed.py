"""Times SadTalker's pictures on the CPU: the original's structure against the form the engine uses, in one run.

    python benchmarks/sadtalker_speed.py --checkpoints DIR [--picture FILE] [--size 256] [--rounds 3] [--threads 1]

Also times the paste-back of the full mode against the Poisson clone that the original does for every frame.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from talking_head.engines.face.framing import Box
from talking_head.engines.face.sadtalker import checkpoints
from talking_head.engines.face.sadtalker.networks import load_networks
from talking_head.engines.face.sadtalker.paste_back import PasteBack
from talking_head.engines.face.sadtalker.source import to_tensor
from talking_head.engines.face.sadtalker.speed import compare_forms, estimated_seconds_per_frame
from talking_head.errors import EngineError

ASTRONAUT = Path(__file__).resolve().parents[1] / "tests" / "data" / "astronaut.png"
CANVAS_SIDE_PX, PASTE_RUNS = 1024, 15


def median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(PASTE_RUNS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def paste_back_ms(picture: Image.Image) -> dict[str, float]:
    """One face of half the side in a large picture, both ways."""
    canvas = np.asarray(picture.resize((CANVAS_SIDE_PX, CANVAS_SIDE_PX)))
    quarter = CANVAS_SIDE_PX // 4
    box = Box(quarter, quarter, 3 * quarter, 3 * quarter)
    square = np.asarray(picture.resize((256, 256)))
    paste = PasteBack(canvas, box)
    face = np.asarray(picture.resize((box.width, box.height)))
    mask = np.full(face.shape, 255, np.uint8)
    center = (CANVAS_SIDE_PX // 2, CANVAS_SIDE_PX // 2)
    return {
        "feathered paste": median_ms(lambda: paste(square)),
        "Poisson clone": median_ms(lambda: cv2.seamlessClone(face, canvas, mask, center, cv2.NORMAL_CLONE)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--picture", type=Path, default=ASTRONAUT)
    parser.add_argument("--size", type=int, choices=sorted(checkpoints.FACE_FILES), default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    picture = Image.open(arguments.picture).convert("RGB")
    try:
        networks = load_networks(arguments.checkpoints / checkpoints.FACE_FILES[arguments.size].name)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    square = np.asarray(picture.resize((arguments.size, arguments.size), Image.Resampling.BICUBIC))
    timings = compare_forms(networks, to_tensor(square), rounds=arguments.rounds)
    paste = paste_back_ms(picture)
    estimate = estimated_seconds_per_frame(arguments.size)
    if arguments.json:
        values = {"forms": [asdict(timing) for timing in timings], "paste_ms": paste, "estimated_seconds": estimate}
        print(json.dumps(values, indent=1))
        return 0
    for timing in timings:
        print(
            f"{timing.form:22} {timing.cpu_seconds:7.2f} s CPU  {timing.wall_seconds:7.2f} s  "
            f"{timing.times_faster:5.2f} x  {timing.psnr_db:6.1f} dB"
        )
    print(f"estimated from the probe: {estimate:.2f} s a frame")
    for name, milliseconds in paste.items():
        print(f"{name:22} {milliseconds:7.1f} ms CPU ({CANVAS_SIDE_PX} px picture, half of it the face)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
