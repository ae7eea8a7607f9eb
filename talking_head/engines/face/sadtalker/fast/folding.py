"""Weights rearranged once at load.

Norms with fixed statistics become part of the preceding convolution, and a convolution on an enlarged map becomes a
smaller one on the map itself. Both are equal in exact arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# The position of an output pixel within the block of equal pixels that nearest-neighbour upsampling makes: the first,
# an inner or the last one along an axis. A kernel of three taps then sees only two different pixels (first, last) or
# one.
FIRST, INNER, LAST = 0, 1, 2
POSITION_CLASSES = {2: (FIRST, LAST), 4: (FIRST, INNER, INNER, LAST)}


def fold_batch_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of one convolution that does both."""
    assert norm.running_var is not None and norm.running_mean is not None and conv.bias is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)  # (out,)
    weight = conv.weight.double() * scale[:, None, None, None]
    bias = (conv.bias.double() - norm.running_mean.double()) * scale + norm.bias.double()
    return weight.float(), bias.float()


def merge_taps(weight: Tensor, axis: int, position: int) -> Tensor:
    """Sum the taps of ``weight`` along ``axis`` that see the same pixel at that position of a block.

    Three taps become 2 for FIRST (previous pixel, own) and LAST (own, next), 1 for INNER.
    """
    before, middle, after = weight.unbind(axis)
    taps = {
        FIRST: (before, middle + after),
        INNER: (before + middle + after,),
        LAST: (before + middle, after),
    }[position]
    return torch.stack(taps, dim=axis)


def merged_kernels(weight: Tensor, rows: tuple[int, ...], columns: tuple[int, ...]) -> Tensor:
    """Return the kernels of all pairs of positions, stacked: (out, in, 3, 3) -> (rows * columns * out, in, k, k)."""
    exact = weight.double()
    return torch.cat([merge_taps(merge_taps(exact, -2, row), -1, column) for row in rows for column in columns]).float()
