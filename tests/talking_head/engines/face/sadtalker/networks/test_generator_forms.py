"""The fast form of the generator and everything it is built from against the plain form."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional

from benchmarks.sadtalker_forms import psnr_db
from talking_head.engines.face.sadtalker.fast import winograd
from talking_head.engines.face.sadtalker.fast.folding import fold_batch_norm
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator
from talking_head.engines.face.sadtalker.fast.layers import Modulation, Placement, UpsampledConv2d, instance_norm
from talking_head.engines.face.sadtalker.fast.matrix_product import MatrixProduct
from talking_head.engines.face.sadtalker.fast.winograd import WinogradConv2d
from talking_head.engines.face.sadtalker.networks.generator import Generator

SIDE_PX = 128  # the smallest that the hourglass can halve five times
CPU = Placement(torch.device("cpu"), torch.float32)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(3)


def to_last(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1).contiguous()


@pytest.mark.parametrize("with_winograd", [True, False])
@torch.inference_mode()
def test_both_forms_draw_the_same_picture(
    generator: Generator, with_winograd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "LEAST_GAIN", 0 if with_winograd else float("inf"))
    picture = torch.rand(1, 3, SIDE_PX, SIDE_PX)
    kp_source, kp_driving = torch.rand(2, 1, 15, 3) - 0.5
    plain = generator(picture, kp_source, kp_driving)

    fast = FastGenerator(generator)
    drawn = fast.draw(fast.prepare(picture, kp_source), kp_driving)

    assert torch.equal(drawn.motion.deformation, plain.motion.deformation)
    assert drawn.picture.shape == (1, 3, SIDE_PX, SIDE_PX)
    assert plain.picture.std() > 0.02  # otherwise the comparison would say nothing
    assert (drawn.picture - plain.picture).abs().max() < 2e-4


@torch.inference_mode()
def test_a_batch_is_its_frames(generator: Generator) -> None:
    fast = FastGenerator(generator)
    source = fast.prepare(torch.rand(1, 3, SIDE_PX, SIDE_PX), torch.rand(1, 15, 3) - 0.5)
    keypoints = torch.rand(3, 15, 3) - 0.5

    together = fast.draw(source, keypoints).picture

    for index in range(3):
        alone = fast.draw(source, keypoints[index : index + 1]).picture[0]
        assert (together[index] - alone).abs().max() < 1e-4
    assert (together[0] - together[1]).abs().max() > 1e-2


@torch.inference_mode()
def test_half_precision_touches_the_decoder_only(generator: Generator) -> None:
    """What a GPU does, on the CPU: the motion is the same, the picture differs by rounding."""
    picture, keypoints = torch.rand(1, 3, SIDE_PX, SIDE_PX), torch.rand(2, 1, 15, 3) - 0.5
    single, half = FastGenerator(generator), FastGenerator(generator, half=True)

    exact = single.draw(single.prepare(picture, keypoints[0]), keypoints[1])
    rounded = half.draw(half.prepare(picture, keypoints[0]), keypoints[1])

    assert torch.equal(rounded.motion.deformation, exact.motion.deformation)
    assert rounded.picture.dtype == torch.float32
    assert not torch.equal(rounded.picture, exact.picture)
    assert psnr_db(rounded.picture.numpy(), exact.picture.numpy()) > 45


@torch.inference_mode()
def test_drawing_leaves_the_source_as_it_was(generator: Generator) -> None:
    fast = FastGenerator(generator)
    source = fast.prepare(torch.rand(1, 3, SIDE_PX, SIDE_PX), torch.rand(1, 15, 3) - 0.5)
    keypoints = torch.rand(1, 15, 3) - 0.5
    first = fast.draw(source, keypoints).picture
    fast.draw(source, torch.rand(1, 15, 3) - 0.5)
    assert torch.equal(fast.draw(source, keypoints).picture, first)


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 16, 8), (3, 4, 20)])
@pytest.mark.parametrize("block_floats", [1, 10_000_000])
def test_winograd_is_the_convolution(
    shape: tuple[int, int, int], block_floats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "BLOCK_FLOATS", block_floats)
    n, height, width = shape
    x, weight, bias = torch.randn(n, 5, height, width), torch.randn(7, 5, 3, 3), torch.randn(7)

    own = WinogradConv2d(weight, bias)(to_last(x))

    direct = functional.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    assert (own - to_last(direct)).abs().max() < 1e-4 * direct.abs().max()


def test_winograd_works_without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talking_head.engines.face.sadtalker.fast.matrix_product._has_onednn", lambda: False)
    values, weight = torch.randn(9, 5), torch.randn(7, 5)
    assert torch.allclose(MatrixProduct(weight)(values), values @ weight.t(), atol=1e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_merged_kernels_are_enlarging_and_convolving(factor: int) -> None:
    x, weight, bias = torch.randn(2, 3, 5, 6), torch.randn(8, 3, 3, 3), torch.randn(8)
    conv = UpsampledConv2d(weight, bias, factor, CPU)

    maps = conv(to_last(x))
    both = torch.cat([conv.enlarge(maps, slice(0, 4)), conv.enlarge(maps, slice(4, 8))], dim=3)

    large = functional.interpolate(x, scale_factor=factor)
    expected = functional.relu(functional.conv2d(large, weight, bias, padding=1))
    assert torch.allclose(both, to_last(expected), atol=1e-4)


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("with_winograd", [True, False])
@pytest.mark.parametrize("slope", [1.0, 0.2])
def test_modulation_is_scale_and_shift(
    factor: int, with_winograd: bool, slope: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "LEAST_GAIN", 0 if with_winograd else float("inf"))
    gamma, beta = (torch.nn.Conv2d(3, 6, 3, padding=1).requires_grad_(False) for _ in range(2))
    normalised, hidden = torch.randn(2, 6, 8, 8), torch.randn(2, 3, 8 * factor, 8 * factor)

    own = Modulation(gamma, beta, CPU)(to_last(normalised), to_last(hidden), slope)

    large = functional.interpolate(normalised, scale_factor=factor)
    expected = functional.leaky_relu(large * (1 + gamma(hidden)) + beta(hidden), slope)
    assert torch.allclose(own, to_last(expected), atol=1e-4)


def test_statistics_do_not_change_when_pixels_are_repeated() -> None:
    x = torch.randn(2, 5, 6, 6) * 3 + 1
    small = instance_norm(to_last(x))
    large = functional.instance_norm(functional.interpolate(x, scale_factor=2))
    repeated = functional.interpolate(small.permute(0, 3, 1, 2), scale_factor=2)
    assert torch.allclose(repeated, large, atol=1e-5)


def test_folded_batch_norm_is_convolution_and_norm() -> None:
    conv, norm = torch.nn.Conv2d(4, 6, 3, padding=1), torch.nn.BatchNorm2d(6)
    for _ in range(3):
        norm(torch.randn(2, 6, 5, 5) * 2 + 1)
    torch.nn.init.normal_(norm.weight)
    norm.eval()
    x = torch.randn(1, 4, 7, 7)
    weight, bias = fold_batch_norm(conv, norm)
    assert torch.allclose(functional.conv2d(x, weight, bias, padding=1), norm(conv(x)), atol=1e-5)
