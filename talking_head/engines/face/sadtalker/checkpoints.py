"""The official weight files, read unchanged, and their networks' tensors.

Errors of a file are distinguished as in :mod:`talking_head.engines.torch_weights`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import nn

from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.torch_weights import WeightFile, first_line

OWNER = "SadTalker"


@dataclass(frozen=True, slots=True)
class OfficialFile:
    name: str
    bytes: int
    sha256: str

    def in_folder(self, folder: Path) -> WeightFile:
        return WeightFile(OWNER, folder / self.name, self.sha256)


FACE_256 = OfficialFile(
    "SadTalker_V0.0.2_256.safetensors", 725_066_984, "c211f5d6de003516bf1bbda9f47049a4c9c99133b1ab565c6961e5af16477bff"
)
FACE_512 = OfficialFile(
    "SadTalker_V0.0.2_512.safetensors", 725_066_984, "0e063f7ff5258240bdb0f7690783a7b1374e6a4a81ce8fa33456f4cd49694340"
)
MAPPING_FULL = OfficialFile(
    "mapping_00109-model.pth.tar", 155_779_231, "84a8642468a3fcfdd9ab6be955267043116c2bec2284686a5262f1eaf017f64c"
)
MAPPING_CROP = OfficialFile(
    "mapping_00229-model.pth.tar", 155_521_183, "62a1e06006cc963220f6477438518ed86e9788226c62ae382ddc42fbcefb83f1"
)
FACE_FILES = {256: FACE_256, 512: FACE_512}  # by the side of the square that the networks draw
MAPPING_FILES = {CoefficientLayout.DRIVEN: MAPPING_CROP, CoefficientLayout.WITH_CROP: MAPPING_FULL}


class FaceWeights:
    """The five networks of one ``SadTalker_V0.0.2_*.safetensors``; tensors are read when a network loads them."""

    def __init__(self, path: Path) -> None:
        """Read the file's list of tensors.

        Raises:
            EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``.
        """
        self._file = WeightFile(OWNER, path)
        if not path.is_file():
            raise self._file.missing()
        try:
            with safe_open(path, "pt") as file:
                self._keys = frozenset(file.keys())
        except SafetensorError as error:
            raise self._file.corrupt(first_line(error)) from error

    def load_into(self, network: nn.Module, prefix: str) -> None:
        """Fill every tensor that ``network`` uses from ``<prefix>.<its name>``.

        Raises:
            EngineError: ``checkpoint_foreign``, ``checkpoint_corrupt``.
        """
        keys = self._keys.intersection(f"{prefix}.{name}" for name in network.state_dict())
        try:
            with safe_open(self._file.path, "pt") as file:
                tensors = {key: file.get_tensor(key) for key in keys}
        except SafetensorError as error:
            raise self._file.corrupt(first_line(error)) from error
        self._file.fill(network, tensors, prefix=f"{prefix}.")


def load_mapping(path: Path, network: nn.Module) -> None:
    """Fill the mapping net from the entry ``mapping`` of a ``.pth.tar`` file; its training state is not read.

    Raises:
        EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``, ``checkpoint_foreign``.
    """
    file = WeightFile(OWNER, path)
    file.fill(network, file.load_pickled("mapping"))


def check_folder(folder: Path) -> str:
    """Return eight hex digits that identify the bytes of all weight files in ``folder``, for cache keys.

    Raises:
        EngineError: ``checkpoint_missing`` when there is no face file or one of the mapping files is absent;
            ``checkpoint_corrupt`` when a file does not match the digest beside it.
    """
    faces = [face.in_folder(folder) for face in FACE_FILES.values() if (folder / face.name).is_file()]
    if not faces:
        raise FACE_256.in_folder(folder).missing()
    files = [*faces, *(mapping.in_folder(folder) for mapping in MAPPING_FILES.values())]
    for file in files:
        file.check_digest()
    return hashlib.sha256("".join(file.digest() for file in files).encode()).hexdigest()[:8]
