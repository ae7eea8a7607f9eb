"""Weight files of torch networks, read unchanged and safely, and checked to be intact and of this network.

The error code distinguishes what can be wrong::

    checkpoint_missing   the file does not exist
    checkpoint_corrupt   it exists but is damaged: truncated, unreadable, or its bytes do not match its digest
    checkpoint_foreign   it is intact but something else: other tensors, other shapes, or code instead of numbers

No code in a file is ever executed: pickles are read by torch's weights-only unpickler. Official files have a known
digest; any other file may have one next to it in ``<name>.sha256`` (as ``sha256sum`` writes it), which is enforced too.
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

LARGEST_WEIGHT = 1e8  # a flipped exponent bit gives numbers beyond this; no intact network has them


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A weight file of one model.

    ``owner`` is the model's display name and, in lower case, the engine's name in the manifest of checkpoints;
    ``sha256`` is that of the official file, where it matters whether this is it.
    """

    owner: str
    path: Path
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def _download_command(self) -> str:
        return f"python manage.py download_checkpoints --force --only {self.name}"

    def missing(self) -> EngineError:
        return EngineError(
            f"The {self.owner} weights “{self.name}” are missing.",
            code="checkpoint_missing",
            hint=f"Download them with: python manage.py download_checkpoints --only {self.owner.lower()}",
        )

    def corrupt(self, why: str) -> EngineError:
        return EngineError(
            f"The {self.owner} weights “{self.name}” are damaged ({why}).",
            code="checkpoint_corrupt",
            hint=f"Download them again with: {self._download_command}",
        )

    def foreign(self, why: str) -> EngineError:
        return EngineError(
            f"“{self.name}” does not contain the {self.owner} weights ({why}).",
            code="checkpoint_foreign",
            hint=f"Download the official file with: {self._download_command}",
        )

    def digest(self) -> str:
        """Return the sha256 of the file, computed again only when its size or modification time has changed.

        Raises:
            EngineError: ``checkpoint_missing``.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise self.missing() from None
        return _digest(self.path, status.st_size, status.st_mtime_ns)

    def check_digest(self) -> bool:
        """Return whether the file is the official one, byte for byte.

        Raises:
            EngineError: ``checkpoint_missing``; ``checkpoint_corrupt`` when it does not match a digest file next to it.
        """
        digest = self.digest()
        if digest == self.sha256:
            return True
        digest_file = self.path.with_name(self.name + ".sha256")
        if digest_file.exists():
            match = re.match(r"[0-9a-fA-F]{64}", digest_file.read_text(encoding="ascii", errors="replace"))
            if match is None or match[0].lower() != digest:
                raise self.corrupt(f"its digest does not match {digest_file.name}")
        return False

    def load_pickled(self, entry: str) -> Mapping[str, Any]:
        """Return the mapping under ``entry`` of a ``.pth`` file, its tensors memory-mapped where the format allows.

        Raises:
            EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``, ``checkpoint_foreign``.
        """
        if not self.path.is_file():
            raise self.missing()
        try:
            is_archive = _is_intact_archive(self.path)
            content = torch.load(self.path, map_location="cpu", weights_only=True, mmap=is_archive or None)
        except pickle.UnpicklingError as error:
            # Either no pickle at all or a pickle that calls something: torch refused it without running it.
            raise self.foreign("it contains something other than numbers") from error
        except (RuntimeError, OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise self.corrupt(first_line(error)) from error
        state = content.get(entry) if isinstance(content, Mapping) else None
        if not isinstance(state, Mapping):
            raise self.foreign(f"it has no entry “{entry}”")
        return state

    def fill(self, network: nn.Module, state: Mapping[str, Any], prefix: str = "") -> None:
        """Load every tensor that ``network`` uses into it and prepare it for inference; ``state`` may contain more.

        Raises:
            EngineError: ``checkpoint_foreign``, ``checkpoint_corrupt``.
        """
        expected = {name: tensor for name, tensor in network.state_dict().items() if not _counts_training_steps(name)}
        absent = [name for name in expected if not isinstance(state.get(prefix + name), Tensor)]
        if absent:
            raise self.foreign(f"{len(absent)} tensors are missing, the first is {prefix}{absent[0]}")
        tensors: dict[str, Tensor] = {name: state[prefix + name] for name in expected}
        for name, tensor in tensors.items():
            self._check(name, tensor, expected[name])
        network.load_state_dict(tensors, strict=False, assign=True)
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.num_batches_tracked = None  # not loaded
        network.eval().requires_grad_(False)

    def _check(self, name: str, tensor: Tensor, expected: Tensor) -> None:
        if tensor.shape != expected.shape or tensor.dtype != torch.float32:
            actual = f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
            raise self.foreign(f"{name} is {actual} instead of {tuple(expected.shape)} float32")
        if not bool(torch.isfinite(tensor).all()) or float(tensor.abs().max()) > LARGEST_WEIGHT:
            raise self.corrupt(f"{name} contains impossible numbers")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise self.corrupt(f"{name} contains a negative variance")


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


@lru_cache(maxsize=16)
def _digest(path: Path, _bytes: int, _modified_ns: int) -> str:
    return sha256_of_file(path)


def _counts_training_steps(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _is_intact_archive(path: Path) -> bool:
    """Return True for torch's zip format, whose checksums are verified; False for its older one, which has none."""
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
