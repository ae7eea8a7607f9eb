"""The layouts of the face coefficients and the ways between them."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.engines.face.sadtalker import coefficients
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout


def numbered(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("length", [70, 73, 257])
def test_the_layout_is_read_off_the_last_axis(length: int) -> None:
    assert coefficients.layout_of(numbered(2, 3, length)) == length


@pytest.mark.parametrize("shape", [(71,), (73, 27), (0,), ()])
def test_other_lengths_are_refused_by_name(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="70, 73, 257"):
        coefficients.layout_of(np.zeros(shape))


def test_packing_takes_expression_angles_translation_and_crop() -> None:
    packed = coefficients.pack(numbered(257), np.array([256, 256, 1.5, 128, 120], np.float32))

    assert packed[coefficients.EXPRESSION].tolist() == list(range(80, 144))
    assert packed[coefficients.ANGLES].tolist() == [224, 225, 226]
    assert packed[coefficients.TRANSLATION].tolist() == [254, 255, 256]
    assert packed[coefficients.CROP].tolist() == [1.5, 128, 120]


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_splitting_and_joining_lose_nothing(lead: tuple[int, ...]) -> None:
    whole = numbered(*lead, 73)
    driven, crop = coefficients.split_crop(whole)
    assert crop is not None
    assert np.array_equal(coefficients.with_crop(driven, crop), whole)


def test_one_crop_serves_all_frames() -> None:
    joined = coefficients.with_crop(numbered(5, 70), np.array([1, 2, 3], np.float32))
    assert joined.shape == (5, 73)
    assert (joined[:, coefficients.CROP] == [1, 2, 3]).all()


def test_adapting_to_the_same_layout_changes_nothing() -> None:
    for length in (70, 73):
        values = numbered(2, length)
        assert coefficients.adapt(values, CoefficientLayout(length)) is values


def test_adapting_never_loses_or_invents_a_crop_silently() -> None:
    crop = np.ones(3, np.float32)
    with pytest.raises(ValueError, match="need the crop"):
        coefficients.adapt(numbered(70), CoefficientLayout.WITH_CROP)
    with pytest.raises(ValueError, match="would be ignored"):
        coefficients.adapt(numbered(73), CoefficientLayout.WITH_CROP, crop=crop)
    with pytest.raises(ValueError, match="no place"):
        coefficients.adapt(numbered(73), CoefficientLayout.DRIVEN, crop=crop)
    with pytest.raises(ValueError, match="only 70"):
        coefficients.with_crop(numbered(73), crop)
    with pytest.raises(ValueError, match="pack them first"):
        coefficients.adapt(numbered(257), CoefficientLayout.DRIVEN)
    with pytest.raises(ValueError, match="scale, x and y"):
        coefficients.with_crop(numbered(70), np.ones(4, np.float32))


def test_there_and_back_is_the_same() -> None:
    whole = numbered(3, 73)
    crop = whole[..., coefficients.CROP]
    shorter = coefficients.adapt(whole, CoefficientLayout.DRIVEN)
    assert np.array_equal(coefficients.adapt(shorter, CoefficientLayout.WITH_CROP, crop=crop), whole)
