"""The three layouts of the face coefficients, and the way between them without losing anything unnoticed.

========  =============================================================================================
length    meaning
========  =============================================================================================
257       what the reconstruction net gives: identity 80, expression 64, texture 80, angles 3, lighting 27,
          translation 3
73        expression 64, angles 3, translation 3, crop 3 (scale, x, y of the face in the square crop, in pixels of
          that crop): what the mapping net of the full modes reads
70        the same without the crop: what the mapping net of the cropping modes reads, and what audio drives
========  =============================================================================================

Functions take NumPy arrays and torch tensors of any leading shape, coefficients along the last axis, and return the
same kind.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeVar

import numpy as np

EXPRESSION = slice(0, 64)
ANGLES = slice(64, 67)
TRANSLATION = slice(67, 70)
POSE = slice(64, 70)
CROP = slice(70, 73)

_RECONSTRUCTED_EXPRESSION = slice(80, 144)
_RECONSTRUCTED_ANGLES = slice(224, 227)
_RECONSTRUCTED_TRANSLATION = slice(254, 257)

Coefficients = TypeVar("Coefficients")  # NumPy array or torch tensor


class CoefficientLayout(IntEnum):
    """How many numbers there are, and so what they mean."""

    DRIVEN = 70
    WITH_CROP = 73
    RECONSTRUCTED = 257


def layout_of(coefficients: Any) -> CoefficientLayout:
    """Which layout the last axis has.

    Raises:
        ValueError: it has none of them.
    """
    try:
        return CoefficientLayout(coefficients.shape[-1])
    except (ValueError, IndexError):
        lengths = ", ".join(str(int(layout)) for layout in CoefficientLayout)
        raise ValueError(f"coefficients have a last axis of {lengths}, not shape {tuple(coefficients.shape)}") from None


def _any(values: Coefficients) -> Any:
    return values


def _join(parts: list[Any]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis=-1)
    import torch

    return torch.cat(parts, dim=-1)


def pack(reconstructed: Coefficients, alignment: Coefficients) -> Coefficients:
    """Reconstruction (..., 257) and the alignment's (width, height, scale, x, y) (..., 5) -> (..., 73)."""
    values, parameters = _any(reconstructed), _any(alignment)
    if layout_of(values) is not CoefficientLayout.RECONSTRUCTED:
        raise ValueError("only what the reconstruction net gives can be packed")
    kept = (_RECONSTRUCTED_EXPRESSION, _RECONSTRUCTED_ANGLES, _RECONSTRUCTED_TRANSLATION)
    return _join([*(values[..., part] for part in kept), parameters[..., 2:5]])


def split_crop(coefficients: Coefficients) -> tuple[Coefficients, Coefficients | None]:
    """(..., 73) -> (..., 70) and the crop (..., 3); (..., 70) -> itself and None. Inverse of :func:`with_crop`."""
    values = _any(coefficients)
    match layout_of(values):
        case CoefficientLayout.DRIVEN:
            return values, None
        case CoefficientLayout.WITH_CROP:
            return values[..., : CoefficientLayout.DRIVEN], values[..., CROP]
        case _:
            raise ValueError("257 coefficients carry no crop: pack them first")


def with_crop(coefficients: Coefficients, crop: Coefficients) -> Coefficients:
    """(..., 70) and ``crop`` (..., 3), repeated over the leading axes -> (..., 73).

    Raises:
        ValueError: the coefficients have a crop already; replacing it silently would lose it.
    """
    values, three = _any(coefficients), _any(crop)
    if layout_of(values) is not CoefficientLayout.DRIVEN:
        raise ValueError("only 70 coefficients can be given a crop")
    if three.shape[-1] != 3:
        raise ValueError(f"a crop is scale, x and y, not shape {tuple(three.shape)}")
    shape = (*values.shape[:-1], 3)
    spread = np.broadcast_to(three, shape) if isinstance(three, np.ndarray) else three.expand(shape)
    return _join([values, spread])


def adapt(coefficients: Coefficients, layout: CoefficientLayout, *, crop: Coefficients | None = None) -> Coefficients:
    """Brings 70 or 73 coefficients into the layout a mapping net reads.

    Args:
        crop: needed to go from 70 to 73. From 73 to 70 it must be absent: the caller asks for the shorter layout by
            name, so what is dropped is known (:func:`split_crop` hands it out).

    Raises:
        ValueError: the crop is missing, or would be overwritten.
    """
    have = layout_of(coefficients)
    if have is layout:
        if crop is not None:
            raise ValueError("the coefficients are in that layout already: the crop would be ignored")
        return coefficients
    if layout is CoefficientLayout.WITH_CROP:
        if crop is None:
            raise ValueError("73 coefficients need the crop's scale, x and y")
        return with_crop(coefficients, crop)
    if crop is not None:
        raise ValueError("70 coefficients have no place for a crop")
    return split_crop(coefficients)[0]
