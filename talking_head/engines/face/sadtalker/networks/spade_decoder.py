"""SPADE decoder: from the warped feature map to a picture (Park et al. 2019, arXiv:1903.07291).

A small network computes every norm's scale and shift, pixel by pixel, from the conditioning map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL, NetworkSizes

LEAKY_SLOPE = 0.2
MIDDLE_BLOCKS = 6


class SpectralConv2d(nn.Module):
    """A convolution with spectral normalisation (Miyato et al. 2018, arXiv:1802.05957).

    The weight is divided by its stored largest singular value. In inference the stored vectors are final, so the
    division can be folded into the weight once.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.zeros(channels_out, channels_in, kernel, kernel))
        self.register_buffer("weight_u", torch.zeros(channels_out))
        self.register_buffer("weight_v", torch.zeros(channels_in * kernel * kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if bias else None

    def normalised_weight(self) -> Tensor:
        matrix = self.weight_orig.flatten(1)  # (out, in * k * k)
        sigma = torch.dot(self.get_buffer("weight_u"), torch.mv(matrix, self.get_buffer("weight_v")))
        return self.weight_orig / sigma

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.normalised_weight(), self.bias, padding=self.weight_orig.shape[-1] // 2)


class SpadeNorm(nn.Module):
    """Instance norm, then scale and shift from the conditioning map."""

    def __init__(self, channels: int, condition: int, hidden: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(condition, hidden, 3, padding=1))
        self.mlp_gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        condition = functional.interpolate(condition, size=x.shape[2:], mode="nearest")
        hidden = functional.relu(self.mlp_shared(condition))  # (n, 128, h, w)
        return functional.instance_norm(x) * (1 + self.mlp_gamma(hidden)) + self.mlp_beta(hidden)  # (n, c, h, w)


class SpadeBlock(nn.Module):
    """Residual block with SPADE norms; the shortcut is learned where the channel count changes."""

    def __init__(self, channels_in: int, channels_out: int, condition: int, hidden: int) -> None:
        super().__init__()
        middle = min(channels_in, channels_out)
        self.conv_0 = SpectralConv2d(channels_in, middle, 3)
        self.conv_1 = SpectralConv2d(middle, channels_out, 3)
        self.norm_0 = SpadeNorm(channels_in, condition, hidden)
        self.norm_1 = SpadeNorm(middle, condition, hidden)
        self.learned_shortcut = channels_in != channels_out
        if self.learned_shortcut:
            self.conv_s = SpectralConv2d(channels_in, channels_out, 1, bias=False)
            self.norm_s = SpadeNorm(channels_in, condition, hidden)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        residual = self.conv_0(functional.leaky_relu(self.norm_0(x, condition), LEAKY_SLOPE))
        residual = self.conv_1(functional.leaky_relu(self.norm_1(residual, condition), LEAKY_SLOPE))
        shortcut = self.conv_s(self.norm_s(x, condition)) if self.learned_shortcut else x
        return shortcut + residual


class SpadeDecoder(nn.Module):
    """From ``condition`` (n, 256, h, w) to RGB in 0..1, (n, 3, 4h, 4w)."""

    def __init__(self, sizes: NetworkSizes = OFFICIAL) -> None:
        super().__init__()
        wide, half, thin = sizes.decoder
        condition, hidden = sizes.segmentation, sizes.modulation
        self.fc = nn.Conv2d(condition, wide, 3, padding=1)
        for index in range(MIDDLE_BLOCKS):
            self.add_module(f"G_middle_{index}", SpadeBlock(wide, wide, condition, hidden))
        self.up_0 = SpadeBlock(wide, half, condition, hidden)
        self.up_1 = SpadeBlock(half, thin, condition, hidden)
        self.conv_img = nn.Conv2d(thin, 3, 3, padding=1)

    def forward(self, condition: Tensor) -> Tensor:
        x = self.fc(condition)  # (n, 512, h, w)
        for index in range(MIDDLE_BLOCKS):
            x = self.get_submodule(f"G_middle_{index}")(x, condition)
        x = self.up_0(functional.interpolate(x, scale_factor=2), condition)  # (n, 256, 2h, 2w)
        x = self.up_1(functional.interpolate(x, scale_factor=2), condition)  # (n, 64, 4h, 4w)
        return torch.sigmoid(self.conv_img(functional.leaky_relu(x, LEAKY_SLOPE)))  # (n, 3, 4h, 4w)
