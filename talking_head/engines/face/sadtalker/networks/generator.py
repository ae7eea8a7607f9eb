"""Generator: the source picture, moved from its own keypoints to the driving ones (arXiv:2011.15126, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as functional
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.blocks import ConvBlock2d, DownBlock2d, ResBlock3d
from talking_head.engines.face.sadtalker.networks.dense_motion import DenseMotion, Motion
from talking_head.engines.face.sadtalker.networks.sizes import DEPTH, OFFICIAL, NetworkSizes
from talking_head.engines.face.sadtalker.networks.spade_decoder import SpadeDecoder

RESIDUAL_BLOCKS = 6
WARPED_SLOPE = 0.01


@dataclass(frozen=True, slots=True)
class GeneratedFrame:
    """A picture and the motion that produced it."""

    picture: Tensor  # (n, 3, s, s) in 0..1
    motion: Motion


class Generator(nn.Module):
    """The whole picture network in its plainest form: the reference for :class:`FastGenerator`."""

    def __init__(self, sizes: NetworkSizes = OFFICIAL) -> None:
        super().__init__()
        first, half, quarter = sizes.encoder
        flat = sizes.flat_feature  # 512
        self.first = ConvBlock2d(3, first)
        self.down_blocks = nn.ModuleList([DownBlock2d(first, half), DownBlock2d(half, quarter)])
        self.second = nn.Conv2d(quarter, flat, 1)
        self.resblocks_3d = nn.Sequential()
        for index in range(RESIDUAL_BLOCKS):
            self.resblocks_3d.add_module(f"3dr{index}", ResBlock3d(sizes.volume))
        self.dense_motion_network = DenseMotion(sizes)
        self.third = ConvBlock2d(flat, sizes.segmentation, negative_slope=WARPED_SLOPE)
        self.fourth = nn.Conv2d(sizes.segmentation, sizes.segmentation, 1)
        self.decoder = SpadeDecoder(sizes)

    def encode(self, picture: Tensor) -> Tensor:
        """Return the feature volume of the source; (n, 3, s, s) in 0..1 -> (n, 32, 16, s/4, s/4)."""
        x = self.first(picture)  # (n, 64, s, s)
        for block in self.down_blocks:
            x = block(x)  # (n, 128, s/2, s/2), then (n, 256, s/4, s/4)
        return self.resblocks_3d(self.second(x).unflatten(1, (-1, DEPTH)))

    def condition(self, volume: Tensor, motion: Motion) -> Tensor:
        """Return the warped feature map that conditions the decoder; -> (n, 256, s/4, s/4)."""
        warped = functional.grid_sample(volume, motion.deformation, align_corners=False)  # (n, 32, 16, h, w)
        return self.fourth(self.third(warped.flatten(1, 2))) * motion.occlusion

    def forward(self, picture: Tensor, kp_source: Tensor, kp_driving: Tensor) -> GeneratedFrame:
        """Return ``picture`` (n, 3, s, s) moved from its keypoints to the driving ones, both (n, 15, 3)."""
        volume = self.encode(picture)
        motion = self.dense_motion_network(self.dense_motion_network.compressed(volume), kp_source, kp_driving)
        return GeneratedFrame(self.decoder(self.condition(volume, motion)), motion)
