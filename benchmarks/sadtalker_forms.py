"""Compares the forms in which SadTalker's generator can run by drawing the same frame in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from talking_head.engines.face.sadtalker.fast import winograd
from talking_head.engines.face.sadtalker.fast.cpu_tuning import keep_freed_memory, without_denormals
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion, transform_keypoints
from talking_head.engines.face.sadtalker.networks.load import Networks

# A picture (1, 3, s, s), source and driving keypoints (1, 15, 3) -> a picture (1, 3, s, s).
DrawFrame = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one way of drawing a frame, medians over the rounds."""

    form: str
    cpu_seconds: float  # of all threads together
    wall_seconds: float
    times_faster: float  # than the first form, by CPU seconds
    psnr_db: float  # against the first form's picture; infinite when equal

    @property
    def frames_per_second(self) -> float:
        return 1 / self.wall_seconds


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    draw: Callable[[], Tensor]
    tuned: bool = True


@torch.inference_mode()
def compare_forms(
    networks: Networks, picture: Tensor, *, rounds: int = 3, steps: bool = False, original: DrawFrame | None = None
) -> list[Timing]:
    """Draw the same frame in every form and return the times.

    The forms are the original program's own generator (if it is given), the plain networks (the original's structure:
    everything computed anew for every frame), the plain networks in a tuned process, and the fast form.

    Args:
        picture: (1, 3, s, s) in 0..1.
        steps: also the fast form without Winograd's convolutions, and with the decoder in half precision, as on a GPU
            (a CPU is slow with it: there only the picture counts).

    Tuning the allocator cannot be undone, so the untuned rounds come first; the others alternate.
    """
    canonical = networks.keypoints(picture)[0]
    kp_source, kp_driving = (transform_keypoints(canonical, _turned(degrees)) for degrees in (0.0, 8.0))

    def draw_plain() -> Tensor:
        return networks.generator(picture, kp_source, kp_driving).picture

    def draw_fast(generator: FastGenerator) -> Callable[[], Tensor]:
        source = generator.prepare(picture, kp_source)
        return lambda: generator.draw(source, kp_driving).picture

    forms = [_Form("original", lambda: original(picture, kp_source, kp_driving), tuned=False)] if original else []
    forms += [_Form("plain", draw_plain, tuned=False), _Form("plain, tuned process", draw_plain)]
    if steps:
        with patch.object(winograd, "LEAST_GAIN", float("inf")):
            forms.append(_Form("fast, no Winograd", draw_fast(FastGenerator(networks.generator))))
    forms.append(_Form("fast", draw_fast(FastGenerator(networks.generator))))
    if steps:
        forms.append(_Form("fast, half precision", draw_fast(FastGenerator(networks.generator, half=True))))
    return _timings(forms, rounds)


def _timings(forms: list[_Form], rounds: int) -> list[Timing]:
    seconds: dict[str, list[tuple[float, float]]] = {form.name: [] for form in forms}
    pictures: dict[str, NDArray[np.float32]] = {}
    for form in _schedule(forms, rounds):
        if form.tuned:
            keep_freed_memory()
        with without_denormals() if form.tuned else nullcontext():
            cpu, wall = time.process_time(), time.perf_counter()
            pictures[form.name] = form.draw().numpy()
            seconds[form.name].append((time.process_time() - cpu, time.perf_counter() - wall))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in seconds.items()
    }
    reference = forms[0].name
    return [
        Timing(name, cpu, wall, medians[reference][0] / cpu, psnr_db(pictures[name], pictures[reference]))
        for name, (cpu, wall) in medians.items()
    ]


def _schedule(forms: list[_Form], rounds: int) -> Iterator[_Form]:
    for tuned in (False, True):
        for _ in range(rounds):
            yield from (form for form in forms if form.tuned is tuned)


def psnr_db(picture: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the peak signal-to-noise ratio of pictures in 0..1."""
    error = float(np.mean((picture.astype(np.float64) - reference) ** 2))
    return float(-10 * np.log10(error)) if error else float("inf")


def _turned(yaw_degrees: float) -> HeadMotion:
    return HeadMotion(torch.tensor([[yaw_degrees, 0.0, 0.0]]), torch.zeros(1, 3), torch.zeros(1, 15, 3))
