"""A stopwatch for the stages of a clip."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from talking_head.engines.base import Enhancer
from talking_head.media_io.arrays import Frame


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage. Drawing and encoding overlap, so the sum may exceed the wall time."""

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
        """Yield the same frames; add the time that drawing each takes to the stage."""
        while True:
            with self.stage(name):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def timed_enhancer(self, name: str, enhancer: Enhancer, drawn_as: str, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the enhanced frames; add the enhancer's own time to stage ``name``.

        The time of drawing the frames that it consumes is not part of it: that is counted as stage ``drawn_as``.
        """
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
