"""How fast the pictures come: a comparison of both forms of the generator, and an estimate for machines not measured.

``benchmarks/sadtalker_speed.py`` prints the comparison.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from talking_head.engines.face.sadtalker.cpu_tuning import keep_freed_memory, without_denormals
from talking_head.engines.face.sadtalker.fast_generator import FastGenerator
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion, transform_keypoints
from talking_head.engines.face.sadtalker.networks import Networks

# Convolutions and matrix products of a frame at 256 px: in the original's loop, and without what need not be repeated.
ORIGINAL_GFLOP_PER_FRAME, NEEDED_GFLOP_PER_FRAME = 1203, 938
# What a frame at 256 px costs, in convolutions of the probe's kind: 3.13 s on a core where the probe ran at 244
# GFLOP/s.
FRAME_IN_PROBE_GFLOP = 764.0
_PROBE_CHANNELS, _PROBE_SIDE_PX, _PROBE_RUNS = 256, 64, 3


@dataclass(frozen=True, slots=True)
class Timing:
    """One way of drawing a frame, medians over the rounds."""

    form: str
    cpu_seconds: float  # of all threads together
    wall_seconds: float
    times_faster: float  # than the first form, by CPU seconds
    psnr_db: float  # against the first form's picture; infinite when equal

    @property
    def frames_per_second(self) -> float:
        return 1 / self.wall_seconds


# A picture (1, 3, s, s), source and driving keypoints (1, 15, 3) -> a picture (1, 3, s, s).
DrawFrame = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    draw: Callable[[], Tensor]
    tuned: bool


@torch.inference_mode()
def compare_forms(
    networks: Networks, picture: Tensor, *, rounds: int = 3, original: DrawFrame | None = None
) -> list[Timing]:
    """Draws the same frame with the original program's own generator (if it is given), the plain networks (the
    original's structure: everything anew for every frame), the plain networks in a tuned process, and the fast form.

    Args:
        picture: (1, 3, s, s) in 0..1.

    Tuning the allocator cannot be undone, so the untuned rounds come first; the others alternate.
    """
    canonical = networks.keypoints(picture)[0]
    kp_source, kp_driving = (transform_keypoints(canonical, _turned(degrees)) for degrees in (0.0, 8.0))
    fast = FastGenerator(networks.generator)
    source = fast.prepare(picture, kp_source)

    def plainly() -> Tensor:
        return networks.generator(picture, kp_source, kp_driving).picture

    forms = [_Form("original", lambda: original(picture, kp_source, kp_driving), tuned=False)] if original else []
    forms += [
        _Form("plain", plainly, tuned=False),
        _Form("plain, tuned process", plainly, tuned=True),
        _Form("fast", lambda: fast.draw(source, kp_driving).picture, tuned=True),
    ]
    seconds: dict[str, list[tuple[float, float]]] = {form.name: [] for form in forms}
    pictures = {}
    for form in _schedule(forms, rounds):
        if form.tuned:
            keep_freed_memory()
        with without_denormals() if form.tuned else nullcontext():
            cpu, wall = time.process_time(), time.perf_counter()
            pictures[form.name] = form.draw().numpy()
            seconds[form.name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return [_timing(form.name, seconds, pictures, reference=forms[0].name) for form in forms]


def _schedule(forms: list[_Form], rounds: int) -> Iterator[_Form]:
    for _ in range(rounds):
        yield from (form for form in forms if not form.tuned)
    for _ in range(rounds):
        yield from (form for form in forms if form.tuned)


def _timing(
    name: str,
    seconds: dict[str, list[tuple[float, float]]],
    pictures: dict[str, NDArray[np.float32]],
    *,
    reference: str,
) -> Timing:
    cpu, wall = (statistics.median(column) for column in zip(*seconds[name], strict=True))
    base = statistics.median(row[0] for row in seconds[reference])
    return Timing(name, cpu, wall, base / cpu, psnr_db(pictures[name], pictures[reference]))


def psnr_db(picture: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Peak signal to noise ratio of pictures in 0..1."""
    error = float(np.mean((picture.astype(np.float64) - reference) ** 2))
    return float(-10 * np.log10(error)) if error else float("inf")


def _turned(yaw_degrees: float) -> HeadMotion:
    return HeadMotion(torch.tensor([[yaw_degrees, 0.0, 0.0]]), torch.zeros(1, 3), torch.zeros(1, 15, 3))


@torch.inference_mode()
def estimated_seconds_per_frame(side_px: int) -> float:
    """Wall time of a frame with torch's current number of threads, from a probe of some ten milliseconds. Good to about
    a third: it knows how fast this machine multiplies, not how its caches behave."""
    weight = torch.ones(_PROBE_CHANNELS, _PROBE_CHANNELS, 3, 3).contiguous(memory_format=torch.channels_last)
    x = torch.ones(1, _PROBE_CHANNELS, _PROBE_SIDE_PX, _PROBE_SIDE_PX).contiguous(memory_format=torch.channels_last)
    functional.conv2d(x, weight, padding=1)
    fastest = float("inf")
    for _ in range(_PROBE_RUNS):
        start = time.perf_counter()
        functional.conv2d(x, weight, padding=1)
        fastest = min(fastest, time.perf_counter() - start)
    gflop = 2 * 9 * _PROBE_CHANNELS**2 * _PROBE_SIDE_PX**2 / 1e9
    return FRAME_IN_PROBE_GFLOP * fastest / gflop * (side_px / 256) ** 2
