"""Restoration of batches of upright faces by the network, on the GPU if there is one."""

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
# One face keeps all cores of a CPU busy, and progress shows sooner; a GPU needs more to be fully used.
CPU_BATCH, GPU_BATCH = 1, 8
# The cost of a face in convolutions of the probe: both were timed side by side on one CPU.
FACE_IN_PROBE_GFLOP = 640.0


class FaceRestorer:
    """The network with its weights, ready for inference."""

    def __init__(self, path: Path, network: RestorationNetwork | None = None) -> None:
        """Load the weights into ``network``, by default an empty official one.

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
        """Return n restored faces for n upright ones, (512, 512, 3) each.

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
                    "The face restorer does not fit into memory.",
                    code="out_of_memory",
                    hint="Choose the profile “fast”, which does not use it.",
                ) from error
            raise

    def seconds_per_face(self) -> float:
        """Return the estimated seconds per face on this device, good to about a third, from a probe of milliseconds."""
        return FACE_IN_PROBE_GFLOP * seconds_per_gflop(self._device)


def _resized(pictures: Tensor, side_px: int) -> Tensor:
    """Resize the pictures; the official network has the side of the faces, so that nothing changes there."""
    if pictures.shape[-1] == side_px:
        return pictures
    return functional.interpolate(pictures, size=(side_px, side_px), mode="bilinear", align_corners=False)
