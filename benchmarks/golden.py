"""A golden folder (arrays stored from the original program), and the comparison of computed numbers with it.

The folder holds ``a_audio.npz`` to ``j_generator512.npz``, ``images`` and ``audio``; every file, array, picture and
sound may be absent, and pictures and sounds may have any names. Where ``golden.json`` lists an array under ``samples``,
only every n-th value of it is stored: see :mod:`benchmarks.golden_sample`.
"""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from talking_head.engines.face.sadtalker import mel
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout

Array = NDArray[Any]
MANIFEST = "golden.json"
CLIP_ARRAYS = (
    *("wav_samples", "used_samples", "num_frames", "mel", "window_start"),
    *("windows_some", "windows_some_frames", "windows_sum"),
)
_TAG = r"[a-z]+(?:_still|_scale\d+(?:\.\d+)?)*"
_DRAWN = re.compile(
    rf"(?P<tag>{_TAG})(?:\.(?P<picture>.+))?\.(?P<row>frame\d+)(?:\.(?P<given>(?:yaw|pitch|roll)[-\d].*))?"
)


class NotStoredError(LookupError):
    """The golden folder does not hold this array, picture or sound."""


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


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that could not be compared, and why."""

    stage: str
    array: str
    reason: str


Outcome = Check | Skipped


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the name of a stored frame says: the coefficients' tag, the picture (None = the main one), the row of
    ``f_mapping``'s ``rows``, and the angles that were given ("" = none)."""

    tag: str
    picture: str | None
    row: str
    given: str

    @classmethod
    def parse(cls, stem: str) -> Drawn:
        """Parse ``crop.astronaut.frame23.yaw20_pitch-8``.

        Raises:
            ValueError: it is no name of a frame.
        """
        match = _DRAWN.fullmatch(stem)
        if match is None:
            raise ValueError(f"“{stem}” is not the name of a frame")
        return cls(match["tag"], match["picture"], match["row"], match["given"] or "")


def error_between(own: Any, golden: Array, measure: str) -> float:
    """Return the error of ``own``; infinite when the shapes differ."""
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


class StoredArrays(dict[str, Array]):
    """The arrays of one file. Reading one that is not stored raises :class:`NotStoredError`; ``read`` are those that
    have been read."""

    def __init__(self, name: str, arrays: dict[str, Array]) -> None:
        super().__init__(arrays)
        self.name = name
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Array:
        self.read.add(key)
        return super().__getitem__(key)

    def __missing__(self, key: str) -> Array:
        raise NotStoredError(f"{self.name}.npz holds no “{key}”" if self else f"{self.name}.npz is missing or empty")

    def stems(self, *endings: str) -> list[str]:
        """Return what stands before any of these endings, sorted."""
        return sorted({key.removesuffix(end) for key in self for end in endings if key.endswith(end)})


