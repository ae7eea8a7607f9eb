"""Checks that the weights are intact and their configuration harmless, before the library opens any file.

The tensors themselves are read by torch's weights-only unpickler, which runs no code. But a configuration can name
classes to import, other files to open and URLs to download: every such configuration is refused here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from talking_head.checkpoints.folder import FileState, state_of
from talking_head.digests import sha256_of_file
from talking_head.engines.speech.coqui.catalogue import VITS_FILES, xtts_files
from talking_head.errors import EngineError

OWN_CLASSES = "TTS."
# Fields of a VITS configuration for several speakers or for files and URLs outside its folder.
_FOREIGN_FIELDS = (
    "speakers_file", "d_vector_file", "language_ids_file", "speaker_encoder_config_path", "speaker_encoder_model_path",
    "use_speaker_embedding", "use_d_vector_file", "use_language_embedding", "phoneme_cache_path",
)  # fmt: skip
_AGAIN = "Download it again, or remove its folder."
_FETCH = "Download them again with: python manage.py download_checkpoints --only coqui --force"


def check_xtts(checkpoints_dir: Path) -> None:
    """Check every byte against the manifest (or against the digest file next to custom weights).

    Raises:
        EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``.
    """
    for checkpoint in xtts_files():
        state = _state_of(checkpoint.name, checkpoints_dir, _stamp(checkpoint.path_in(checkpoints_dir)))
        if state is FileState.MISSING:
            raise EngineError(f"{checkpoint.file} is missing.", code="checkpoint_missing", hint=_FETCH)
        if not state.is_usable:
            raise EngineError(f"{checkpoint.file} is damaged.", code="checkpoint_corrupt", hint=_FETCH)


def check_vits_config(folder: Path) -> None:
    """Check that the folder contains a single-speaker VITS model that refers to nothing outside it.

    Raises:
        EngineError: ``checkpoint_corrupt`` or ``checkpoint_foreign`` when it does not.
    """
    try:
        config = json.loads((folder / VITS_FILES[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise corrupt(folder.name, "its config.json cannot be read") from error
    if not isinstance(config, dict) or config.get("model") != "vits":
        raise foreign(folder.name, "it is not a VITS model")
    for name, value in _fields(config):
        if name in _FOREIGN_FIELDS and value:
            raise foreign(folder.name, f"its config.json sets {name}; single-speaker models need none")
        if name.endswith("_class") and value and not str(value).startswith(OWN_CLASSES):
            raise foreign(folder.name, f"its config.json names a class outside the library ({name})")


def digest_of(paths: Iterable[Path]) -> str:
    """Return eight hex digits that identify the bytes of these files, for cache keys.

    Unreadable files count as empty: their error is reported when a voice speaks.
    """
    return hashlib.sha256("".join(_file_digest(path, _stamp(path)) for path in paths).encode()).hexdigest()[:8]


def corrupt(name: str, reason: str) -> EngineError:
    return EngineError(f"The voice model “{name}” is damaged ({reason}).", code="checkpoint_corrupt", hint=_AGAIN)


def foreign(name: str, reason: str) -> EngineError:
    return EngineError(f"The voice model “{name}” cannot be used ({reason}).", code="checkpoint_foreign", hint=_AGAIN)


def _fields(values: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _fields(value)
        else:
            yield name, value


def _stamp(path: Path) -> tuple[int, int]:
    """Return size and modification time: while they are unchanged, gigabytes need not be read again."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _state_of(name: str, checkpoints_dir: Path, _stamp: tuple[int, int]) -> FileState:
    return state_of(next(item for item in xtts_files() if item.name == name), checkpoints_dir)


@lru_cache(maxsize=64)
def _file_digest(path: Path, _stamp: tuple[int, int]) -> str:
    try:
        return sha256_of_file(path)
    except OSError:
        return ""
