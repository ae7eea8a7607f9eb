"""The SPADE decoder with shared work done once per frame; the same function as ``networks.spade_decoder``."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from talking_head.engines.face.sadtalker.fast.layers import (
    Conv2d,
    Modulation,
    Placement,
    UpsampledConv2d,
    instance_norm,
)
from talking_head.engines.face.sadtalker.networks.spade_decoder import (
    LEAKY_SLOPE,
    MIDDLE_BLOCKS,
    SpadeBlock,
    SpadeDecoder,
    SpadeNorm,
    SpectralConv2d,
)


def _spectral(conv: SpectralConv2d, placement: Placement) -> Conv2d:
    return Conv2d(conv.normalised_weight(), conv.bias, placement)


def _shared(norms: list[SpadeNorm]) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the first convolutions of several norms of the same map, as one wide convolution."""
    convs: list[Any] = [norm.mlp_shared[0] for norm in norms]
    return torch.cat([conv.weight for conv in convs]), torch.cat([conv.bias for conv in convs])


def _norms_of(block: SpadeBlock) -> list[SpadeNorm]:
    return [block.norm_0, block.norm_1, *([block.norm_s] if block.learned_shortcut else [])]


class FastSpadeBlock:
    """One residual block; the caller passes the hidden maps of its norms."""

    def __init__(self, plain: SpadeBlock, placement: Placement) -> None:
        self._modulations = [Modulation(norm.mlp_gamma, norm.mlp_beta, placement) for norm in _norms_of(plain)]
        self._conv_0, self._conv_1 = _spectral(plain.conv_0, placement), _spectral(plain.conv_1, placement)
        self._conv_s = _spectral(plain.conv_s, placement) if plain.learned_shortcut else None

    def __call__(self, x: Tensor, hidden: list[Tensor] | _LazyMaps) -> Tensor:
        """Return the block's output for ``x`` (n, h, w, c), as large as the hidden maps, which may be larger.

        Repeating every pixel does not change a map's statistics, so they are computed on ``x`` before upsampling.
        """
        normalised = instance_norm(x)
        residual = self._conv_0(self._modulations[0](normalised, hidden[0], LEAKY_SLOPE))
        shortcut = x
        if self._conv_s is not None:
            shortcut = self._conv_s(self._modulations[2](normalised, hidden[2], 1))
        residual = self._conv_1(self._modulations[1](instance_norm(residual), hidden[1], LEAKY_SLOPE))
        return residual.add_(shortcut)


class _LazyMaps:
    """Hidden maps of an upsampling block, each assembled on access: three at once would be 100 MB."""

    def __init__(self, conv: UpsampledConv2d, condition: Tensor, channels: int) -> None:
        self._conv, self._maps, self._channels = conv, conv(condition), channels

    def __getitem__(self, index: int) -> Tensor:
        return self._conv.enlarge(self._maps, slice(index * self._channels, (index + 1) * self._channels))


class FastSpadeDecoder:
    """The whole decoder, from the conditioning map to the picture."""

    def __init__(self, plain: SpadeDecoder, placement: Placement) -> None:
        middle = [plain.get_submodule(f"G_middle_{index}") for index in range(MIDDLE_BLOCKS)]
        blocks: list[SpadeBlock] = [block for block in middle if isinstance(block, SpadeBlock)]
        self._channels = blocks[0].norm_0.mlp_gamma.in_channels
        self._fc = Conv2d(plain.fc.weight, plain.fc.bias, placement)
        self._middle_shared = Conv2d(*_shared([norm for block in blocks for norm in _norms_of(block)]), placement)
        self._middle = [FastSpadeBlock(block, placement) for block in blocks]
        self._up_shared = [
            UpsampledConv2d(*_shared(_norms_of(block)), factor, placement)
            for block, factor in ((plain.up_0, 2), (plain.up_1, 4))
        ]
        self._up = [FastSpadeBlock(block, placement) for block in (plain.up_0, plain.up_1)]
        self._to_rgb = Conv2d(plain.conv_img.weight, plain.conv_img.bias, placement)

    def __call__(self, condition: Tensor) -> Tensor:
        """Decode ``condition`` (n, h, w, 256) to (n, 3, 4h, 4w), single precision."""
        x = self._fc(condition)  # (n, h, w, 512)
        hidden = functional.relu_(self._middle_shared(condition)).split(self._channels, dim=3)  # 12 of (n, h, w, 128)
        for index, block in enumerate(self._middle):
            x = block(x, list(hidden[2 * index : 2 * index + 2]))
        for shared, block in zip(self._up_shared, self._up, strict=True):
            x = block(x, _LazyMaps(shared, condition, self._channels))  # (n, 2h, 2w, 256), then (n, 4h, 4w, 64)
        rgb = self._to_rgb(functional.leaky_relu_(x, LEAKY_SLOPE))  # (n, 4h, 4w, 3)
        return torch.sigmoid(rgb.float()).permute(0, 3, 1, 2)
