"""The base of the stages of the comparison: the golden folder, the networks under test, and what skips and compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.golden import Check, Golden, NotStoredError, Outcome, Skipped, error_between
from talking_head.engines.face.sadtalker import checkpoints
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion
from talking_head.engines.face.sadtalker.networks import load
from talking_head.engines.face.sadtalker.networks.load import Networks
from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL, NetworkSizes

MappingNets = dict[CoefficientLayout, MappingNet]


def load_all(checkpoint_folder: Path, sizes: NetworkSizes = OFFICIAL) -> tuple[Networks, MappingNets]:
    """Return the networks of a folder of checkpoints.

    Raises:
        EngineError: see :mod:`talking_head.engines.face.sadtalker.checkpoints`.
    """
    # The golden pictures of both sizes were drawn with the weights of the 256 file.
    networks = load.load_networks(checkpoint_folder / checkpoints.FACE_256.name, sizes)
    mapping = {
        layout: load.load_mapping_net(checkpoint_folder / file.name, layout, sizes)
        for layout, file in checkpoints.MAPPING_FILES.items()
    }
    return networks, mapping


class Stages:
    """The base of all stages. Each stage yields one outcome an array: a comparison, or what was skipped and why."""

    def __init__(self, golden: Golden, networks: Networks, mapping: MappingNets) -> None:
        self.golden, self.networks, self.mapping = golden, networks, mapping

    def check(self, stage: str, name: str, own: Any, accepted: float, measure: str = "relative") -> Outcome:
        """Return the comparison of our whole array with the stored array ``file:key``."""
        file, key = name.split(":", 1)
        try:
            stored, sample = self.golden[file][key], self.golden.sampled(file, key)
        except NotStoredError as missing:
            return Skipped(stage, key, str(missing))
        if sample is not None:
            shape, step = sample
            own = np.asarray(own)
            if own.shape != shape:
                return Check(stage, key, measure, float("inf"), accepted)
            own = own.reshape(-1)[::step]
        return Check(stage, key, measure, error_between(own, stored, measure), accepted)

    @staticmethod
    def part(stage: str, name: str, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """Yield the outcomes of one part of a stage; where its inputs are not stored, say that the rest is skipped."""
        try:
            yield from outcomes
        except NotStoredError as missing:
            yield Skipped(stage, name, str(missing))

    def stored_motion(self, tag: str) -> HeadMotion:
        """Return the angles, shift and expression that the original's mapping net gave."""
        stored = self.golden["f_mapping"]

        def tensor(name: str) -> torch.Tensor:
            return torch.from_numpy(stored[f"{tag}.{name}"])

        degrees = torch.stack([tensor(f"{angle}_degrees") for angle in ("yaw", "pitch", "roll")], dim=1)
        return HeadMotion(degrees, tensor("t"), tensor("exp").unflatten(1, (15, 3)))
