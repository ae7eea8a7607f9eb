"""Estimated time per frame on a machine that has not drawn one yet; ``benchmarks/sadtalker_speed.py`` measures it."""

from __future__ import annotations

import torch

from talking_head.engines.torch_device import seconds_per_gflop

# The cost of a frame at 256 px in convolutions of the probe's kind: 3.13 s on a core where the probe ran at 244
# GFLOP/s.
FRAME_IN_PROBE_GFLOP = 764.0


def estimated_seconds_per_frame(side_px: int) -> float:
    """Return the estimated wall time of a frame on the device that the engine would use.

    That is a GPU in half precision if there is one, otherwise the CPU. On a GPU a frame is assumed to cost as many of
    the probe's convolutions as on a CPU.
    """
    on_gpu = torch.cuda.is_available()
    probe = seconds_per_gflop("cuda", torch.float16) if on_gpu else seconds_per_gflop()
    return FRAME_IN_PROBE_GFLOP * probe * (side_px / 256) ** 2
