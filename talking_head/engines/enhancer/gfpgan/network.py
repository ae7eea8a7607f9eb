"""The restorer: a U-Net encodes the face, and its features condition a StyleGAN2 decoder trained on faces.

Structure and names of the parameters are those of the official weights (the "clean" variant: bilinear resampling, no
compiled operators), without the parts that inference never uses (the style MLP, the intermediate pictures). Shapes are
for the official 512 px network; b is the batch.

The decoder's convolutions are *modulated* (Karras et al. 2020, arXiv:1912.04958, section 2.2): every sample of a batch
has its own filters. Scaling a filter's input channels equals scaling the input, and normalising its output channels
equals scaling the output, so one ordinary convolution serves the whole batch::

    conv(x, w * style) * demod  ==  conv(x * style, w) * demod
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

OFFICIAL_SIDE_PX = 512
OFFICIAL_WIDTH = 512  # channels at the coarsest level
STYLE_FEATURES = 512
SMALLEST_SIDE_PX = 4
DEMODULATION_EPSILON = 1e-8
SQRT_2 = math.sqrt(2)


def decoder_channels(side_px: int, width: int) -> int:
    """Return the decoder's channels at that resolution: ``width`` up to 64 px, then half for every doubling."""
    return width if side_px <= 64 else width * 64 // side_px


def unet_channels(side_px: int, width: int) -> int:
    """Return the U-Net's channels at that resolution: half of the decoder's."""
    return decoder_channels(side_px, width) // 2


class RestorationNetwork(nn.Module):
    """The network: (b, 3, s, s) in -1..1 -> (b, 3, s, s), about -1..1. Deterministic: the decoder's noise is stored."""

    def __init__(self, side_px: int = OFFICIAL_SIDE_PX, width: int = OFFICIAL_WIDTH) -> None:
        super().__init__()
        self.side_px = side_px
        sides = [SMALLEST_SIDE_PX << level for level in range(int(math.log2(side_px)) - 1)]  # 4, 8, ... s
        channels = [unet_channels(side, width) for side in sides]

        self.conv_body_first = nn.Conv2d(3, channels[-1], 1)
        self.conv_body_down = nn.ModuleList(
            ResampledBlock(channels[i], channels[i - 1], 0.5) for i in range(len(sides) - 1, 0, -1)
        )
        self.final_conv = nn.Conv2d(channels[0], channels[0], 3, padding=1)
        self.styles = 2 * len(sides)  # one for every modulated convolution, counting each to-RGB pair once
        self.final_linear = nn.Linear(channels[0] * SMALLEST_SIDE_PX**2, self.styles * STYLE_FEATURES)
        self.conv_body_up = nn.ModuleList(
            ResampledBlock(channels[i - 1], channels[i], 2.0) for i in range(1, len(sides))
        )
        self.condition_scale = nn.ModuleList(_condition(count) for count in channels[1:])
        self.condition_shift = nn.ModuleList(_condition(count) for count in channels[1:])
        self.stylegan_decoder = StyleDecoder(sides, width)

    def forward(self, face: Tensor) -> Tensor:
        x = _leaky(self.conv_body_first(face))  # (b, 32, 512, 512)
        skips = []
        for down in self.conv_body_down:
            x = down(x)
            skips.append(x)  # ... (b, 256, 4, 4)
        x = _leaky(self.final_conv(x))
        style = self.final_linear(x.flatten(1)).unflatten(1, (self.styles, STYLE_FEATURES))  # (b, 16, 512)

        conditions = []
        for up, scale, shift in zip(self.conv_body_up, self.condition_scale, self.condition_shift, strict=True):
            x = up(x + skips.pop())
            conditions.append((scale(x), shift(x)))  # (b, c / 2, side, side) each, coarse to fine
        picture: Tensor = self.stylegan_decoder(style, conditions)
        return picture


