"""The engine's networks of one resolution and the drawer that uses them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from talking_head.engines.face.sadtalker.checkpoints import FACE_FILES
from talking_head.engines.face.sadtalker.fast.drawing import FrameDrawer
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator
from talking_head.engines.face.sadtalker.networks.load import Networks, load_networks
from talking_head.engines.face.sadtalker.networks.sizes import NetworkSizes


@dataclass(frozen=True, slots=True)
class Resolution:
    """Networks that draw squares of one size; only the generator is on the GPU, as the others run once per clip."""

    networks: Networks
    generator: FastGenerator
    drawer: FrameDrawer


@torch.inference_mode()
def load_resolution(folder: Path, side_px: int, sizes: NetworkSizes) -> Resolution:
    """Return the networks that draw squares of ``side_px``.

    Raises:
        EngineError: see :mod:`.checkpoints`.
    """
    networks = load_networks(folder / FACE_FILES[side_px].name, sizes)
    on_gpu = torch.cuda.is_available()
    generator = FastGenerator(networks.generator, device="cuda" if on_gpu else "cpu", half=on_gpu)
    del networks.generator.decoder  # the fast generator has its own form of these 200 MB
    return Resolution(networks, generator, FrameDrawer(generator))
