"""The renderer process with the fake engines, and with a face that ends it: ``python -m …fake_child``."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from talking_head.engines import registry
from talking_head.engines.base import Take
from talking_head.media_io.arrays import Frame
from talking_head.renderer import child
from tests.talking_head.fakes import FakeFace, FakeMotion, FakeSource, install

ROOM_BYTES = 300_000_000


class DeadlyFace(FakeFace):
    """A face whose process dies at sentences with certain words."""

    name = "deadlyface"

    def motion(self, source: FakeSource, take: Take, *, text: str, seed: int, expression_scale: float) -> FakeMotion:
        die_of(text, self.settings.checkpoints_dir)
        return super().motion(source, take, text=text, seed=seed, expression_scale=expression_scale)

    def frames(self, source: FakeSource, motion: FakeMotion) -> Iterator[Frame]:
        return super().frames(source, motion)


def die_of(text: str, folder: Path) -> None:
    """End this process as the text says, or run out of memory for real."""
    died = folder / "died"
    if "SEGV" in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    elif "KILL" in text or ("ONCE" in text and not died.exists()):
        folder.mkdir(exist_ok=True)
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    elif "EXIT" in text:
        os._exit(7)
    elif "MEMORY" in text:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM_BYTES, used + ROOM_BYTES))
        np.ones(2 * ROOM_BYTES, np.uint8)


def main() -> None:
    install(pytest.MonkeyPatch())
    registry.ENGINES["face"][DeadlyFace.name] = f"{__name__}:DeadlyFace"
    child.run(child.real_handlers, sys.argv[1:])


if __name__ == "__main__":
    main()
