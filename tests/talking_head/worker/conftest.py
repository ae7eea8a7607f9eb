from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from talking_head.renderer.connection import RendererCommand
from talking_head.renderer.supervisor import RendererLimits, RendererProcess

ROOT = Path(__file__).resolve().parents[3]
QUICK = RendererLimits(poll_seconds=0.05, stall_seconds=2.5, start_seconds=30.0, terminate_seconds=0.3)


@pytest.fixture
def command(tmp_path: Path) -> RendererCommand:
    return RendererCommand(
        arguments=[sys.executable, "-m", "tests.talking_head.worker.fake_renderer"],
        folder=ROOT,
        scratch_root=tmp_path / "cache" / "tmp",
        settings={"cache_root": str(tmp_path / "cache")},
    )


@pytest.fixture
def renderer(command: RendererCommand) -> Iterator[RendererProcess]:
    process = RendererProcess(command, QUICK)
    yield process
    process.close()
