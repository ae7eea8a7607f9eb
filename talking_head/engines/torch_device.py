"""Device helpers for engines built on torch networks: the speed of a device, and whether it ran out of memory."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as functional

_CHANNELS, _SIDE_PX, _RUNS = 256, 64, 5
_PROBE_GFLOP = 2 * 9 * _CHANNELS**2 * _SIDE_PX**2 / 1e9


@torch.inference_mode()
def seconds_per_gflop(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Return the wall time in seconds of 10^9 operations of a 3x3 convolution of 256 to 256 channels.

    Measured by a probe of some ten milliseconds with torch's current number of threads. It shows how fast a device
    multiplies, not how its caches behave: estimates based on it are good to about a third.
    """
    weight = torch.ones(_CHANNELS, _CHANNELS, 3, 3, device=device, dtype=dtype)
    x = torch.ones(1, _CHANNELS, _SIDE_PX, _SIDE_PX, device=device, dtype=dtype)
    weight, x = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (weight, x))
    _timed(x, weight)  # warm-up: in the first run libraries choose their algorithms
    return min(_timed(x, weight) for _ in range(_RUNS)) / _PROBE_GFLOP


def _timed(x: torch.Tensor, weight: torch.Tensor) -> float:
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    start = time.perf_counter()
    functional.conv2d(x, weight, padding=1)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - start


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether memory ran out: torch has an error class for GPUs only; its CPU allocator raises a message."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)
