"""A wrapper that runs a face engine at half resolution and upscales its frames, for the retry after out of memory.

The engine draws a quarter of the pixels, while the clip keeps the size of its neighbours, with which it must join.
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
class HalfResolutionSource(Generic[SourceT]):
    width_px: int  # of the video
    height_px: int
    inner: SourceT  # the engine's own source, at half resolution


class HalfResolutionFace(Generic[SourceT, MotionT]):
    """A :class:`~talking_head.engines.base.FaceEngine` around another one."""

    def __init__(self, engine: FaceEngine[SourceT, MotionT]) -> None:
        self._engine = engine
        self.name = engine.name
        self.version = f"{engine.version} {FORM}"

    @staticmethod
    def label(label: str) -> str:
        """Return the engine's "name version" ``label`` at half resolution: other pixels need another cache key."""
        return f"{label} {FORM}"

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> HalfResolutionSource[SourceT]:
        """Return the portrait prepared by the engine at half resolution.

        Raises:
            PortraitError: as the engine does.
        """
        half = replace(framing, size_px=even(framing.size_px / 2))
        if portrait is None:
            inner = self._engine.prepare(None, half)
            return HalfResolutionSource(2 * inner.width_px, 2 * inner.height_px, inner)
        height, width = portrait.rgb.shape[:2]
        size = output_size(width, height, framing)
        if framing.preprocess not in SQUARE_MODES:  # the other modes show the picture at its own size
            small = (even(size[0] / 2), even(size[1] / 2))
            portrait = replace(portrait, rgb=cut_and_scale(portrait.rgb, PixelBox(0, 0, width, height), small))
        return HalfResolutionSource(*size, self._engine.prepare(portrait, half))

    def motion(
        self, source: HalfResolutionSource[SourceT], take: Take, *, text: str, seed: int, expression_scale: float
    ) -> MotionT:
        return self._engine.motion(source.inner, take, text=text, seed=seed, expression_scale=expression_scale)

    def frames(self, source: HalfResolutionSource[SourceT], motion: MotionT) -> Iterator[Frame]:
        size = (source.width_px, source.height_px)
        for frame in self._engine.frames(source.inner, motion):
            yield cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)  # type: ignore[misc]
