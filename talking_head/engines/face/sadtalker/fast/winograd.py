"""3x3 convolutions with a quarter of the multiplications.

This is Winograd's F(4x4, 3x3) (Lavin and Gray 2015, arXiv:1509.09308). A tile of 4x4 output pixels needs 6x6 input
pixels. Both the tile and the kernel are transformed into a domain of 36 numbers where the convolution is a product, so
the work becomes 36 matrix products over channels, which CPUs do best. The result differs from the direct sum by
rounding only (about 1e-5 of its size).

Maps are channels-last, so that a pixel's channels are adjacent; bands are processed one by one, which keeps the data in
the cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as functional
from torch import Tensor

from talking_head.engines.face.sadtalker.fast.matrix_product import MatrixProduct

TILE = 4
PATCH = 6  # pixels along one side that a tile needs
BLOCK_FLOATS = 6_000_000  # of the larger of the two transformed blocks: about 24 MB
LEAST_GAIN = 60  # see pays()

_INPUT_TRANSFORM = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL_TRANSFORM = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT_TRANSFORM = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)


def pays(channels_in: int, channels_out: int) -> bool:
    """Return whether the saved multiplications outweigh the transforms.

    The transforms' cost grows with the sum of the channels and not with their product. Measured on one core
    (docs/sadtalker.md): 128 to 512 channels gain, 256 to 64 do not.
    """
    return channels_in * channels_out / (channels_in + channels_out) >= LEAST_GAIN


def _both_axes(matrix: Tensor, values: Tensor) -> Tensor:
    """Apply ``matrix`` (m, k) to the first two axes of ``values`` (k, k, ...); -> (m, m, n)."""
    k = matrix.shape[1]
    first = torch.mm(matrix, values.reshape(k, -1))  # (m, k * n)
    return torch.matmul(matrix, first.view(len(matrix), k, -1))  # (m, m, n)


class WinogradConv2d:
    """A 3x3 convolution with padding 1 on the CPU, in single precision."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Transform ``weight`` (out, in, 3, 3) into the domain; ``bias`` (out,)."""
        transform = torch.tensor(_KERNEL_TRANSFORM, dtype=torch.float64)
        domain = torch.einsum("ik,jl,ockl->ijoc", transform, transform, weight.double())  # (6, 6, out, in)
        self._products = [MatrixProduct(part) for part in domain.float().flatten(0, 1)]  # 36 of (out, in)
        self._bias = bias
        self.channels_out, self.channels_in = weight.shape[:2]
        self._to_domain = torch.tensor(_INPUT_TRANSFORM, dtype=torch.float32)
        self._from_domain = torch.tensor(_OUTPUT_TRANSFORM, dtype=torch.float32)

    def __call__(self, x: Tensor) -> Tensor:
        """Convolve ``x`` (n, h, w, in), sides divisible by 4, to (n, h, w, out)."""
        n, height, width, _ = x.shape
        out = x.new_empty(n, height, width, self.channels_out)
        tiled = out.view(n, height // TILE, TILE, width // TILE, TILE, -1)
        for rows, block in self.blocks(x):
            tiled[:, rows] = block.permute(2, 3, 0, 4, 1, 5)
        return out

    def blocks(self, x: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield the result in bands: the rows of tiles and their pixels (4, 4, n, rows, columns, out).

        The first two axes are the position within a tile. The caller may change a band in place.
        """
        n, height, width, channels = x.shape
        padded = functional.pad(x, (0, 0, 1, 1, 1, 1))  # (n, h + 2, w + 2, in)
        per_row = n * (width // TILE) * PATCH * PATCH * max(self.channels_in, self.channels_out)
        step = max(1, BLOCK_FLOATS // per_row)
        image, line, pixel, _ = padded.stride()
        for top in range(0, height // TILE, step):
            rows = min(step, height // TILE - top)
            patches = padded.as_strided(
                (PATCH, PATCH, n, rows, width // TILE, channels),
                (line, pixel, image, line * TILE, pixel * TILE, 1),
                top * TILE * line,
            )
            domain = _both_axes(self._to_domain, patches).view(PATCH * PATCH, -1, channels)  # (36, tiles, in)
            products = domain.new_empty(*domain.shape[:2], self.channels_out)  # (36, tiles, out)
            for product, values, result in zip(self._products, domain, products, strict=True):
                result.copy_(product(values))
            pixels = _both_axes(self._from_domain, products.view(PATCH, PATCH, -1))  # (4, 4, tiles * out)
            block = pixels.view(TILE, TILE, n, rows, width // TILE, self.channels_out)
            yield slice(top, top + rows), block if self._bias is None else block.add_(self._bias)
