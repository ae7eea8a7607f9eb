"""Weights of a small restorer, the same numbers everywhere: NumPy's generator, one seed a tensor."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

SIDE_PX, WIDTH = 64, 64


def filled(shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Numbers that keep activations near one: fan-in scaled filters, styles near one, faint noise."""
    return {name: torch.from_numpy(_values(name, tuple(shape))) for name, shape in shapes.items()}


def picture(count: int = 2) -> Tensor:
    """(count, 3, 64, 64) in -1..1."""
    generator = np.random.default_rng(1)
    return torch.from_numpy(generator.uniform(-1, 1, (count, 3, SIDE_PX, SIDE_PX)).astype(np.float32))


def _values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if "noises" in name or "constant_input" in name:
        scaled = values
    elif "modulation.bias" in name:
        scaled = 1 + 0.1 * values
    elif name.endswith("weight") and len(shape) > 1:
        fan_in = math.prod(shape[2:] if len(shape) == 5 else shape[1:])
        scaled = values * math.sqrt(1.3 / fan_in)
    else:
        scaled = 0.1 * values
    return scaled.astype(np.float32)
