"""Building blocks shared by the keypoint detector and the generator (Wang et al. 2021, arXiv:2011.15126, appendix A).

The attribute names are those of the official weight files. All batch norms use their stored statistics.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn


class ConvBlock2d(nn.Module):
    """Convolution, batch norm, leaky ReLU; ``negative_slope`` 0 makes it a plain ReLU."""

    def __init__(self, channels_in: int, channels_out: int, *, negative_slope: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels_out)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.conv(x)), self.negative_slope)  # (n, out, h, w)


class DownBlock2d(ConvBlock2d):
    """A :class:`ConvBlock2d` that halves height and width."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(super().forward(x), 2)  # (n, out, h/2, w/2)


class DownBlock3d(nn.Module):
    """Convolution, batch norm, ReLU, then height and width are halved; the depth stays."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.BatchNorm3d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.conv(x)))  # (n, out, d, h, w)
        return functional.avg_pool3d(x, (1, 2, 2))  # (n, out, d, h/2, w/2)


class UpBlock3d(nn.Module):
    """Nearest-neighbour upsampling to twice the height and width, then convolution, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.BatchNorm3d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.interpolate(x, scale_factor=(1, 2, 2))  # (n, in, d, 2h, 2w)
        return functional.relu(self.norm(self.conv(x)))  # (n, out, d, 2h, 2w)


class ResBlock3d(nn.Module):
    """Pre-activation residual block (He et al. 2016, arXiv:1603.05027) over a volume."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm3d(channels)
        self.norm2 = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv1(functional.relu(self.norm1(x)))
        residual = self.conv2(functional.relu(self.norm2(residual)))
        return x + residual  # (n, c, d, h, w)
