"""The real renderer process, except that its sadtalker engine has the narrow networks of the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import repeat

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings
from talking_head.engines.face.sadtalker.engine import SadTalkerFace
from talking_head.engines.face.sadtalker.motion import SadTalkerMotion
from talking_head.engines.face.sadtalker.source import SadTalkerSource
from talking_head.media_io.arrays import Frame
from talking_head.renderer.child import real_handlers, run
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY


class NarrowSadTalker(SadTalkerFace):
    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings, sizes=TINY)

    def frames(self, source: SadTalkerSource, motion: SadTalkerMotion) -> Iterator[Frame]:
        """Every fourth is drawn and shown four times: the way is what is tested, and drawing takes most of its time."""
        for frame in super().frames(source, SadTalkerMotion(motion.keypoints[::4])):
            yield from repeat(frame, 4)


if __name__ == "__main__":
    registry.ENGINES["face"]["sadtalker"] = f"{__spec__.name}:NarrowSadTalker"
    run(real_handlers, sys.argv[1:])
