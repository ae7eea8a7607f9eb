"""The official weight files, read unchanged: which exist, whether they are sound, and their tensors.

What can be wrong is told apart by code::

    checkpoint_missing   the file is not there
    checkpoint_corrupt   it is there but damaged: cut short, unreadable, or its bytes are not those of its digest
    checkpoint_foreign   it is sound but something else: other tensors, other shapes, or code instead of numbers

Nothing in a file is ever run: safetensors holds no code, and the ``.pth.tar`` files are read by torch's weights-only
unpickler. A digest is known for the official files; for weights of one's own it may stand beside the file as
``<name>.sha256`` (as ``sha256sum`` writes it) and is then enforced as well.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.coefficients import Layout
from talking_head.errors import EngineError

LARGEST_WEIGHT = 1e8  # a flipped exponent bit makes numbers beyond this; no sound network has them


@dataclass(frozen=True, slots=True)
class OfficialFile:
    name: str
    bytes: int
    sha256: str


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
FACE_FILES = {256: FACE_256, 512: FACE_512}  # by the side of the square the networks draw
MAPPING_FILES = {Layout.DRIVEN: MAPPING_CROP, Layout.WITH_CROP: MAPPING_FULL}


def missing(file_name: str) -> EngineError:
    return EngineError(
        f"The SadTalker weights “{file_name}” are not there.",
        code="checkpoint_missing",
        hint="Get them with: python manage.py download_checkpoints",
    )


def _corrupt(path: Path, why: str) -> EngineError:
    return EngineError(
        f"The SadTalker weights “{path.name}” are damaged ({why}).",
        code="checkpoint_corrupt",
        hint="Get them again with: python manage.py download_checkpoints --force",
    )


def _foreign(path: Path, why: str) -> EngineError:
    return EngineError(
        f"“{path.name}” does not hold SadTalker's weights ({why}).",
        code="checkpoint_foreign",
        hint="Put the official file there: python manage.py download_checkpoints --force",
    )


@lru_cache(maxsize=16)
def _digest(path: Path, _bytes: int, _modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(path: Path) -> str:
    """sha256 of the file, computed anew only when its size or time of change differs.

    Raises:
        EngineError: ``checkpoint_missing``.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise missing(path.name) from None
    return _digest(path, status.st_size, status.st_mtime_ns)


def check_digest(path: Path, official: OfficialFile) -> bool:
    """Whether the file is the official one, byte for byte.

    Raises:
        EngineError: ``checkpoint_missing``; ``checkpoint_corrupt`` when a digest beside the file says otherwise, or the
            file is shorter than the official one by a clean cut that the reader might not notice.
    """
    digest = digest_of(path)
    if digest == official.sha256:
        return True
    beside = path.with_name(path.name + ".sha256")
    if beside.exists():
        match = re.match(r"[0-9a-fA-F]{64}", beside.read_text(encoding="ascii", errors="replace"))
        if match is None or match[0].lower() != digest:
            raise _corrupt(path, f"its digest is not the one in {beside.name}")
    return False


class FaceWeights:
    """The five networks of one ``SadTalker_V0.0.2_*.safetensors``; tensors are read when a network asks for them."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise missing(path.name)
        self._path = path
        try:
            with safe_open(path, "pt") as file:
                self._keys = frozenset(file.keys())
        except SafetensorError as error:
            raise _corrupt(path, _first_line(error)) from error

    def load_into(self, network: nn.Module, prefix: str) -> None:
        """Fills every tensor that ``network`` uses from ``<prefix>.<its name>``.

        Raises:
            EngineError: ``checkpoint_foreign``, ``checkpoint_corrupt``.
        """
        names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
        absent = [name for name in names if f"{prefix}.{name}" not in self._keys]
        if absent:
            raise _foreign(self._path, f"{len(absent)} tensors are missing, the first is {prefix}.{absent[0]}")
        try:
            with safe_open(self._path, "pt") as file:
                tensors = {name: file.get_tensor(f"{prefix}.{name}") for name in names}
        except SafetensorError as error:
            raise _corrupt(self._path, _first_line(error)) from error
        _fill(network, tensors, self._path)


def load_mapping(path: Path, network: nn.Module) -> None:
    """Fills the mapping net from the entry ``mapping`` of a ``.pth.tar`` file; what training left beside it is not
    read.

    Raises:
        EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``, ``checkpoint_foreign``.
    """
    if not path.is_file():
        raise missing(path.name)
    try:
        is_archive = _sound_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive or None)
    except pickle.UnpicklingError as error:
        # Either bytes that are no pickle at all or a pickle that wants something called: torch refused it unrun.
        raise _foreign(path, "it holds something other than numbers") from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _corrupt(path, _first_line(error)) from error
    state = content.get("mapping") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise _foreign(path, "it has no entry “mapping”")
    names = list(network.state_dict())
    absent = [name for name in names if not isinstance(state.get(name), Tensor)]
    if absent:
        raise _foreign(path, f"{len(absent)} tensors are missing, the first is {absent[0]}")
    _fill(network, {name: state[name] for name in names}, path)


def _sound_archive(path: Path) -> bool:
    """True for torch's zip format, whose checksums are verified; False for its older format, which has none."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise zipfile.BadZipFile("the end of the archive is missing")
        return False
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()
        if broken is not None:
            raise zipfile.BadZipFile(f"checksum of {broken}")
    return True


def _fill(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    own = network.state_dict()
    for name, tensor in tensors.items():
        if tensor.shape != own[name].shape or tensor.dtype != torch.float32:
            found = f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
            raise _foreign(path, f"{name} is {found} instead of {tuple(own[name].shape)} float32")
        if not bool(torch.isfinite(tensor).all()) or float(tensor.abs().max()) > LARGEST_WEIGHT:
            raise _corrupt(path, f"{name} holds impossible numbers")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise _corrupt(path, f"{name} holds a negative variance")
    network.load_state_dict(tensors, strict=False, assign=True)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.num_batches_tracked = None  # counts training steps; was never filled
    network.eval().requires_grad_(False)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def check_folder(folder: Path) -> str:
    """Eight hex digits that stand for the bytes of all weight files in ``folder``, for cache keys.

    Raises:
        EngineError: ``checkpoint_missing`` when there is no face file or one of the mapping files is absent;
            ``checkpoint_corrupt`` when a digest beside a file says so.
    """
    faces = [file for file in FACE_FILES.values() if (folder / file.name).is_file()]
    if not faces:
        raise missing(FACE_256.name)
    files = [*faces, *MAPPING_FILES.values()]
    for file in files:
        check_digest(folder / file.name, file)
    return hashlib.sha256("".join(digest_of(folder / file.name) for file in files).encode()).hexdigest()[:8]
