"""The coefficient adapter takes tensors as it takes arrays, and gives back what it got."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from talking_head.engines.face.sadtalker import coefficients
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout


def test_tensors_and_arrays_get_the_same_numbers() -> None:
    reconstructed, alignment = np.random.default_rng(1).random((4, 257)), np.random.default_rng(2).random((4, 5))
    packed = coefficients.pack(reconstructed, alignment)
    as_tensor = coefficients.pack(torch.from_numpy(reconstructed), torch.from_numpy(alignment))
    assert isinstance(as_tensor, torch.Tensor)
    assert np.array_equal(as_tensor, packed)
    driven, crop = coefficients.split_crop(as_tensor)
    assert isinstance(crop, torch.Tensor)
    assert torch.equal(coefficients.with_crop(driven, crop), as_tensor)
    assert torch.equal(coefficients.adapt(driven, CoefficientLayout.WITH_CROP, crop=crop), as_tensor)


def test_one_crop_serves_all_frames_of_a_tensor() -> None:
    joined = coefficients.adapt(torch.zeros(5, 70), CoefficientLayout.WITH_CROP, crop=torch.tensor([1.0, 2.0, 3.0]))
    assert joined.shape == (5, 73)
    assert (joined[:, coefficients.CROP] == torch.tensor([1.0, 2.0, 3.0])).all()


def test_a_tensor_s_crop_is_not_lost_silently_either() -> None:
    with pytest.raises(ValueError, match="need the crop"):
        coefficients.adapt(torch.zeros(70), CoefficientLayout.WITH_CROP)
    with pytest.raises(ValueError, match="would be ignored"):
        coefficients.adapt(torch.zeros(73), CoefficientLayout.WITH_CROP, crop=torch.zeros(3))
    with pytest.raises(ValueError, match="70, 73, 257"):
        coefficients.layout_of(torch.zeros(2, 71))
