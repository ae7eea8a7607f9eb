"""Layers of the fast generator. All maps are channels-last: (n, h, w, c), contiguous."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor

from talking_head.engines.face.sadtalker.fast import winograd
from talking_head.engines.face.sadtalker.fast.folding import FIRST, INNER, LAST, POSITION_CLASSES, merged_kernels
from talking_head.engines.face.sadtalker.fast.matrix_product import MatrixProduct


class Placement(NamedTuple):
    """Device and precision of a layer's weights."""

    device: torch.device
    dtype: torch.dtype

    def put(self, tensor: Tensor) -> Tensor:
        tensor = tensor.to(self.device, self.dtype)
        return tensor.contiguous(memory_format=torch.channels_last if tensor.dim() == 4 else torch.contiguous_format)


class Conv2d:
    """A convolution with "same" padding.

    On the CPU it is a matrix product (1x1) or uses Winograd's method (3x3) where that is faster.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, placement: Placement) -> None:
        self._padding = weight.shape[-1] // 2
        self._bias = None if bias is None else placement.put(bias)
        self.winograd: winograd.WinogradConv2d | None = None
        on_cpu = placement.device.type == "cpu" and placement.dtype == torch.float32
        self._product = MatrixProduct(weight[:, :, 0, 0]) if on_cpu and weight.shape[-1] == 1 else None
        if on_cpu and weight.shape[-1] == 3 and winograd.pays(*weight.shape[:2]):
            self.winograd = winograd.WinogradConv2d(weight, self._bias)
        else:
            self._weight = placement.put(weight)

    def __call__(self, x: Tensor) -> Tensor:
        """Convolve ``x`` (n, h, w, in) to (n, h, w, out)."""
        if self.winograd is not None:
            return self.winograd(x)
        if self._product is not None:
            y = self._product(x.reshape(-1, x.shape[3])).view(*x.shape[:3], -1)
            return y if self._bias is None else y.add_(self._bias)
        y = functional.conv2d(x.permute(0, 3, 1, 2), self._weight, self._bias, padding=self._padding)
        return y.permute(0, 2, 3, 1)


class UpsampledConv2d:
    """Nearest-neighbour upsampling by 2 or 4, 3x3 convolution, ReLU; on the small map: 4/9 or 25/144 of the work.

    Several convolutions of the same map may be stacked along the outputs; :meth:`enlarge` then builds one of them at a
    time.
    """

    def __init__(self, weight: Tensor, bias: Tensor, factor: int, placement: Placement) -> None:
        self._factor = factor
        self._channels = len(weight)
        edge_groups = ((FIRST, LAST), (INNER,)) if factor == 4 else ((FIRST, LAST),)
        self._groups = []
        for rows in edge_groups:
            for columns in edge_groups:
                kernels = merged_kernels(weight, rows, columns)
                biases = bias.repeat(len(rows) * len(columns))
                self._groups.append((rows, columns, placement.put(kernels), placement.put(biases)))

    def __call__(self, x: Tensor) -> dict[tuple[int, int], Tensor]:
        """Return the map (n, h, w, out) of every pair of positions in a block, for ``x`` (n, h, w, in)."""
        _, height, width, _ = x.shape
        maps = {}
        for rows, columns, weight, bias in self._groups:
            padding = (weight.shape[2] - 1, weight.shape[3] - 1)
            y = functional.relu_(functional.conv2d(x.permute(0, 3, 1, 2), weight, bias, padding=padding))
            phases = y.permute(0, 2, 3, 1).unflatten(3, (len(rows), len(columns), self._channels))
            for i, row in enumerate(rows):
                for j, column in enumerate(columns):
                    # The successor of a pixel is the predecessor of the next pixel, hence the shift for LAST.
                    top, left = int(row == LAST), int(column == LAST)
                    maps[row, column] = phases[:, top : top + height, left : left + width, i, j]
        return maps

    def enlarge(self, maps: dict[tuple[int, int], Tensor], channels: slice) -> Tensor:
        """Return the upsampled map of some channels; (n, factor * h, factor * w, channels)."""
        n, height, width, _ = maps[FIRST, FIRST].shape
        f, positions = self._factor, POSITION_CLASSES[self._factor]
        count = channels.stop - channels.start
        out = maps[FIRST, FIRST].new_empty(n, height, f, width, f, count)
        for i, row in enumerate(positions):
            for j, column in enumerate(positions):
                out[:, :, i, :, j] = maps[row, column][..., channels]
        return out.view(n, height * f, width * f, count)


def instance_norm(x: Tensor) -> Tensor:
    """Normalise ``x`` (n, h, w, c) to zero mean and unit variance per channel.

    It takes two passes, because ``var_mean`` is slow on channels-last maps. Statistics are in single precision at
    least: half precision would overflow the sum of squares.
    """
    wide = x.float()
    centred = wide - wide.mean(dim=(1, 2), keepdim=True)
    scale = torch.rsqrt(centred.square().mean(dim=(1, 2), keepdim=True) + 1e-5)
    return centred.mul_(scale).to(x.dtype)


class Modulation:
    """The second half of a SPADE norm: scale and shift of a normalised map by two convolutions of the hidden map."""

    def __init__(self, gamma: torch.nn.Conv2d, beta: torch.nn.Conv2d, placement: Placement) -> None:
        assert gamma.bias is not None and beta.bias is not None
        weight = torch.cat([gamma.weight, beta.weight])  # (2 * c, 128, 3, 3)
        self._conv = Conv2d(weight, torch.cat([gamma.bias + 1, beta.bias]), placement)
        self._channels = len(gamma.weight)

    def __call__(self, normalised: Tensor, hidden: Tensor, slope: float) -> Tensor:
        """Modulate ``normalised`` by ``hidden`` and apply the leaky ReLU (``slope`` 1: none).

        ``normalised`` (n, h, w, c) may be smaller than ``hidden`` (n, f * h, f * w, 128): it is then upsampled by
        repetition, without ever being stored upsampled.
        """
        n, height, width, _ = hidden.shape
        f, c = height // normalised.shape[1], self._channels
        out = normalised.new_empty(n, height, width, c)
        if self._conv.winograd is None:
            both = self._conv(hidden).unflatten(2, (-1, f)).unflatten(1, (-1, f))  # (n, h, f, w, f, 2c)
            _modulate(both, normalised[:, :, None, :, None], c, slope, out.unflatten(2, (-1, f)).unflatten(1, (-1, f)))
            return out
        tile, small = winograd.TILE, winograd.TILE // f
        to_tile = normalised.unflatten(2, (-1, small, 1)).unflatten(1, (-1, small, 1))  # (n, H, s, 1, W, s, 1, c)
        to_tile = to_tile.permute(2, 3, 5, 6, 0, 1, 4, 7)  # (s, 1, s, 1, n, H, W, c)
        tiled = out.view(n, height // tile, tile, width // tile, tile, c)
        for rows, block in self._conv.winograd.blocks(hidden):
            both = block.view(small, f, small, f, *block.shape[2:])  # (s, f, s, f, n, rows, W, 2c)
            part = torch.addcmul(both[..., c:], both[..., :c], to_tile[:, :, :, :, :, rows])
            if slope != 1:
                functional.leaky_relu_(part, slope)
            tiled[:, rows] = part.view(tile, tile, *part.shape[4:]).permute(2, 3, 0, 4, 1, 5)
        return out


def _modulate(both: Tensor, normalised: Tensor, channels: int, slope: float, out: Tensor) -> None:
    torch.addcmul(both[..., channels:], both[..., :channels], normalised, out=out)
    if slope != 1:
        functional.leaky_relu_(out, slope)
