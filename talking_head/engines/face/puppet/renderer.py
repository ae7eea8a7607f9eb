"""Rendering of one frame from one row of weights: draw the lids, warp the head, paint the mouth."""

from __future__ import annotations

import numpy as np

from talking_head.engines.face.puppet.fields import remap
from talking_head.engines.face.puppet.geometry import FloatField
from talking_head.engines.face.puppet.motion import CHANNELS
from talking_head.engines.face.puppet.mouth_painter import MouthPainter
from talking_head.engines.face.puppet.source import POSE_START, WARP_CHANNELS, PuppetSource
from talking_head.media_io.arrays import Frame

_COLD_ITERATIONS, _WARM_ITERATIONS = 7, 3
_LEAST_WEIGHT = 1e-3
_LEAST_BLINK = 0.02
_BLINK = CHANNELS.index("blink")


class PuppetRenderer:
    """Renderer of the consecutive frames of one clip."""

    def __init__(self, source: PuppetSource) -> None:
        self._source = source
        self._mouth = MouthPainter(source)
        self._frame = source.photo.copy()
        self._painted = source.moving_photo.copy()  # the photo, with lids drawn in during a blink
        self._lids_drawn = False
        self._back: FloatField | None = None  # the last frame's inversion, the next one's starting point

    def draw(self, weights: FloatField) -> Frame:
        """Return the frame for ``weights`` (:data:`~.motion.CHANNELS`,); the next call reuses its memory."""
        source = self._source
        if not weights.any():
            np.copyto(self._frame, source.photo)
            self._back = None
            self._mouth.reset()
            return self._frame
        photo = self._photo_with_lids(float(weights[_BLINK]))
        field = source.head.field(source.head_basis, weights[: len(WARP_CHANNELS)])
        iterations = _COLD_ITERATIONS if self._back is None else _WARM_ITERATIONS
        self._back = source.head.invert(field, self._back, iterations)
        self._frame[source.head.slices] = remap(photo, source.head.to_map(self._back))
        if np.abs(weights[:POSE_START]).max() > _LEAST_WEIGHT:
            self._mouth.paint(self._frame, weights)
        else:
            self._mouth.reset()
        return self._frame

    def _photo_with_lids(self, closed: float) -> Frame:
        if closed < _LEAST_BLINK and not self._lids_drawn:
            return self._source.moving_photo
        self._lids_drawn = closed >= _LEAST_BLINK
        for lid in self._source.eyelids:
            self._painted[lid.slices] = lid.patch(closed) if self._lids_drawn else self._source.moving_photo[lid.slices]
        return self._painted if self._lids_drawn else self._source.moving_photo
