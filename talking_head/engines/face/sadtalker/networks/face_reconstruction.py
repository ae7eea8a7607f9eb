"""Face reconstruction: from one aligned face to the coefficients of a 3-D morphable model.

Deng et al. 2019 (arXiv:1903.08527): a ResNet-50 (He et al. 2015; the variant with the stride in the 3x3 convolution)
with one linear head per group of coefficients.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

# identity, expression, texture, angles, lighting, translation x and y, translation z
HEAD_CHANNELS = (80, 64, 80, 3, 27, 2, 1)
COEFFICIENTS = sum(HEAD_CHANNELS)  # 257
STAGE_BLOCKS = (3, 4, 6, 3)
EXPANSION = 4


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up, with a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        channels_out = channels * EXPANSION
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = functional.relu(self.bn1(self.conv1(x)))
        residual = functional.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        return functional.relu(residual + self.downsample(x))


class Backbone(nn.Module):
    """ResNet-50 up to the average pool."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels_in = width
        for stage, blocks in enumerate(STAGE_BLOCKS, start=1):
            channels = width * 2 ** (stage - 1)
            layer = nn.Sequential()
            for block in range(blocks):
                layer.append(Bottleneck(channels_in, channels, stride=2 if stage > 1 and block == 0 else 1))
                channels_in = channels * EXPANSION
            self.add_module(f"layer{stage}", layer)
        self.channels_out = channels_in

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))  # (n, 64, 112, 112)
        x = functional.max_pool2d(x, 3, stride=2, padding=1)  # (n, 64, 56, 56)
        for stage in range(1, len(STAGE_BLOCKS) + 1):
            x = self.get_submodule(f"layer{stage}")(x)  # (n, 256 * 2**(stage - 1), 56 / 2**(stage - 1), same)
        return functional.adaptive_avg_pool2d(x, 1)  # (n, 2048, 1, 1)


class FaceReconstruction(nn.Module):
    """From RGB in 0..1, aligned to 224 px (``sadtalker.face.alignment``), to 257 coefficients."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.backbone = Backbone(width)
        self.final_layers = nn.ModuleList(nn.Conv2d(self.backbone.channels_out, n, 1) for n in HEAD_CHANNELS)

    def forward(self, aligned: Tensor) -> Tensor:
        feature = self.backbone(aligned)  # (n, 2048, 1, 1)
        return torch.cat([head(feature) for head in self.final_layers], dim=1).flatten(1)  # (n, 257)
