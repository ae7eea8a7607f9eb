"""Made-up weights for networks of the official size: those with which the original program made the golden arrays.

Every tensor is a function of the seed, the weight file's name, the tensor's key and its shape, bit for bit the same on
every machine (numpy's PCG64, single precision, no trigonometry). The scales keep signals at their size through all
layers, so that every network's result depends on every layer.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from talking_head.engines.face.sadtalker.checkpoints import FACE_256, MAPPING_FILES
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.networks.audio_to_expression import AudioToExpression
from talking_head.engines.face.sadtalker.networks.audio_to_pose import AudioToPose
from talking_head.engines.face.sadtalker.networks.face_reconstruction import FaceReconstruction
from talking_head.engines.face.sadtalker.networks.generator import Generator
from talking_head.engines.face.sadtalker.networks.keypoints import KeypointExtractor
from talking_head.engines.face.sadtalker.networks.load import Networks
from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL

Array = NDArray[Any]
SEED = 0
PREFIXES = {
    "reconstruction": "face_3drecon.",
    "expression": "audio2exp.",
    "pose": "audio2pose.",
    "keypoints": "kp_extractor.",
    "generator": "generator.",
}
# Regular expressions on a tensor's key, and the gain of its weights: the first match counts.
GAINS = [
    (r"resblocks_3d\..*conv2\.weight$", 0.5),
    (r"face_3drecon.*bn3\.weight$", 0.35),
    (r"face_3drecon.*downsample\.1\.weight$", 0.8),
    (r"face_3drecon\.final_layers\.[012]\.weight$", 0.6),
    (r"face_3drecon\.final_layers\.3\.weight$", 0.25),
    (r"face_3drecon\.final_layers\.[456]\.weight$", 0.4),
    (r"kp_extractor\.kp\.weight$", 3.0),
    (r"dense_motion_network\.mask\.weight$", 3.0),
    (r"dense_motion_network\.occlusion\.weight$", 2.0),
    (r"decoder\.conv_img\.weight$", 0.8),
    (r"mlp_(gamma|beta)\.weight$", 0.6),
    (r"weight_orig$", 1.2),
    (r"generator\.(second|fourth)\.weight$", 1.0),
    (r"decoder\.fc\.weight$", 1.0),
    (r"audio_encoder\.(1|2|4|5|7|8|10)\.conv_block\.1\.weight$", 0.5),
    (r"mapping1\.weight$", 0.3),
    (r"netG\.decoder\.MLP\.L1\.weight$", 1.2),
    (r"netG\..*upsample_\d\.upsample\.weight$", 1.4),
    (r"netG\..*conv_block\.5\.weight$", 0.7),
    (r"netG\..*conv_skip\.0\.weight$", 1.0),
    (r"netG\..*output_layer\.0\.weight$", 1.0),
    (r"netG\..*pose_linear\.weight$", 0.5),
    (r"linear_audio\.weight$", 0.3),
    (r"^first\.0\.weight$", 1.0),
    (r"^encoder\d\.1\.weight$", 0.9),
    (r"^fc_(yaw|pitch|roll)\.weight$", 1.8),
    (r"^fc_t\.weight$", 0.2),
    (r"^fc_exp\.weight$", 0.12),
]
BIASES = [(r"^fc_(t|exp)\.bias$", 0.02), (r"^fc_(yaw|pitch|roll)\.bias$", 0.5), (r"pose_linear\.bias$", 0.05)]


def networks() -> Networks:
    """Return all networks of the face file, filled."""
    with torch.device("meta"):
        made = Networks(
            FaceReconstruction(OFFICIAL.reconstruction),
            AudioToExpression(),
            AudioToPose(),
            KeypointExtractor(OFFICIAL),
            Generator(OFFICIAL),
        )
    for name, prefix in PREFIXES.items():
        fill(getattr(made, name), FACE_256.name, prefix)
    return made


def mapping_nets() -> dict[CoefficientLayout, MappingNet]:
    """Return both mapping nets, filled."""
    made = {}
    for layout, file in MAPPING_FILES.items():
        with torch.device("meta"):
            made[layout] = MappingNet(int(layout), OFFICIAL.mapping)
        fill(made[layout], file.name, "")
    return made


def fill(network: nn.Module, file: str, prefix: str) -> None:
    """Give the network the weights that it has in that file."""
    state = {
        key: torch.from_numpy(tensor(file, f"{prefix}{key}", tuple(like.shape)))
        for key, like in network.state_dict().items()
        if like.dtype.is_floating_point
    }
    network.load_state_dict(state, strict=False, assign=True)
    network.eval().requires_grad_(False)


def digest(network: nn.Module) -> str:
    """Return the sha256 of the names and values of a network's weights."""
    sha256 = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        if value.dtype.is_floating_point:
            sha256.update(key.encode() + b"\0" + value.numpy().astype("<f4").tobytes())
    return sha256.hexdigest()


