"""The generator that the engine runs: the same function as the plain ``networks.generator``, with less work.

Work that depends on the source alone is done once (:meth:`FastGenerator.prepare`), and the decoder, three quarters of
the work, is rearranged (:mod:`.spade_decoder`). Everything is equal in exact arithmetic; ``benchmarks/parity.py``
compares both forms with the same golden numbers.

The motion keeps the plain networks in their own order of operations. It ends in a hard threshold (a proposal below 1e-3
is dropped), so any rearrangement flips a cell now and then by rounding alone. Measured: folding, merged kernels and
channels-last there save 0.26 s of 3.1 s a frame and moved one golden picture by 1.2e-3 where 5e-4 is accepted.

On a GPU the decoder may run in half precision. The motion stays in single precision there too, because keypoint shifts
are small compared with the grid to which they are added.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from talking_head.engines.face.sadtalker.fast.folding import fold_batch_norm
from talking_head.engines.face.sadtalker.fast.layers import Conv2d, Placement
from talking_head.engines.face.sadtalker.fast.spade_decoder import FastSpadeDecoder
from talking_head.engines.face.sadtalker.networks.dense_motion import heat_maps
from talking_head.engines.face.sadtalker.networks.generator import WARPED_SLOPE, GeneratedFrame, Generator


@dataclass(frozen=True, slots=True)
class SourceFeatures:
    """The features of a portrait that all its frames share."""

    volume: Tensor  # (1, 32, 16, h, w)
    compressed: Tensor  # (1, 4, 16, h, w)
    heat: Tensor  # (1, 15, 16, h, w), heat maps of the source's keypoints
    keypoints: Tensor  # (1, 15, 3)


class FastGenerator:
    """Generator of a portrait's frames. ``half`` is for GPUs: the decoder runs in half precision.

    The encoder and the motion networks of ``plain`` are used unchanged, so ``plain`` moves to the device.
    """

    def __init__(self, plain: Generator, *, device: torch.device | str = "cpu", half: bool = False) -> None:
        self.device = torch.device(device)
        self._plain = plain.to(self.device)
        self._motion = self._plain.dense_motion_network
        self._placement = Placement(self.device, torch.float16 if half else torch.float32)
        self._third = Conv2d(*fold_batch_norm(plain.third.conv, plain.third.norm), self._placement)
        self._fourth = Conv2d(plain.fourth.weight, plain.fourth.bias, self._placement)
        self._decoder = FastSpadeDecoder(plain.decoder, self._placement)

    def prepare(self, picture: Tensor, kp_source: Tensor) -> SourceFeatures:
        """Return the features of ``picture`` (1, 3, s, s) in 0..1 with keypoints ``kp_source`` (1, 15, 3)."""
        picture, kp_source = picture.to(self.device), kp_source.to(self.device)
        volume = self._plain.encode(picture)
        compressed = self._motion.compressed(volume)
        return SourceFeatures(volume, compressed, heat_maps(kp_source, compressed), kp_source)

    def draw(self, source: SourceFeatures, kp_driving: Tensor) -> GeneratedFrame:
        """Return pictures (n, 3, s, s) in 0..1 for ``kp_driving`` (n, 15, 3)."""
        n = len(kp_driving)
        motion = self._motion(source.compressed, source.keypoints, kp_driving, source.heat)
        volume = source.volume.expand(n, -1, -1, -1, -1)
        warped = functional.grid_sample(volume, motion.deformation, align_corners=False)  # (n, 32, 16, h, w)
        flat = warped.flatten(1, 2).permute(0, 2, 3, 1).to(self._placement.dtype).contiguous()  # (n, h, w, 512)
        condition = self._fourth(functional.leaky_relu_(self._third(flat), WARPED_SLOPE))  # (n, h, w, 256)
        condition = condition * motion.occlusion.permute(0, 2, 3, 1).to(condition.dtype)
        return GeneratedFrame(self._decoder(condition), motion)
