"""The engine's networks and steps give the numbers that the original program gave, with the same weights.

The golden numbers are the original's own (``../golden/README.md``), the networks have the official size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.golden import Check, Golden, Outcome, Skipped
from benchmarks.parity import Comparison
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from tests.talking_head.engines.face.sadtalker.networks import official_weights

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
PLAIN_FRAME, FAST_FRAME = "crop.frame0", "crop.astronaut.frame23.yaw20_pitch-8"
# sha256 of the weights with which the original ran, as official_weights.digest counts it.
DIGESTS = {
    "reconstruction": "9703125ecd67fc405e232126b61a84b77da97c10d2c7846eeaa919e1b3937456",
    "expression": "314fcf1ad033dbc817f6f6b24449757c64914be1c174d45fae81b25c1223b4e5",
    "pose": "e06ffc73d6c22fbc9ce9116be9af91aae25c6ea38fc9b653b3745a2d7f22b554",
    "keypoints": "74743db5c202dc4d4c24252c3272ba9cc32fe5be01da75f6df67ce6f24b4f9a3",
    "generator": "01f0584aeb8bd2fcc001da203fa00ef22b1924054a0fb4fe66c483756abcf7bd",
    "70": "53d18d2c189f70602f52ad72f5ddc452b395dd39c0c1c387bff7132b5c187422",
    "73": "0eed8750b3df0fe3367d71ccfbd7d6dc15695d334f9a9b2b4e6784f236a20517",
}
pytestmark = pytest.mark.xdist_group("networks of the official size")  # 600 MB of weights: once is enough


class RecordedComparison(Comparison):
    """A comparison that remembers our arrays, so that they can be compared again without being computed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.compared: list[tuple[str, str, Any, float, str]] = []

    def check(self, stage: str, name: str, own: Any, accepted: float, measure: str = "relative") -> Outcome:
        outcome = super().check(stage, name, own, accepted, measure)
        if isinstance(outcome, Check):
            self.compared.append((stage, name, own, accepted, measure))
        return outcome


@pytest.fixture(scope="module")
def comparison() -> RecordedComparison:
    return RecordedComparison(Golden(GOLDEN), official_weights.networks(), official_weights.mapping_nets())


@pytest.fixture(scope="module")
def motion(comparison: RecordedComparison) -> list[Outcome]:
    with torch.inference_mode():
        return list(comparison.motion())


def assert_all_pass(outcomes: list[Outcome]) -> None:
    assert outcomes
    assert [outcome for outcome in outcomes if isinstance(outcome, Skipped) or not outcome.passed] == []


def test_the_weights_are_those_with_which_the_original_ran(comparison: RecordedComparison) -> None:
    networks: dict[str, nn.Module] = {name: getattr(comparison.networks, name) for name in official_weights.PREFIXES}
    networks |= {str(int(layout)): network for layout, network in comparison.mapping.items()}
    assert {name: official_weights.digest(network) for name, network in networks.items()} == DIGESTS


def test_every_step_before_the_generator_equals_the_original(motion: list[Outcome]) -> None:
    assert_all_pass(motion)
    assert {outcome.stage for outcome in motion} == {
        *("audio", "blink", "face crop", "alignment", "reconstruction", "audio to expression", "audio to pose"),
        *("semantics", "schedule", "mapping", "keypoint transform", "keypoints", "end to end, keypoints"),
    }


@torch.inference_mode()
def test_the_published_generator_equals_the_original_inside_and_out(comparison: RecordedComparison) -> None:
    outcomes = [
        outcome
        for outcome in comparison.generator("plain", only={PLAIN_FRAME})
        if not outcome.array.endswith(".png")  # the same numbers as frame0.uint8
    ]
    assert_all_pass(outcomes)
    assert {"generator (plain)", "generator, inside"} == {outcome.stage for outcome in outcomes}


@torch.inference_mode()
def test_the_generator_that_the_engine_draws_with_equals_the_original(comparison: RecordedComparison) -> None:
    outcomes = list(comparison.generator("fast", only={FAST_FRAME}))
    assert_all_pass([outcome for outcome in outcomes if outcome.array.endswith(".prediction")])
    assert {outcome.array for outcome in outcomes if isinstance(outcome, Check)} == {f"{FAST_FRAME}.prediction"}


def test_one_wrong_value_anywhere_in_a_golden_array_fails(
    comparison: RecordedComparison, motion: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = []
    compared = [entry for entry in comparison.compared if entry[-1] != "rms"]  # each has a largest error beside it
    assert len(compared) >= len(motion) - 3  # aligned pictures are compared as files
    for stage, name, own, accepted, measure in compared:  # all that the tests above have computed
        file, key = name.split(":", 1)
        stored = comparison.golden[file][key]
        for position in {0, stored.size // 2, stored.size - 1}:
            wrong = np.array(stored, np.float64)
            wrong.flat[position] += 0.01 * np.abs(wrong).max() + 1e-4 * (not wrong.any())
            monkeypatch.setitem(comparison.golden[file], key, wrong)
            outcome = comparison.check(stage, name, own, accepted, measure)
            if isinstance(outcome, Skipped) or outcome.passed:
                passed.append((name, position))
        monkeypatch.setitem(comparison.golden[file], key, stored)
    assert passed == []


Change = Callable[[torch.Tensor], torch.Tensor]
Stage = Callable[[Comparison], Iterator[Outcome]]
SLIPS: dict[str, tuple[Callable[[Comparison], nn.Module], str, Change, Stage]] = {
    "a thousandth more in one layer of the reconstruction": (
        *(lambda c: c.networks.reconstruction, "backbone.layer4.2.conv1.weight", lambda w: w * 1.001),
        lambda c: c._coefficients("astronaut"),
    ),
    "one transposed kernel of the expression's audio encoder": (
        *(lambda c: c.networks.expression, "audio_encoder.4.conv_block.0.weight", lambda w: w.transpose(2, 3)),
        lambda c: c._expressions("short_c"),
    ),
    "one transposed kernel of the pose's decoder": (
        lambda c: c.networks.pose,
        "netG.decoder.resunet.up_residual_conv1.conv_block.2.weight",
        lambda w: w.transpose(2, 3),
        lambda c: c._pose("short_c.style3"),
    ),
    "one kernel of the mapping net back to front": (
        *(lambda c: c.mapping[CoefficientLayout.DRIVEN], "encoder1.1.weight", lambda w: w.flip(2)),
        lambda c: c._mapped("crop"),
    ),
    "a thousandth more in one layer of the keypoints": (
        *(lambda c: c.networks.keypoints, "kp.weight", lambda w: w * 1.001),
        lambda c: c._keypoints("astronaut"),
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
@torch.inference_mode()
def test_a_slip_in_one_layer_fails(comparison: RecordedComparison, slip: str) -> None:
    network_of, name, change, stage = SLIPS[slip]
    parameter = network_of(comparison).get_parameter(name)
    before = parameter.data
    parameter.data = change(before).contiguous()
    try:
        fresh = Comparison(comparison.golden, comparison.networks, comparison.mapping)
        outcomes = list(stage(fresh))
    finally:
        parameter.data = before

    assert any(isinstance(outcome, Check) and not outcome.passed for outcome in outcomes), outcomes
