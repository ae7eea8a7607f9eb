"""Batches of upright faces through the network, on whatever device there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from talking_head.engines.enhancer.gfpgan.face_alignment import FACE_PX
from talking_head.engines.enhancer.gfpgan.network import RestorationNetwork
from talking_head.engines.torch_device import is_out_of_memory, seconds_per_gflop
from talking_head.engines.torch_weights import WeightFile
from talking_head.errors import ResourceError
from talking_head.media_io.arrays import Frame

OFFICIAL_SHA256 = "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad"
# One face keeps all cores of a CPU busy, and progress is seen sooner; a GPU needs more to fill it.
CPU_BATCH, GPU_BATCH = 1, 8
# What a face costs in convolutions of the probe's kind: both were timed side by side on one CPU.
FACE_IN_PROBE_GFLOP = 640.0


class FaceRestorer:
    """The network with its weights, ready to draw."""

    def __init__(self, path: Path, network: RestorationNetwork | None = None) -> None:
        """``network`` is an empty one to be filled, by default the official.

        Raises:
            EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``, ``checkpoint_foreign``.
        """
        file = WeightFile("GFPGAN", path, OFFICIAL_SHA256)
        file.check_digest()
        if network is None:
            with torch.device("meta"):  # shapes only: the file's tensors take their place
                network = RestorationNetwork()
        file.fill(network, file.load_pickled("params_ema"))
        self.weights_digest = file.digest()
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device)
        self.batch = CPU_BATCH if self._device.type == "cpu" else GPU_BATCH

    @torch.inference_mode()
    def restore(self, faces: list[Frame]) -> list[Frame]:
        """n upright faces (512, 512, 3) -> n restored ones.

        Raises:
            ResourceError: ``out_of_memory``.
        """
        if not faces:
            return []
        try:
            pixels = torch.from_numpy(np.stack(faces)).to(self._device)  # (n, 512, 512, 3)
            scaled = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1  # (n, 3, 512, 512), channels last
            drawn = _resized(self._network(_resized(scaled, self._network.side_px)), FACE_PX)
            levels = ((drawn.clamp(-1, 1) + 1) * 127.5).round().byte()
            return list(levels.permute(0, 2, 3, 1).cpu().numpy())
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise ResourceError(
                    "The face restorer does not fit into the memory.",
                    code="out_of_memory",
                    hint="Choose the profile “fast”, which does without it.",
                ) from error
            raise

    def seconds_per_face(self) -> float:
        """Estimated wall time of a face on this device, good to about a third, from a probe of some milliseconds."""
        return FACE_IN_PROBE_GFLOP * seconds_per_gflop(self._device)


def _resized(pictures: Tensor, side_px: int) -> Tensor:
    """The official network's side is the faces' side: then nothing happens."""
    if pictures.shape[-1] == side_px:
        return pictures
    return functional.interpolate(pictures, size=(side_px, side_px), mode="bilinear", align_corners=False)
