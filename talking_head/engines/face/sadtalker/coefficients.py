"""The three layouts of the face coefficients, and conversions between them that never lose data silently.

========  =============================================================================================
length    meaning
========  =============================================================================================
257       output of the reconstruction net: identity 80, expression 64, texture 80, angles 3, lighting 27,
          translation 3
73        expression 64, angles 3, translation 3, crop 3 (scale, x, y of the face in the square crop, in pixels of
          that crop): input of the mapping net of the full modes
70        the same without the crop: input of the mapping net of the cropping modes, driven by audio
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
    """The number of coefficients, which determines their meaning."""

    DRIVEN = 70
    WITH_CROP = 73
    RECONSTRUCTED = 257


def layout_of(coefficients: Any) -> CoefficientLayout:
    """Return the layout of the last axis.

    Raises:
        ValueError: the last axis has none of the three lengths.
    """
    try:
        return CoefficientLayout(coefficients.shape[-1])
    except (ValueError, IndexError):
        lengths = ", ".join(str(int(layout)) for layout in CoefficientLayout)
        raise ValueError(f"coefficients have a last axis of {lengths}, not shape {tuple(coefficients.shape)}") from None


def _untyped(values: Coefficients) -> Any:
    return values


def _join(parts: list[Any]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis=-1)
    import torch

    return torch.cat(parts, dim=-1)


def pack(reconstructed: Coefficients, alignment: Coefficients) -> Coefficients:
    """Pack a reconstruction (..., 257) and an alignment's (width, height, scale, x, y) (..., 5) into (..., 73)."""
    values, parameters = _untyped(reconstructed), _untyped(alignment)
    if layout_of(values) is not CoefficientLayout.RECONSTRUCTED:
        raise ValueError("only the 257 coefficients of the reconstruction net can be packed")
    parts = (_RECONSTRUCTED_EXPRESSION, _RECONSTRUCTED_ANGLES, _RECONSTRUCTED_TRANSLATION)
    return _join([*(values[..., part] for part in parts), parameters[..., 2:5]])


def split_crop(coefficients: Coefficients) -> tuple[Coefficients, Coefficients | None]:
    """Split (..., 73) into (..., 70) and the crop (..., 3), or (..., 70) into itself and None.

    This is the inverse of :func:`with_crop`.
    """
    values = _untyped(coefficients)
    match layout_of(values):
        case CoefficientLayout.DRIVEN:
            return values, None
        case CoefficientLayout.WITH_CROP:
            return values[..., : CoefficientLayout.DRIVEN], values[..., CROP]
        case _:
            raise ValueError("257 coefficients carry no crop: pack them first")


def with_crop(coefficients: Coefficients, crop: Coefficients) -> Coefficients:
    """Return coefficients (..., 70) with ``crop`` (..., 3), repeated over the leading axes: (..., 73).

    Raises:
        ValueError: the coefficients already have a crop; replacing it silently would lose it.
    """
    values, box = _untyped(coefficients), _untyped(crop)
    if layout_of(values) is not CoefficientLayout.DRIVEN:
        raise ValueError("only 70 coefficients can be given a crop")
    if box.shape[-1] != 3:
        raise ValueError(f"a crop is scale, x and y, not shape {tuple(box.shape)}")
    shape = (*values.shape[:-1], 3)
    repeated = np.broadcast_to(box, shape) if isinstance(box, np.ndarray) else box.expand(shape)
    return _join([values, repeated])


def adapt(coefficients: Coefficients, layout: CoefficientLayout, *, crop: Coefficients | None = None) -> Coefficients:
    """Convert 70 or 73 coefficients to the layout that a mapping net reads.

    Args:
        crop: required from 70 to 73. From 73 to 70 it must be absent: the caller asks for the shorter layout by name
            and so knows that the crop is dropped (:func:`split_crop` returns it).

    Raises:
        ValueError: the crop is missing, or would be overwritten.
    """
    current = layout_of(coefficients)
    if current is layout:
        if crop is not None:
            raise ValueError("the coefficients are already in that layout: the crop would be ignored")
        return coefficients
    if layout is CoefficientLayout.WITH_CROP:
        if crop is None:
            raise ValueError("73 coefficients need the crop's scale, x and y")
        return with_crop(coefficients, crop)
    if crop is not None:
        raise ValueError("70 coefficients have no place for a crop")
    return split_crop(coefficients)[0]
