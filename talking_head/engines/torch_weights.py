"""Weight files of torch networks, read unchanged and safely: are they sound, and do they belong to this network?

What can be wrong is told apart by code::

    checkpoint_missing   the file is not there
    checkpoint_corrupt   it is there but damaged: cut short, unreadable, or its bytes are not those of its digest
    checkpoint_foreign   it is sound but something else: other tensors, other shapes, or code instead of numbers

Nothing in a file is ever run: pickles are read by torch's weights-only unpickler. A digest is known for the official
files; for any other it may stand beside the file as ``<name>.sha256`` (as ``sha256sum`` writes it) and is enforced too.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from talking_head.digests import sha256_of_file
from talking_head.errors import EngineError

LARGEST_WEIGHT = 1e8  # a flipped exponent bit makes numbers beyond this; no sound network has them


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of somebody's weights. ``owner`` is whose they are, as people say it, and in small letters the name of the
    engine in the list of checkpoints; ``sha256`` that of the official file, where it matters whether this is it."""

    owner: str
    path: Path
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def _fetch_again(self) -> str:
        return f"python manage.py download_checkpoints --force --only {self.name}"

    def missing(self) -> EngineError:
        return EngineError(
            f"The {self.owner} weights “{self.name}” are not there.",
            code="checkpoint_missing",
            hint=f"Get them with: python manage.py download_checkpoints --only {self.owner.lower()}",
        )

    def corrupt(self, why: str) -> EngineError:
        return EngineError(
            f"The {self.owner} weights “{self.name}” are damaged ({why}).",
            code="checkpoint_corrupt",
            hint=f"Get them again with: {self._fetch_again}",
        )

    def foreign(self, why: str) -> EngineError:
        return EngineError(
            f"“{self.name}” does not hold {self.owner}'s weights ({why}).",
            code="checkpoint_foreign",
            hint=f"Put the official file there: {self._fetch_again}",
        )

    def digest(self) -> str:
        """sha256 of the file, computed anew only when its size or time of change differs.

        Raises:
            EngineError: ``checkpoint_missing``.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise self.missing() from None
        return _digest(self.path, status.st_size, status.st_mtime_ns)

    def check_digest(self) -> bool:
        """Whether the file is the official one, byte for byte.

        Raises:
            EngineError: ``checkpoint_missing``; ``checkpoint_corrupt`` when a digest beside the file says otherwise.
        """
        digest = self.digest()
        if digest == self.sha256:
            return True
        beside = self.path.with_name(self.name + ".sha256")
        if beside.exists():
            match = re.match(r"[0-9a-fA-F]{64}", beside.read_text(encoding="ascii", errors="replace"))
            if match is None or match[0].lower() != digest:
                raise self.corrupt(f"its digest is not the one in {beside.name}")
        return False

    def load_pickled(self, entry: str) -> Mapping[str, Any]:
        """The mapping under ``entry`` of a ``.pth`` file; tensors are mapped into memory where the format allows it.

        Raises:
            EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``, ``checkpoint_foreign``.
        """
        if not self.path.is_file():
            raise self.missing()
        try:
            is_archive = _sound_archive(self.path)
            content = torch.load(self.path, map_location="cpu", weights_only=True, mmap=is_archive or None)
        except pickle.UnpicklingError as error:
            # Either bytes that are no pickle at all or a pickle that wants something called: torch refused it unrun.
            raise self.foreign("it holds something other than numbers") from error
        except (RuntimeError, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise self.corrupt(first_line(error)) from error
        state = content.get(entry) if isinstance(content, Mapping) else None
        if not isinstance(state, Mapping):
            raise self.foreign(f"it has no entry “{entry}”")
        return state

    def fill(self, network: nn.Module, state: Mapping[str, Any], prefix: str = "") -> None:
        """Puts every tensor that ``network`` uses into it and makes it ready for inference; the file may hold more.

        Raises:
            EngineError: ``checkpoint_foreign``, ``checkpoint_corrupt``.
        """
        own = {name: tensor for name, tensor in network.state_dict().items() if not _counts_training_steps(name)}
        absent = [name for name in own if not isinstance(state.get(prefix + name), Tensor)]
        if absent:
            raise self.foreign(f"{len(absent)} tensors are missing, the first is {prefix}{absent[0]}")
        tensors: dict[str, Tensor] = {name: state[prefix + name] for name in own}
        for name, tensor in tensors.items():
            self._check(name, tensor, own[name])
        network.load_state_dict(tensors, strict=False, assign=True)
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.num_batches_tracked = None  # was never filled
        network.eval().requires_grad_(False)

    def _check(self, name: str, tensor: Tensor, own: Tensor) -> None:
        if tensor.shape != own.shape or tensor.dtype != torch.float32:
            found = f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
            raise self.foreign(f"{name} is {found} instead of {tuple(own.shape)} float32")
        if not bool(torch.isfinite(tensor).all()) or float(tensor.abs().max()) > LARGEST_WEIGHT:
            raise self.corrupt(f"{name} holds impossible numbers")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise self.corrupt(f"{name} holds a negative variance")


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


@lru_cache(maxsize=16)
def _digest(path: Path, _bytes: int, _modified_ns: int) -> str:
    return sha256_of_file(path)


def _counts_training_steps(name: str) -> bool:
    return name.endswith("num_batches_tracked")


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
