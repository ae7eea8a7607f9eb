"""Compositing of the mouth's layers for one frame: interior, then the upper lip with its hole, then the lower lip.

Everything is blended with ``cv2.blendLinear`` on bytes, which is ten times as fast as the same in NumPy floats.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from talking_head.engines.face.puppet.expressions import JAW_DROP_UNITS
from talking_head.engines.face.puppet.fields import remap
from talking_head.engines.face.puppet.geometry import Array, FloatField
from talking_head.engines.face.puppet.head_pose import POSE_CHANNELS
from talking_head.engines.face.puppet.motion import CHANNELS
from talking_head.engines.face.puppet.source import POSE_START, WARP_CHANNELS, PuppetSource
from talking_head.media_io.arrays import Frame

_COLD_ITERATIONS, _WARM_ITERATIONS = 10, 5
_JAW, _PUCKER, _PRESS, _UPPER = (CHANNELS.index(name) for name in ("jaw", "pucker", "press", "upper"))
_TUCK = CHANNELS.index("tuck")
_TONGUE, _LOWER_TEETH = CHANNELS.index("tongue"), CHANNELS.index("lower_teeth")
_ROLL = POSE_CHANNELS.index("roll")
_OPEN_LIPS_FROM_JAW, _OPEN_LIPS_AT_JAW = 0.02, 0.10
_SHADED_BY_ROUNDING = 0.85  # rounded lips leave the teeth in the dark
_LEAST_SHADE = 0.01
_REFLECTED = 0.35
_DEEPEST_SHADE = 0.75  # a row of teeth stays discernible behind lips that hardly part
_LIT_FROM_UNITS, _LIT_AT_UNITS = 0.02, 0.19  # of the lips' opening
_TONGUE_RISE_UNITS = 0.16
_TONGUE_VISIBLE_FROM_UNITS, _TONGUE_VISIBLE_PER_UNIT = 0.075, 4.4  # of the lips' opening
_NARROW_GONE_AT_JAW, _NARROW_GONE_AT_UPPER = 0.08, 0.25
_HOLE_BELOW = 0.99  # lips that cover more than this everywhere hide the interior


class MouthPainter:
    """Painter of the mouth in consecutive frames; the last inversions are the starting points of the next ones."""

    def __init__(self, source: PuppetSource) -> None:
        self._source = source
        self._unit_px = source.face.unit_px
        self._down = source.face.down_2d
        self._photo_gap_units = source.face.lip_gap_px / self._unit_px
        self._outside = 1 - source.mouth_layers.feather
        self._upper_back: FloatField | None = None
        self._lower_back: FloatField | None = None

    def reset(self) -> None:
        """Drop the last inversions: the next frame does not follow the last one."""
        self._upper_back = self._lower_back = None

    def paint(self, frame: Frame, weights: FloatField) -> None:
        """Draw the mouth for ``weights`` (:data:`~.motion.CHANNELS`,) into ``frame``, whose head is already moved."""
        grid, layers = self._source.mouth, self._source.mouth_layers
        upper_back, lower_back = self._invert(weights)
        origin = np.array([layers.left, layers.top], np.float32)
        upper_map, lower_map = grid.to_map(upper_back - origin), grid.to_map(lower_back - origin)
        lips = self._lips_texture(float(weights[_JAW]))
        mouth: Frame = remap(lips, upper_map)
        lower_alpha: FloatField = remap(layers.lower_alpha, lower_map)
        hole = 1 - remap(layers.upper_alpha, upper_map)
        if layers.photo_interior is None:
            # Closed lips hide the interior however they move; it appears only as the two layers part.
            apart = (upper_back - lower_back) @ self._down.astype(np.float32)
            hole *= grid.upsample(np.clip(apart / np.float32(0.5 + 0.02 * self._unit_px), 0, 1))
        self._paint_interior(mouth, hole, lower_alpha, weights)
        mouth = _blend(mouth, remap(lips, lower_map), lower_alpha)
        box = frame[grid.slices]
        box[:] = cv2.blendLinear(box, mouth, self._outside, layers.feather)

    def _invert(self, weights: FloatField) -> tuple[FloatField, FloatField]:
        source, grid = self._source, self._source.mouth
        warp = weights[: len(WARP_CHANNELS)]
        iterations = _COLD_ITERATIONS if self._upper_back is None else _WARM_ITERATIONS
        self._upper_back = grid.invert(grid.field(source.upper_basis, warp), self._upper_back, iterations)
        self._lower_back = grid.invert(grid.field(source.lower_basis, warp), self._lower_back, iterations)
        return self._upper_back, self._lower_back

    def _lips_texture(self, jaw: float) -> Frame:
        layers = self._source.mouth_layers
        share = (jaw - _OPEN_LIPS_FROM_JAW) / (_OPEN_LIPS_AT_JAW - _OPEN_LIPS_FROM_JAW)
        if share <= 0 or layers.open_lips is layers.photo:
            return layers.photo
        if share >= 1:
            return layers.open_lips
        return np.asarray(cv2.addWeighted(layers.photo, 1 - share, layers.open_lips, share, 0), np.uint8)

    def _paint_interior(self, mouth: Frame, hole: FloatField, lower_alpha: FloatField, weights: FloatField) -> None:
        """Paint the interior behind the ``hole`` of ``mouth``, only where it will be visible."""
        visible = np.minimum(hole, 1 - lower_alpha) > 1 - _HOLE_BELOW
        rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
        if len(rows) == 0:
            return
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        part = mouth[window]
        part[:] = _blend(part, self._interior(weights, window), hole[window])

    def _interior(self, weights: FloatField, window: tuple[slice, slice]) -> Frame:
        """Return cavity, tongue and teeth in a window of the mouth's box, (h, w, 3)."""
        layers = self._source.mouth_layers
        size = (window[1].stop - window[1].start, window[0].stop - window[0].start)
        corner = np.array([window[1].start, window[0].start])
        with_jaw = self._down * JAW_DROP_UNITS * self._unit_px * max(0.0, float(weights[_JAW]))
        tongue, lower_teeth = float(weights[_TONGUE]), float(weights[_LOWER_TEETH])
        with_tongue = with_jaw - self._down * _TONGUE_RISE_UNITS * self._unit_px * tongue
        opening = (self._opening_units(weights) - _TONGUE_VISIBLE_FROM_UNITS) * _TONGUE_VISIBLE_PER_UNIT
        head = self._texture_matrix(weights, corner, np.zeros(2))
        painted, photographed = self._upper_teeth_strengths(weights)
        interior = _place(layers.cavity, head, size, cv2.BORDER_REPLICATE)
        rounding, narrowness = self._rounding(weights), self._narrowness(weights)
        painted_shade = max(rounding, narrowness)
        for layer, matrix, strength, shade in (
            (layers.tongue, self._texture_matrix(weights, corner, with_tongue), max(tongue, opening), rounding / 2),
            (layers.lower_teeth, self._texture_matrix(weights, corner, with_jaw), lower_teeth, painted_shade),
            (layers.upper_teeth, head, painted, painted_shade),
            (layers.photo_interior, head, photographed, max(rounding, self._closing(weights) * narrowness)),
        ):
            if layer is not None and strength > 0.01:
                color = self._in_shadow(_place(layer.color, matrix, size, cv2.BORDER_REPLICATE), shade)
                alpha = _place(layer.alpha, matrix, size, cv2.BORDER_CONSTANT)
                interior = _blend(interior, color, alpha * np.float32(min(1.0, strength)))
        return interior

    def _upper_teeth_strengths(self, weights: FloatField) -> tuple[float, float]:
        """Return the opacity of the painted upper teeth and of the photo's own mouth interior."""
        layers = self._source.mouth_layers
        if layers.photo_interior is None:
            return 1.0, 0.0
        if not layers.photo_interior_is_narrow:
            return 0.0, 1.0
        opened = float(weights[_JAW]) / _NARROW_GONE_AT_JAW + float(weights[_UPPER]) / _NARROW_GONE_AT_UPPER
        return 1.0, 1 - min(1.0, max(0.0, opened))

    def _rounding(self, weights: FloatField) -> float:
        """Return 0..1 how deep a shadow rounded lips cast on the interior."""
        return min(_DEEPEST_SHADE, _SHADED_BY_ROUNDING * max(0.0, float(weights[_PUCKER])))

    def _narrowness(self, weights: FloatField) -> float:
        """Return 0..1 how deep a shadow hardly open lips cast on the interior."""
        lit = (self._opening_units(weights) - _LIT_FROM_UNITS) / (_LIT_AT_UNITS - _LIT_FROM_UNITS)
        return _DEEPEST_SHADE * (1 - min(1.0, max(0.0, lit)))

    @staticmethod
    def _closing(weights: FloatField) -> float:
        """Return 0..1 how far lips parted in the photo have closed: at rest its teeth have their own light."""
        return min(1.0, max(0.0, float(weights[_PRESS])) + max(0.0, float(weights[_TUCK])))

    def _in_shadow(self, color: Frame, shade: float) -> Frame:
        """Return ``color`` (h, w, 3) in the mouth's reddish shadow; merely darkened, teeth would look grey and blue."""
        if shade < _LEAST_SHADE:
            return color
        reflected = self._source.mouth_layers.shadow_color * (_REFLECTED * shade)
        remaining = np.diag((1 - shade) ** self._source.mouth_layers.shadow_exponents)
        return np.asarray(cv2.transform(color, np.column_stack([remaining, reflected])), np.uint8)

    def _opening_units(self, weights: FloatField) -> float:
        """Return how far the lips are apart, from the weights and the photo's own gap, in units."""
        photo_gap = self._photo_gap_units * (1 - min(1.0, float(weights[_PRESS])))
        return max(0.0, float(weights[_JAW])) * JAW_DROP_UNITS + photo_gap

    def _texture_matrix(self, weights: FloatField, corner: Array, offset: Array) -> Array:
        """Return the affine (2, 3) from a window at ``corner`` of the mouth's box to its textures.

        The textures follow the head's pose at the mouth, moved ``offset`` (2,) pixels further.
        """
        source, layers = self._source, self._source.mouth_layers
        pose = weights[POSE_START : len(WARP_CHANNELS)].astype(np.float64)
        shift = pose @ source.mouth_pose + offset
        angle = np.radians(pose[_ROLL])
        inverse_rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        center = source.face.mouth_center[:2]
        start = corner + np.array([source.mouth.left, source.mouth.top])
        return np.column_stack(
            [inverse_rotation, inverse_rotation @ (start - center - shift) + center - [layers.left, layers.top]]
        )


def _blend(under: Frame, over: Frame, alpha: FloatField) -> Frame:
    return np.asarray(cv2.blendLinear(under, over, 1 - alpha, alpha), np.uint8)


def _place(texture: Frame | FloatField, matrix: Array, size: tuple[int, int], border: int) -> Any:
    """Return ``texture`` sampled through ``matrix``, (size[1], size[0][, k]), of the texture's own type."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(texture, matrix, size, flags=flags, borderMode=border)