def tensor(file: str, key: str, shape: tuple[int, ...]) -> Array:
    """Return one tensor of a file."""
    if key == "kp_extractor.down.weight":
        return _gaussian(shape)
    leaf = key.rsplit(".", 1)[-1]
    if leaf in ("weight_u", "weight_v"):
        return _unit_vector(file, key, shape[0])
    random = _random(file, key)
    if leaf == "weight_orig":
        return _spectral_weight(random, file, key, shape)
    values = _unit_variance(random, shape)
    if leaf == "running_mean":
        return values * np.float32(0.1)
    if leaf == "running_var":
        return np.float32(1) + values * np.float32(0.3 / math.sqrt(3.0))
    if leaf == "bias":
        return values * np.float32(_first_match(BIASES, key, 0.05))
    if leaf == "classbias":
        return values
    if len(shape) == 1:  # of a batch norm
        return (np.float32(1) + values * np.float32(0.2 / math.sqrt(3.0))) * np.float32(_first_match(GAINS, key, 1.0))
    values = values * np.float32(_first_match(GAINS, key, math.sqrt(2.0)) / math.sqrt(math.prod(shape[1:])))
    if key == "first.0.weight" and shape[1] == CoefficientLayout.WITH_CROP:
        values[:, 71:73] *= np.float32(0.005)  # these two channels carry pixels, some 128
    return values


def _spectral_weight(random: np.random.Generator, file: str, key: str, shape: tuple[int, ...]) -> Array:
    """Return a weight whose stored vectors see about the scale that was drawn, so that dividing by it matters."""
    fan_in, stem = math.prod(shape[1:]), key.removesuffix("weight_orig")
    scale = np.float32(1.5) + random.random(1, dtype=np.float32)[0]
    values = _unit_variance(random, shape) * np.float32(_first_match(GAINS, key, 1.0) / math.sqrt(fan_in))
    outer = _unit_vector(file, f"{stem}weight_u", shape[0])[:, None] * _unit_vector(file, f"{stem}weight_v", fan_in)
    return (values + outer.reshape(shape)) * scale


def _random(file: str, key: str) -> np.random.Generator:
    seed = hashlib.sha256(f"{SEED}|{file}|{key}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "little")))


def _unit_variance(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values = random.random(math.prod(shape), dtype=np.float32)
    values *= np.float32(2)
    values -= np.float32(1)
    values *= np.float32(math.sqrt(3.0))
    return values.reshape(shape)


def _unit_vector(file: str, key: str, length: int) -> Array:
    values = _unit_variance(_random(file, key), (length,))
    norm = math.sqrt(math.fsum(float(value) * float(value) for value in values))
    return (values / np.float32(norm)).astype(np.float32)


def _gaussian(shape: tuple[int, ...]) -> Array:
    """Return the anti-alias kernel of the keypoint extractor: sigma 1.5, one copy for each colour."""
    offsets = np.arange(shape[-1], dtype=np.float64) - (shape[-1] - 1) / 2
    bell = np.exp(-offsets * offsets / (2 * 1.5 * 1.5))
    kernel = np.outer(bell, bell)
    return np.ascontiguousarray(np.broadcast_to(kernel / kernel.sum(), shape)).astype(np.float32)


def _first_match(table: list[tuple[str, float]], key: str, default: float) -> float:
    return next((value for pattern, value in table if re.search(pattern, key)), default)
