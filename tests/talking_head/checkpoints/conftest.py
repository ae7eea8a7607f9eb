"""Small files that stand for large ones, a folder to bring them to, and a watcher of the progress."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from talking_head.checkpoints.download import Downloader
from talking_head.checkpoints.http_transfer import RetryPolicy
from talking_head.checkpoints.manifest import Checkpoint, Licence, Manifest
from talking_head.checkpoints.sources import Source
from tests.talking_head.checkpoints.server import Server, running_server

FREE = Licence("free", "Free", "https://example.org/free", "Do as you like.", needs_acceptance=False)
STRICT = Licence("strict", "Strict", "https://example.org/strict", "Not for money.", needs_acceptance=True)
DATA = random.Random(1).randbytes(200_000)


def checkpoint(
    *urls: str, data: bytes = DATA, name: str = "net", file: str = "net.pth", licence: Licence = FREE, **more: Any
) -> Checkpoint:
    digest = hashlib.sha256(data).hexdigest()
    return Checkpoint(name, file, len(data), digest, urls, licence, more.pop("needed_by", ("sadtalker",)), **more)


def write_manifest(path: Path, *checkpoints: Checkpoint) -> Path:
    licences = {
        one.licence.key: {
            "title": one.licence.title,
            "url": one.licence.url,
            "terms": one.licence.terms,
            "needs_acceptance": one.licence.needs_acceptance,
        }
        for one in checkpoints
    }
    rows = [
        {
            "name": one.name,
            "file": one.file,
            "bytes": one.bytes,
            "sha256": one.sha256,
            "urls": list(one.urls),
            "licence": one.licence.key,
            "needed_by": list(one.needed_by),
            "optional": one.optional,
        }
        for one in checkpoints
    ]
    path.write_text(json.dumps({"format": 1, "licences": licences, "checkpoints": rows}))
    return path


@dataclass
class Watcher:
    """Records instead of showing."""

    begun: list[tuple[str, int]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self, checkpoint: Checkpoint, have_bytes: int) -> None:
        self.begun.append((checkpoint.file, have_bytes))

    def advance(self, have_bytes: int) -> None:
        self.positions.append(have_bytes)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def end(self) -> None:
        pass


@dataclass
class Bench:
    """A downloader on a folder of its own, whose waiting takes no time."""

    folder: Path
    watcher: Watcher = field(default_factory=Watcher)
    waits: list[float] = field(default_factory=list)

    def downloader(
        self, *checkpoints: Checkpoint, mirror: Source | None = None, force: bool = False, attempts: int = 5
    ) -> Downloader:
        retry_policy = RetryPolicy(attempts=attempts, sleep=self.waits.append, spread=lambda low, high: high)
        return Downloader(self.folder, Manifest(checkpoints), self.watcher, mirror, force, retry_policy)

    def file(self, name: str = "net.pth") -> Path:
        return self.folder / name

    def part(self, name: str = "net.pth") -> Path:
        return self.folder / f"{name}.part"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "checkpoints")


@pytest.fixture
def checkpoints_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.CHECKPOINTS_DIR = tmp_path / "checkpoints"
    return settings.CHECKPOINTS_DIR


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with running_server() as running:
        yield running
