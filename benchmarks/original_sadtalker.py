"""The original SadTalker's networks, run from a checkout of its repository, for comparisons.

It is not part of this repository; get it with

    git clone https://github.com/OpenTalker/SadTalker DIR

Only networks and the arithmetic around them are used. Packages that the original imports besides torch and SciPy
for other purposes (progress bars, face detection, drawing) are replaced by stub modules where they are not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.checkpoints import FACE_256, MAPPING_FILES
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout

NOT_NEEDED = ("tqdm", "yacs", "yacs.config", "kornia", "kornia.geometry", "skimage", "skimage.io", "skimage.transform")


class OriginalMissingError(Exception):
    """The folder does not hold the original."""


@dataclass(frozen=True, slots=True)
class Original:
    """Networks in evaluation mode on the CPU, and the original's modules that hold its arithmetic."""

    reconstruction: nn.Module
    audio: Any  # its Audio2Coeff with both audio networks
    keypoints: nn.Module
    generator: nn.Module
    mapping: dict[CoefficientLayout, nn.Module]
    animation: ModuleType  # src.facerender.modules.make_animation
    semantics: ModuleType  # src.generate_facerender_batch

    def keypoints_of(
        self, picture: Tensor, semantics: Tensor, layout: CoefficientLayout, **given_degrees: Tensor
    ) -> Tensor:
        """Return the keypoints: (1, 3, s, s) and windows (n, c, 27) -> (n, 15, 3).

        Angles in ``given_degrees`` (yaw_in, ...) replace those of the windows.
        """
        canonical = self.keypoints(picture)["value"].expand(len(semantics), -1, -1)
        moved = dict(self.mapping[layout](semantics), **given_degrees)
        turned: Tensor = self.animation.keypoint_transformation({"value": canonical}, moved)["value"]
        return turned

    def draw(self, picture: Tensor, kp_source: Tensor, kp_driving: Tensor) -> Tensor:
        """Draw a frame: (1, 3, s, s), (1, 15, 3), (1, 15, 3) -> (1, 3, s, s)."""
        frame = self.generator(picture, kp_source={"value": kp_source}, kp_driving={"value": kp_driving})
        prediction: Tensor = frame["prediction"]
        return prediction


def load_original(repository: Path, checkpoints: Path) -> Original:
    """Load the original's networks and modules.

    Raises:
        OriginalMissingError: the folder holds something else.
    """
    if not (repository / "src" / "facerender" / "modules" / "generator.py").is_file():
        raise OriginalMissingError(f"{repository.name} is not a checkout of the original (it has no src/facerender).")
    with _importable(repository):
        generator = import_module("src.facerender.modules.generator")
        detector = import_module("src.facerender.modules.keypoint_detector")
        mapping = import_module("src.facerender.modules.mapping")
        face3d = import_module("src.face3d.models.networks")
        animation = import_module("src.facerender.modules.make_animation")
        semantics = import_module("src.generate_facerender_batch")
        audio = _audio(repository)
    config = _yaml(repository, "facerender.yaml")["model_params"]
    weights = load_file(checkpoints / FACE_256.name)
    original = Original(
        face3d.define_net_recon("resnet50", use_last_fc=False, init_path=""),
        audio,
        detector.KPDetector(**config["kp_detector_params"], **config["common_params"]),
        generator.OcclusionAwareSPADEGenerator(**config["generator_params"], **config["common_params"]),
        {
            layout: mapping.MappingNet(**{**config["mapping_params"], "coeff_nc": int(layout)})
            for layout in MAPPING_FILES
        },
        animation,
        semantics,
    )
    parts = {
        "face_3drecon": original.reconstruction,
        "audio2exp": audio.audio2exp_model.netG,
        "audio2pose": audio.audio2pose_model,
        "kp_extractor": original.keypoints,
        "generator": original.generator,
    }
    for prefix, network in parts.items():
        own = {name.removeprefix(f"{prefix}."): tensor for name, tensor in weights.items() if name.startswith(prefix)}
        network.load_state_dict(own)
        network.eval()
    for layout, network in original.mapping.items():
        network.load_state_dict(torch.load(checkpoints / MAPPING_FILES[layout].name, weights_only=True)["mapping"])
        network.eval()
    return original


def _audio(repository: Path) -> Any:
    """Return its Audio2Coeff, assembled from its parts: its own constructor expects files on fixed paths."""
    coefficients = import_module("src.test_audio2coeff")
    audio = coefficients.Audio2Coeff.__new__(coefficients.Audio2Coeff)
    audio.device = "cpu"
    config = _namespace(_yaml(repository, "auido2pose.yaml"))  # the original's spelling
    audio.audio2pose_model = coefficients.Audio2Pose(config, None, device="cpu")
    audio.audio2exp_model = coefficients.Audio2Exp(coefficients.SimpleWrapperV2(), None, device="cpu")
    return audio


def _yaml(repository: Path, name: str) -> Any:
    return yaml.safe_load((repository / "src" / "config" / name).read_text(encoding="utf-8"))


def _namespace(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return SimpleNamespace(**{name: _namespace(value) for name, value in values.items()})


@contextmanager
def _importable(repository: Path) -> Iterator[None]:
    missing = [name for name in NOT_NEEDED if find_spec(name.split(".")[0]) is None]
    for name in missing:
        sys.modules[name] = _stub_module(name)
    sys.path.insert(0, str(repository))
    try:
        yield
    finally:
        sys.path.remove(str(repository))
        for name in missing:
            sys.modules.pop(name)


def _stub_module(name: str) -> ModuleType:
    """Return a module with what the original imports by name; only the first four functions are ever called."""
    module: Any = ModuleType(name)
    module.tqdm = lambda values, *_, **__: values
    module.img_as_float32 = lambda picture: picture.astype(np.float32) / np.float32(255)
    module.resize = lambda picture, *_: picture  # only ever asked for the size the picture has
    module.CfgNode = dict
    module.warp_affine = module.transform = module.io = None
    if name == "skimage":
        module.transform = SimpleNamespace(resize=module.resize)
    return module
