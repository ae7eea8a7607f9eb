"""Any face engine, drawing at half size and scaled up: what is tried when its memory did not suffice.

A quarter of the pixels goes through the engine, while the video keeps the size of its neighbours, with which it must
join.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic

import cv2

from talking_head.engines.base import FaceEngine, Framing, MotionT, PortraitImage, SourceT, Take
from talking_head.engines.face.framing import SQUARE_MODES, PixelBox, cut_and_scale, even, output_size
from talking_head.media_io.arrays import Frame

FORM = "at half size"


@dataclass(frozen=True, slots=True)
class HalfSizeSource(Generic[SourceT]):
    width_px: int  # of the video
    height_px: int
    drawn: SourceT  # the engine's own source, half as large


class HalfResolutionFace(Generic[SourceT, MotionT]):
    """A :class:`~talking_head.engines.base.FaceEngine` around another one."""

    def __init__(self, engine: FaceEngine[SourceT, MotionT]) -> None:
        self._engine = engine
        self.name = engine.name
        self.version = f"{engine.version} {FORM}"

    @staticmethod
    def label(label: str) -> str:
        """What "name version" of the engine becomes: other pixels need another key."""
        return f"{label} {FORM}"

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> HalfSizeSource[SourceT]:
        """
        Raises:
            PortraitError: as the engine does.
        """
        half = replace(framing, size_px=even(framing.size_px / 2))
        if portrait is None:
            drawn = self._engine.prepare(None, half)
            return HalfSizeSource(2 * drawn.width_px, 2 * drawn.height_px, drawn)
        height, width = portrait.rgb.shape[:2]
        size = output_size(width, height, framing)
        if framing.preprocess not in SQUARE_MODES:  # these show the picture as large as it is
            small = (even(size[0] / 2), even(size[1] / 2))
            portrait = replace(portrait, rgb=cut_and_scale(portrait.rgb, PixelBox(0, 0, width, height), small))
        return HalfSizeSource(*size, self._engine.prepare(portrait, half))

    def motion(
        self, source: HalfSizeSource[SourceT], take: Take, *, text: str, seed: int, expression_scale: float
    ) -> MotionT:
        return self._engine.motion(source.drawn, take, text=text, seed=seed, expression_scale=expression_scale)

    def frames(self, source: HalfSizeSource[SourceT], motion: MotionT) -> Iterator[Frame]:
        size = (source.width_px, source.height_px)
        for frame in self._engine.frames(source.drawn, motion):
            yield cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)  # type: ignore[misc]