class Golden:
    """The golden folder; files are opened on first use.

    ``picture`` and ``clip`` name those of the main chain; when they are "" they are found by their coefficients.
    """

    def __init__(self, folder: Path, *, picture: str = "", clip: str = "") -> None:
        """Read the folder's manifest, if there is one.

        Raises:
            OSError, ValueError: the folder or its manifest cannot be read.
        """
        if not any(folder.glob("*.npz")):
            raise FileNotFoundError(f"“{folder}” is no folder with golden arrays (a_audio.npz to j_generator512.npz)")
        self.folder = folder
        manifest = folder / MANIFEST
        self.manifest: dict[str, Any] = json.loads(manifest.read_text("utf-8")) if manifest.exists() else {}
        self._files: dict[str, StoredArrays] = {}
        self._picture, self._clip = picture, clip

    def __getitem__(self, name: str) -> StoredArrays:
        if name not in self._files:
            path, arrays = self.folder / f"{name}.npz", {}
            if path.exists():
                with np.load(path) as file:
                    arrays = {key: file[key] for key in file.files}
            self._files[name] = StoredArrays(name, arrays)
        return self._files[name]

    def never_read(self) -> Iterator[tuple[str, str]]:
        """Yield the file and key of every stored array that nothing has read so far."""
        for path in sorted(self.folder.glob("*.npz")):
            stored = self[path.stem]
            yield from ((path.stem, key) for key in sorted(stored.keys() - stored.read))

    def sampled(self, file: str, key: str) -> tuple[tuple[int, ...], int] | None:
        """Return the whole array's shape and the step between stored values; None for an array stored whole."""
        entry = self.manifest.get("samples", {}).get(file, {}).get(key)
        return (tuple(entry["shape"]), entry["step"]) if entry else None

    def shape(self, file: str, key: str) -> tuple[int, ...]:
        """Return the shape of the whole array."""
        sample = self.sampled(file, key)
        return sample[0] if sample else self[file][key].shape

    # --- pictures and sounds ---------------------------------------------------------------------------------------

    def picture(self, name: str) -> NDArray[np.uint8]:
        """Return the picture of exactly that name (height, width, 3)."""
        path = self.folder / "images" / f"{name}.png"
        if not path.exists():
            raise NotStoredError(f"images/{name}.png is missing")
        return np.asarray(Image.open(path).convert("RGB"))

    def has_picture(self, name: str) -> bool:
        return (self.folder / "images" / f"{name}.png").exists()

    def crop(self, name: str) -> NDArray[np.uint8]:
        """Return the networks' picture of that name; the file's name may end in the size, as in ``NAME_256``."""
        return self.picture(name if self.has_picture(name) else f"{name}_256")

    def wave(self, clip: str) -> NDArray[np.float32]:
        """Return the sound's samples (n,) in -1..1, at 16 kHz."""
        path = self.folder / "audio" / f"{clip}.wav"
        if not path.exists():
            raise NotStoredError(f"audio/{clip}.wav is missing")
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(32768)

    @cached_property
    def clips(self) -> list[str]:
        """The names of all sounds that any array or file belongs to."""
        stored = {stem for ending in CLIP_ARRAYS for stem in self["a_audio"].stems(f".{ending}")}
        stored |= set(self["c_audio2exp"].stems(".ref70", ".exp"))
        return sorted(stored | {path.stem for path in (self.folder / "audio").glob("*.wav")})

    def mel_windows(self, clip: str) -> torch.Tensor:
        """Return our own windows of the sound (n, 80, 16)."""
        samples = self.wave(clip)
        return torch.from_numpy(mel.mel_windows(mel.mel_spectrogram(samples), mel.frames_in(len(samples))))

    # --- the main chain --------------------------------------------------------------------------------------------

    @cached_property
    def main_picture(self) -> str:
        """The picture whose coefficients every movement starts from."""
        if self._picture:
            return self._picture
        stored = self["b_recon"]
        packed = {stem: stored[f"{stem}.packed73"] for stem in stored.stems(".packed73")}
        return _closest(packed, self["e_semantics"]["source73"], "picture in b_recon.npz").removesuffix(".fallback")

    @cached_property
    def main_clip(self) -> str:
        """The sound that the movements follow."""
        if self._clip:
            return self._clip
        stored = self["d_audio2pose"]
        driven = {clip: stored[f"{clip}.coeff70_first_style"] for clip in stored.stems(".coeff70_first_style")}
        return _closest(driven, self["e_semantics"]["crop.target_centre_sequence"], "sound in d_audio2pose.npz")

    def first_style(self, clip: str) -> int:
        """Return the head style whose pose stands in the sound's coefficients."""
        stored = self["d_audio2pose"]
        pose = stored[f"{clip}.coeff70_first_style"][:, 64:70]
        stems = [stem for stem in stored.stems(".pose_smoothed") if stem.rsplit(".style", 1)[0] == clip]
        poses = {stem: stored[f"{stem}.pose_smoothed"] for stem in stems}
        return int(_closest(poses, pose, f"style of “{clip}” in d_audio2pose.npz").rsplit(".style", 1)[1])


def _closest(candidates: dict[str, Array], wanted: Array, kind: str) -> str:
    """Return the name of the array that is nearest: a wrong value in either must be found, not skipped."""
    distances = {
        name: float(np.nan_to_num(np.abs(array - wanted), nan=0).mean())
        for name, array in candidates.items()
        if array.shape == wanted.shape
    }
    if not distances:
        raise NotStoredError(f"no {kind} belongs to e_semantics.npz")
    return min(distances, key=distances.__getitem__)


def read_tag(tag: str) -> tuple[CoefficientLayout, bool, float]:
    """Parse a tag: ``full_still_scale1.3`` -> 73 coefficients, still, expression scale 1.3."""
    mode, *options = tag.split("_")
    scale = next((float(option.removeprefix("scale")) for option in options if option.startswith("scale")), 1.0)
    return CoefficientLayout.WITH_CROP if mode == "full" else CoefficientLayout.DRIVEN, "still" in options, scale


def given_degrees(given: str) -> dict[str, float]:
    """Parse ``_yaw15_pitch-10`` -> those angles."""
    return {angle: float(value) for angle, value in re.findall(r"(yaw|pitch|roll)(-?\d+(?:\.\d+)?)", given)}
