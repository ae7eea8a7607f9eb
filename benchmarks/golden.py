"""A golden folder (arrays stored from the original program), and the comparison of computed numbers with it."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from talking_head.engines.face.sadtalker import checkpoints, mel
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion
from talking_head.engines.face.sadtalker.networks import load
from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL, NetworkSizes

Array = NDArray[Any]
MAIN_PICTURE, MAIN_CLIP = "art_1", "speech_a"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. ``measure`` is relative, absolute, rms (of the golden's deviation) or mean (grey levels)."""

    stage: str
    array: str
    measure: str
    error: float
    accepted: float

    @property
    def passed(self) -> bool:
        return bool(self.error <= self.accepted)  # not-a-number never passes


def error_between(own: Any, golden: Array, measure: str) -> float:
    own, golden = np.asarray(own, np.float64), np.asarray(golden, np.float64)
    if own.shape != golden.shape:
        return float("inf")
    difference = np.abs(own - golden)
    if measure == "rms":
        return float(np.sqrt((difference**2).mean()) / golden.std())
    if measure == "mean":
        return float(difference.mean())
    largest = float(difference.max())
    return largest if measure == "absolute" else largest / (float(np.abs(golden).max()) or 1.0)


class Golden:
    """The golden folder; files are opened on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, dict[str, Array]] = {}

    def __getitem__(self, name: str) -> dict[str, Array]:
        if name not in self._files:
            with np.load(self.folder / f"{name}.npz") as file:
                self._files[name] = {key: file[key] for key in file.files}
        return self._files[name]

    def picture(self, name: str) -> NDArray[np.uint8]:
        return np.asarray(Image.open(self.folder / "images" / f"{name}.png").convert("RGB"))

    def has_picture(self, name: str) -> bool:
        return (self.folder / "images" / f"{name}.png").exists()

    def wave(self, clip: str) -> NDArray[np.float32]:
        with wave.open(str(self.folder / "audio" / f"{clip}.wav")) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(32768)

    @cached_property
    def clips(self) -> list[str]:
        return sorted({key.split(".")[0] for key in self["a_audio"] if key.endswith(".mel")})

    def mel_windows(self, clip: str) -> torch.Tensor:
        samples = self.wave(clip)
        return torch.from_numpy(mel.mel_windows(mel.mel_spectrogram(samples), mel.frames_in(len(samples))))


class Stages:
    """The base of all stages of the comparison: the golden folder and the networks under test."""

    def __init__(self, checkpoint_folder: Path, golden: Golden, sizes: NetworkSizes = OFFICIAL) -> None:
        """Load the networks.

        Raises:
            EngineError: see :mod:`talking_head.engines.face.sadtalker.checkpoints`.
        """
        self.golden = golden
        # The golden pictures of both sizes were drawn with the weights of the 256 file.
        self.networks = load.load_networks(checkpoint_folder / checkpoints.FACE_256.name, sizes)
        self.mapping = {
            layout: load.load_mapping_net(checkpoint_folder / file.name, layout, sizes)
            for layout, file in checkpoints.MAPPING_FILES.items()
        }

    def check(self, stage: str, name: str, own: Any, accepted: float, measure: str = "relative") -> Check:
        """Return the comparison with the stored array ``file:key``."""
        file, key = name.split(":", 1)
        return Check(stage, key, measure, error_between(own, self.golden[file][key], measure), accepted)

    def picture(self, name: str) -> NDArray[np.uint8]:
        """Return a picture by its own name or by that of its 256 px crop."""
        return self.golden.picture(name if self.golden.has_picture(name) else f"{name}_256")

    def stored_motion(self, tag: str) -> HeadMotion:
        """Return the angles, shift and expression that the original's mapping net gave."""
        stored = {key: torch.from_numpy(value) for key, value in self.golden["f_mapping"].items() if key != "rows"}
        degrees = torch.stack([stored[f"{tag}.{angle}_degrees"] for angle in ("yaw", "pitch", "roll")], dim=1)
        return HeadMotion(degrees, stored[f"{tag}.t"], stored[f"{tag}.exp"].unflatten(1, (15, 3)))


def read_tag(tag: str) -> tuple[CoefficientLayout, bool, float]:
    """Parse a tag: ``full_still_scale1.3`` -> 73 coefficients, still, expression scale 1.3."""
    mode, *options = tag.split("_")
    scale = next((float(option.removeprefix("scale")) for option in options if option.startswith("scale")), 1.0)
    return CoefficientLayout.WITH_CROP if mode == "full" else CoefficientLayout.DRIVEN, "still" in options, scale
