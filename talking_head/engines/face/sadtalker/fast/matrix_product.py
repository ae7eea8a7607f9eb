"""Matrix products with a fixed right side on the CPU, by the fastest library that torch was built with.

torch's own ``mm`` uses MKL, which has no dedicated kernels for some processors and is then less than half as fast as
oneDNN (102 against 224 GFLOP/s on one core, docs/sadtalker.md). oneDNN's product is available through an operator that
torch's compiler uses; where a build lacks it, ``mm`` gives the same result.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

TYPICAL_ROWS = 256  # the weight's memory layout is optimised for about that many


@cache
def _has_onednn() -> bool:
    probe = torch.eye(16)
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(probe, TYPICAL_ROWS)
        return bool(torch.equal(torch.ops.mkldnn._linear_pointwise(probe, weight, None, "none", [], ""), probe))
    except (AttributeError, RuntimeError):
        return False


class MatrixProduct:
    """A callable product: (rows, in) -> (rows, out)."""

    def __init__(self, weight: Tensor) -> None:
        """Lay out ``weight`` (out, in), in single precision, for the product."""
        weight = weight.contiguous()
        self._onednn = _has_onednn()
        if self._onednn:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, TYPICAL_ROWS)
        else:
            self._weight = weight.t()

    def __call__(self, values: Tensor) -> Tensor:
        if self._onednn:
            return torch.ops.mkldnn._linear_pointwise(values, self._weight, None, "none", [], "")
        return torch.mm(values, self._weight)
