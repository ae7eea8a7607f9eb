"""Keypoint extractor: 15 canonical 3-D keypoints of a picture (Wang et al. 2021, arXiv:2011.15126, section 3.1)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.blocks import DownBlock2d, UpBlock3d
from talking_head.engines.face.sadtalker.networks.sizes import DEPTH, KEYPOINTS, OFFICIAL, NetworkSizes

SHRINK = 4
BLUR_PX = 13
HEATMAP_TEMPERATURE = 0.1


def identity_grid(depth: int, height: int, width: int, *, like: Tensor) -> Tensor:
    """Return the positions of a volume's cells, x, y, z from -1 to 1 inclusive; (depth, height, width, 3)."""
    z, y, x = (2 * torch.arange(n, dtype=like.dtype, device=like.device) / (n - 1) - 1 for n in (depth, height, width))
    grid = torch.meshgrid(z, y, x, indexing="ij")
    return torch.stack(grid[::-1], dim=-1)  # (d, h, w, 3)


class BlurAndShrink(nn.Module):
    """A fixed 13x13 Gaussian, then every fourth pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 1, BLUR_PX, BLUR_PX))

    def forward(self, picture: Tensor) -> Tensor:
        blurred = functional.conv2d(picture, self.weight, padding=BLUR_PX // 2, groups=3)
        return blurred[:, :, ::SHRINK, ::SHRINK]  # (n, 3, s/4, s/4)


class KeypointPredictor(nn.Module):
    """Down in two dimensions, then up in three: the depth is unfolded from the channels at the bottom."""

    def __init__(self, sizes: NetworkSizes) -> None:
        super().__init__()
        down, up = (3, *sizes.keypoint_down), (sizes.keypoint_down[-1], *sizes.keypoint_up)
        self.down_blocks = nn.Sequential()
        self.up_blocks = nn.Sequential()
        for index, channels in enumerate(pairwise(down)):
            self.down_blocks.add_module(f"down{index}", DownBlock2d(*channels))
        self.conv = nn.Conv2d(down[-1], down[-1] * DEPTH, 1)
        for index, channels in enumerate(pairwise(up)):
            self.up_blocks.add_module(f"up{index}", UpBlock3d(*channels))

    def forward(self, small: Tensor) -> Tensor:
        x = self.conv(self.down_blocks(small))  # (n, 16384, 2, 2)
        return self.up_blocks(x.unflatten(1, (-1, DEPTH)))  # (n, 32, 16, s/4, s/4)


class KeypointExtractor(nn.Module):
    """From RGB in 0..1, (n, 3, s, s), to canonical keypoints (n, 15, 3): x, y, z in -1..1."""

    def __init__(self, sizes: NetworkSizes = OFFICIAL) -> None:
        super().__init__()
        self.down = BlurAndShrink()
        self.predictor = KeypointPredictor(sizes)
        self.kp = nn.Conv3d(sizes.keypoint_up[-1], KEYPOINTS, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        return self.locate(self.predictor(self.down(picture)))  # (n, 15, 3)

    def locate(self, feature: Tensor) -> Tensor:
        """Return the mean position of every heat map (a soft arg max); (n, 32, d, h, w) -> (n, 15, 3)."""
        logits = self.kp(feature)  # (n, 15, d, h, w)
        heat = torch.softmax(logits.flatten(2) / HEATMAP_TEMPERATURE, dim=2).view_as(logits)
        grid = identity_grid(*logits.shape[2:], like=logits)  # (d, h, w, 3)
        return (heat[..., None] * grid).sum(dim=(2, 3, 4))  # (n, 15, 3)
