"""The list of all weight files with their sizes, digests and URLs: ``checkpoints/manifest.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from talking_head.errors import OptionError

MANIFEST_FILE = Path(__file__).resolve().parents[2] / "checkpoints" / "manifest.json"
FORMAT = 1
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence of weights.

    ``terms`` is a summary; ``url`` has the binding text. ``accepted_by_environment`` is the environment variable with
    which users of the library in question accept it.
    """

    key: str
    title: str
    url: str
    terms: str
    needs_acceptance: bool
    accepted_by_environment: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One weight file.

    ``file`` is its path in the folder, possibly in a subfolder; ``optional`` files are downloaded only when named.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    urls: tuple[str, ...]
    licence: Licence
    needed_by: tuple[str, ...]
    optional: bool = False

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.file).name

    def path_in(self, folder: Path) -> Path:
        return folder / self.file


@dataclass(frozen=True, slots=True)
class Manifest:
    checkpoints: tuple[Checkpoint, ...]

    def by_default(self) -> tuple[Checkpoint, ...]:
        return tuple(checkpoint for checkpoint in self.checkpoints if not checkpoint.optional)

    def needed_by(self, engine: str) -> tuple[Checkpoint, ...]:
        return tuple(checkpoint for checkpoint in self.checkpoints if engine in checkpoint.needed_by)

    def named(self, names: Sequence[str]) -> tuple[Checkpoint, ...]:
        """Return the checkpoints that match one of these names, files or engines, in the manifest's order.

        Raises:
            OptionError: ``unknown_checkpoint``.
        """
        wanted: set[str] = set()
        for name in names:
            matches = [
                item.name
                for item in self.checkpoints
                if name in (item.name, item.file, item.file_name, *item.needed_by)
            ]
            if not matches:
                engines = sorted({engine for item in self.checkpoints for engine in item.needed_by})
                known = ", ".join([*engines, *(item.name for item in self.checkpoints)])
                raise OptionError(
                    f"There is no checkpoint “{name}”.", code="unknown_checkpoint", hint=f"Choose from: {known}."
                )
            wanted.update(matches)
        return tuple(item for item in self.checkpoints if item.name in wanted)


def load_manifest(path: Path = MANIFEST_FILE) -> Manifest:
    """Read and check the whole list: a mistake in it must not surface as a corrupt download hours later.

    Raises:
        OptionError: ``bad_manifest``, with the reason.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']} is unknown")
        licences = {key: Licence(key=key, **licence) for key, licence in values["licences"].items()}
        checkpoints = tuple(_checkpoint(row, licences) for row in values["checkpoints"])
        for field in ("name", "file"):
            _check_unique([getattr(item, field) for item in checkpoints])
    except OSError as error:
        raise _bad_manifest(path, error.strerror or "it cannot be read") from error
    except KeyError as error:
        raise _bad_manifest(path, f"{error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise _bad_manifest(path, str(error)) from error
    return Manifest(checkpoints)


def _checkpoint(row: dict[str, Any], licences: dict[str, Licence]) -> Checkpoint:
    path = PurePosixPath(row["file"])
    if path.is_absolute() or ".." in path.parts or not path.name or path.name.startswith("."):
        raise ValueError(f"“{row['file']}” is not a path inside the folder")
    if not DIGEST.fullmatch(row["sha256"]):
        raise ValueError(f"the digest of {row['name']} is not 64 lower-case hex digits")
    if not isinstance(row["bytes"], int) or row["bytes"] <= 0:
        raise ValueError(f"the size of {row['name']} is not a number of bytes")
    return Checkpoint(
        name=row["name"],
        file=row["file"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        urls=tuple(row["urls"]),
        licence=licences[row["licence"]],
        needed_by=tuple(row["needed_by"]),
        optional=bool(row.get("optional", False)),
    )


def _check_unique(values: Sequence[str]) -> None:
    duplicates = {value for value in values if values.count(value) > 1}
    if duplicates:
        raise ValueError(f"{', '.join(sorted(duplicates))} is listed twice")


def _bad_manifest(path: Path, why: str) -> OptionError:
    return OptionError(f"The list of checkpoints {path.name} is unusable: {why}.", code="bad_manifest")