class ResampledBlock(nn.Module):
    """Two convolutions with a bilinear change of resolution between them, and a skip path around."""

    def __init__(self, in_channels: int, out_channels: int, scale: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self._scale = scale

    def forward(self, x: Tensor) -> Tensor:
        inner = _resampled(_leaky(self.conv1(x)), self._scale)
        return _leaky(self.conv2(inner)) + self.skip(_resampled(x, self._scale))


class StyleDecoder(nn.Module):
    """StyleGAN2's synthesis network, conditioned by the U-Net.

    At every resolution half of the channels are scaled and shifted by the U-Net (spatial feature transform, Wang et al.
    2018, arXiv:1804.02815); the other half remain the generator's own.
    """

    def __init__(self, sides: list[int], width: int) -> None:
        super().__init__()
        channels = [decoder_channels(side, width) for side in sides]
        self.constant_input = _Constant(channels[0])
        self.style_conv1 = StyleConv(channels[0], channels[0])
        self.to_rgb1 = ToRgb(channels[0])
        self.style_convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for before, count in pairwise(channels):
            self.style_convs.extend([StyleConv(before, count, upsample=True), StyleConv(count, count)])
            self.to_rgbs.append(ToRgb(count))
        self.noises = _StoredNoise(sides)

    def forward(self, style: Tensor, conditions: list[tuple[Tensor, Tensor]]) -> Tensor:
        noise = self.noises.planes()
        x = self.constant_input.weight.expand(len(style), -1, -1, -1)  # (b, 512, 4, 4)
        x = self.style_conv1(x, style[:, 0], noise[0])
        picture = self.to_rgb1(x, style[:, 1])
        for level, (scale, shift) in enumerate(conditions):
            first = 2 * level + 1  # of this level's styles and noises
            x = self.style_convs[2 * level](x, style[:, first], noise[first])
            own, steered = x.chunk(2, dim=1)
            x = torch.cat([own, steered * scale + shift], dim=1)
            x = self.style_convs[2 * level + 1](x, style[:, first + 1], noise[first + 1])
            picture = _resampled(picture, 2.0) + self.to_rgbs[level](x, style[:, first + 2])
        return picture  # (b, 3, 512, 512)


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by the style.

    With ``demodulate`` its output channels are normalised to unit variance.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, demodulate: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, out_channels, in_channels, kernel, kernel))
        self.modulation = nn.Linear(STYLE_FEATURES, in_channels)
        self._demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        weight = self.weight[0]  # (out, in, k, k)
        scale = self.modulation(style)  # (b, in)
        x = functional.conv2d(x * scale[:, :, None, None], weight, padding=weight.shape[-1] // 2)
        if not self._demodulate:
            return x
        energy = scale.square() @ weight.square().sum((2, 3)).T  # (b, out)
        return x * torch.rsqrt(energy + DEMODULATION_EPSILON)[:, :, None, None]


class StyleConv(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConv(in_channels, out_channels, 3, demodulate=True)
        self.weight = nn.Parameter(torch.empty(1))  # how strong the noise is
        self.bias = nn.Parameter(torch.empty(1, out_channels, 1, 1))
        self._upsample = upsample

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        if self._upsample:
            x = _resampled(x, 2.0)
        return _leaky(self.modulated_conv(x, style) * SQRT_2 + self.weight * noise + self.bias)


class ToRgb(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConv(in_channels, 3, 1, demodulate=False)
        self.bias = nn.Parameter(torch.empty(1, 3, 1, 1))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        picture: Tensor = self.modulated_conv(x, style) + self.bias
        return picture


class _Constant(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, channels, SMALLEST_SIDE_PX, SMALLEST_SIDE_PX))


class _StoredNoise(nn.Module):
    """``noise0`` at 4 px, then two planes for every further resolution."""

    def __init__(self, sides: list[int]) -> None:
        super().__init__()
        self._names = [f"noise{index}" for index in range(2 * len(sides) - 1)]
        for index, name in enumerate(self._names):
            side = sides[(index + 1) // 2]
            self.register_buffer(name, torch.empty(1, 1, side, side))

    def planes(self) -> list[Tensor]:
        return [self.get_buffer(name) for name in self._names]


def _condition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1),
    )


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2, inplace=True)


def _resampled(x: Tensor, scale: float) -> Tensor:
    return functional.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
