"""Made-up weights for narrow networks of the official structure, so that tests need neither downloads nor gigabytes.

Every tensor is drawn from a generator seeded by its name and scaled so that signals keep their size on the way.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.checkpoints import FACE_FILES, MAPPING_FILES
from talking_head.engines.face.sadtalker.networks.audio_to_expression import AudioToExpression
from talking_head.engines.face.sadtalker.networks.audio_to_pose import AudioToPose
from talking_head.engines.face.sadtalker.networks.face_reconstruction import FaceReconstruction
from talking_head.engines.face.sadtalker.networks.generator import Generator
from talking_head.engines.face.sadtalker.networks.keypoints import KeypointExtractor
from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
from talking_head.engines.face.sadtalker.networks.sizes import NetworkSizes

TINY = NetworkSizes(
    reconstruction=4,
    keypoint_down=(8, 8, 16, 16, 16),
    keypoint_up=(16, 16, 8, 8, 8),
    mapping=16,
    encoder=(8, 8, 16),
    volume=4,
    compressed=1,
    hourglass_down=(8, 8, 16, 16, 16),
    hourglass_up=(16, 16, 8, 8, 8),
    segmentation=16,
    decoder=(24, 16, 8),
    modulation=8,
)


def stand_in(name: str, shape: torch.Size, seed: int = 0) -> Tensor:
    """One tensor; a function of its name, its shape and the seed alone."""
    digest = hashlib.sha256(f"{seed}|{name}".encode()).digest()
    values = torch.randn(shape, generator=torch.Generator().manual_seed(int.from_bytes(digest[:7], "little")))
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "running_var":
        return 1 + 0.2 * torch.tanh(values)
    if leaf in ("weight_u", "weight_v"):
        return values / values.norm()
    if leaf in ("bias", "running_mean") or "classbias" in name:
        return 0.05 * values
    if len(shape) == 1:
        return 1 + 0.1 * values
    gain = 3.0 if name.endswith(("kp.weight", "mask.weight")) else 1.2
    return values * (gain / math.sqrt(math.prod(shape[1:])))


def fill(network: nn.Module, prefix: str, seed: int = 0) -> dict[str, Tensor]:
    """Fills the network and returns its tensors under the names of the file."""
    tensors = {
        name: stand_in(f"{prefix}{name}", tensor.shape, seed)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    for name, tensor in tensors.items():
        if name.endswith("weight_orig"):  # so that dividing by the spectral norm changes the size, but not wildly
            stem = name.removesuffix("orig")
            outer = torch.outer(tensors[f"{stem}u"], tensors[f"{stem}v"]).view_as(tensor)
            tensor.add_(1.5 * outer)
    network.load_state_dict(tensors, strict=False)
    network.eval().requires_grad_(False)
    return {f"{prefix}{name}": tensor.contiguous() for name, tensor in tensors.items()}


def face_tensors(sizes: NetworkSizes = TINY, seed: int = 0) -> dict[str, Tensor]:
    return {
        **fill(FaceReconstruction(sizes.reconstruction), "face_3drecon.", seed),
        **fill(AudioToExpression(), "audio2exp.", seed),
        **fill(AudioToPose(), "audio2pose.", seed),
        **fill(KeypointExtractor(sizes), "kp_extractor.", seed),
        **fill(Generator(sizes), "generator.", seed),
    }


def write_checkpoints(folder: Path, sizes: NetworkSizes = TINY, seed: int = 0) -> None:
    """All four files, small, under the official names. What inference does not use is there as well, as in the official
    files."""
    folder.mkdir(parents=True, exist_ok=True)
    unused = {"audio2pose.netD_motion.seq.weight": torch.zeros(3), "kp_extractor.steps": torch.tensor(1000)}
    for file in FACE_FILES.values():
        save_file({**face_tensors(sizes, seed), **unused}, folder / file.name)
    for layout, file in MAPPING_FILES.items():
        state = fill(MappingNet(int(layout), sizes.mapping), "", seed)
        torch.save({"mapping": state, "epoch": 7, "optimizer": {"state": {0: {"step": 3}}}}, folder / file.name)
