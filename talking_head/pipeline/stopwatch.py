"""How long each stage of a clip took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from talking_head.engines.base import Enhancer
from talking_head.media_io.arrays import Frame


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage. Drawing and encoding overlap, so the sum may exceed the time on the wall."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - started)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def timed(self, name: str, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The same frames; the time it takes to draw each is added to the stage."""
        while True:
            with self.stage(name):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def timed_enhancer(self, name: str, enhancer: Enhancer, drawn_as: str, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The enhanced frames; its own time is added to stage ``name``, without that of drawing what it consumes, which
        is already counted as stage ``drawn_as``."""
        enhanced = enhancer.enhance(frames)
        while True:
            drawing_before = self.seconds.get(drawn_as, 0.0)
            started = time.perf_counter()
            frame = next(enhanced, None)
            drawing = self.seconds.get(drawn_as, 0.0) - drawing_before
            self.add(name, time.perf_counter() - started - drawing)
            if frame is None:
                return
            yield frame
