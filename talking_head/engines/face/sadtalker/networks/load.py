"""Loading of the networks of one resolution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from talking_head.engines.face.sadtalker import checkpoints
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.networks.audio_to_expression import AudioToExpression
from talking_head.engines.face.sadtalker.networks.audio_to_pose import AudioToPose
from talking_head.engines.face.sadtalker.networks.face_reconstruction import FaceReconstruction
from talking_head.engines.face.sadtalker.networks.generator import Generator
from talking_head.engines.face.sadtalker.networks.keypoints import KeypointExtractor
from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL, NetworkSizes


@dataclass(frozen=True, slots=True)
class Networks:
    """All plain networks, in evaluation mode, on the CPU, in single precision."""

    reconstruction: FaceReconstruction
    expression: AudioToExpression
    pose: AudioToPose
    keypoints: KeypointExtractor
    generator: Generator


def load_networks(path: Path, sizes: NetworkSizes = OFFICIAL) -> Networks:
    """Return the networks of one face file.

    Raises:
        EngineError: see :mod:`talking_head.engines.face.sadtalker.checkpoints`.
    """
    weights = checkpoints.FaceWeights(path)
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced immediately
        networks = Networks(
            FaceReconstruction(sizes.reconstruction),
            AudioToExpression(),
            AudioToPose(),
            KeypointExtractor(sizes),
            Generator(sizes),
        )
    weights.load_into(networks.reconstruction, "face_3drecon")
    weights.load_into(networks.expression, "audio2exp")
    weights.load_into(networks.pose, "audio2pose")
    weights.load_into(networks.keypoints, "kp_extractor")
    weights.load_into(networks.generator, "generator")
    return networks


def load_mapping_net(path: Path, layout: CoefficientLayout, sizes: NetworkSizes = OFFICIAL) -> MappingNet:
    """Return the mapping net for that layout.

    Raises:
        EngineError: see :mod:`talking_head.engines.face.sadtalker.checkpoints`.
    """
    with torch.device("meta"):
        network = MappingNet(int(layout), sizes.mapping)
    checkpoints.load_mapping(path, network)
    return network
