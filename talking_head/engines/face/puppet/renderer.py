"""One frame from one row of weights: warp the head, then stack the mouth's layers on it."""

from __future__ import annotations

import cv2
import numpy as np

from talking_head.engines.base import Frame
from talking_head.engines.face.puppet.expressions import JAW_DROP_UNITS
from talking_head.engines.face.puppet.fields import Grid, remap
from talking_head.engines.face.puppet.geometry import Array, FloatField
from talking_head.engines.face.puppet.head_pose import POSE_CHANNELS
from talking_head.engines.face.puppet.motion import CHANNELS
from talking_head.engines.face.puppet.source import POSE_START, WARP_CHANNELS, PuppetSource

_COLD_ITERATIONS, _WARM_ITERATIONS = 10, 5
_HEAD_COLD_ITERATIONS, _HEAD_WARM_ITERATIONS = 7, 3
_LEAST_WEIGHT = 1e-3
_TEETH_HIDDEN_BY_ROUNDING = 1.5  # rounded lips leave the teeth in the dark
_JAW, _PUCKER, _PRESS = (CHANNELS.index(name) for name in ("jaw", "pucker", "press"))
_BLINK, _TONGUE, _LOWER_TEETH = (CHANNELS.index(name) for name in ("blink", "tongue", "lower_teeth"))
_ROLL = POSE_CHANNELS.index("roll")
_OPEN_LIPS_FROM_JAW, _OPEN_LIPS_AT_JAW = 0.02, 0.10


class Renderer:
    """Draws consecutive frames of one clip; keeps the last inversions as the next ones' starting points."""

    def __init__(self, source: PuppetSource) -> None:
        self._source = source
        self._frame = source.photo.copy()
        self._painted = source.moving_photo.copy()  # the photo, with lids drawn in while it blinks
        self._lids_drawn = False
        self._head_back: FloatField | None = None
        self._upper_back: FloatField | None = None
        self._lower_back: FloatField | None = None

    def draw(self, weights: FloatField) -> Frame:
        """The frame for ``weights`` (:data:`~.motion.CHANNELS`,). Its memory is used again by the next call."""
        source = self._source
        if not weights.any():
            np.copyto(self._frame, source.photo)
            self._head_back = self._upper_back = self._lower_back = None
            return self._frame
        photo = self._photo_with_lids(float(weights[_BLINK]))
        warp = weights[: len(WARP_CHANNELS)]
        iterations = _HEAD_COLD_ITERATIONS if self._head_back is None else _HEAD_WARM_ITERATIONS
        self._head_back = self._invert(source.head, source.head_basis, warp, self._head_back, iterations)
        head_map = source.head.to_map(self._head_back)
        self._frame[source.head.slices] = remap(photo, head_map)
        if np.abs(weights[:POSE_START]).max() > _LEAST_WEIGHT:
            self._draw_mouth(weights)
        else:
            self._upper_back = self._lower_back = None
        return self._frame

    @staticmethod
    def _invert(
        grid: Grid, basis: FloatField, warp: FloatField, start: FloatField | None, iterations: int
    ) -> FloatField:
        return grid.invert((warp @ basis).reshape(grid.rows, grid.columns, 2), start, iterations)

    def _photo_with_lids(self, closed: float) -> Frame:
        if closed < 0.02 and not self._lids_drawn:
            return self._source.moving_photo
        self._lids_drawn = closed >= 0.02
        for lid in self._source.eyelids:
            self._painted[lid.slices] = lid.patch(closed) if self._lids_drawn else self._source.moving_photo[lid.slices]
        return self._painted if self._lids_drawn else self._source.moving_photo

    def _draw_mouth(self, weights: FloatField) -> None:
        source, layers = self._source, self._source.mouth_layers
        grid, warp = source.mouth, weights[: len(WARP_CHANNELS)]
        iterations = _COLD_ITERATIONS if self._upper_back is None else _WARM_ITERATIONS
        self._upper_back = self._invert(grid, source.upper_basis, warp, self._upper_back, iterations)
        self._lower_back = self._invert(grid, source.lower_basis, warp, self._lower_back, iterations)
        origin = np.array([layers.left, layers.top], np.float32)
        upper_map = grid.to_map(self._upper_back - origin)
        lower_map = grid.to_map(self._lower_back - origin)

        lips = self._lips_texture(float(weights[_JAW]))
        upper = _sample(lips, upper_map)
        upper_alpha = _sample(layers.upper_alpha, upper_map)
        lower_alpha = _sample(layers.lower_alpha, lower_map)
        if not layers.shows_interior_at_rest:
            # Closed lips hide the interior however they are moved; it appears as the two layers really part.
            apart = (self._upper_back - self._lower_back) @ source.face.down_2d.astype(np.float32)
            threshold = 0.5 + 0.02 * source.face.unit_px
            parted = grid.upsample(np.clip(apart / np.float32(threshold), 0, 1))
            upper_alpha = 1 - (1 - upper_alpha) * parted
        hidden = np.maximum(upper_alpha, lower_alpha)
        if float(hidden.min()) < 0.99:
            interior = self._interior(weights)
            upper = upper * upper_alpha[..., None] + interior * (1 - upper_alpha[..., None])
        mouth = upper + (_sample(lips, lower_map) - upper) * lower_alpha[..., None]
        below = self._frame[grid.slices]
        below[:] = below + (mouth - below) * layers.feather[..., None] + np.float32(0.5)

    def _lips_texture(self, jaw: float) -> Frame:
        layers = self._source.mouth_layers
        share = (jaw - _OPEN_LIPS_FROM_JAW) / (_OPEN_LIPS_AT_JAW - _OPEN_LIPS_FROM_JAW)
        if share <= 0 or layers.open_lips is layers.photo:
            return layers.photo
        if share >= 1:
            return layers.open_lips
        return cv2.addWeighted(layers.photo, 1 - share, layers.open_lips, share, 0)  # type: ignore[return-value]

    def _interior(self, weights: FloatField) -> FloatField:
        """Cavity, tongue and teeth at the mouth's box, (h, w, 3)."""
        layers = self._source.mouth_layers
        jaw = max(0.0, float(weights[_JAW]))
        jaw_way = self._source.face.down_2d * JAW_DROP_UNITS * self._source.face.unit_px * jaw
        head = self._interior_matrix(weights, np.zeros(2))
        tongue_up = -self._source.face.down_2d * 0.16 * self._source.face.unit_px * float(weights[_TONGUE])
        tongue_seen = min(1.0, max(float(weights[_TONGUE]), (self._opening(weights) - 0.075) * 4.4))
        interior = self._place(layers.cavity, head, cv2.BORDER_REPLICATE)
        for texture, matrix, strength in (
            (layers.tongue, self._interior_matrix(weights, jaw_way + tongue_up), tongue_seen),
            (layers.lower_teeth, self._interior_matrix(weights, jaw_way), float(weights[_LOWER_TEETH])),
            (layers.upper_teeth, head, 1 - _TEETH_HIDDEN_BY_ROUNDING * max(0.0, float(weights[_PUCKER]))),
        ):
            if strength > 0.01:
                placed = self._place(texture, matrix, cv2.BORDER_CONSTANT) * np.float32(min(1.0, strength))
                interior = interior * (1 - placed[..., 3:]) + placed[..., :3]
        return interior

    def _opening(self, weights: FloatField) -> float:
        """How far the lips are apart, in units, from the weights and the photo's own gap."""
        face = self._source.face
        photo_gap = face.lip_gap_px / face.unit_px * (1 - min(1.0, float(weights[_PRESS])))
        return max(0.0, float(weights[_JAW])) * JAW_DROP_UNITS + photo_gap

    def _interior_matrix(self, weights: FloatField, way: Array) -> Array:
        """Affine (2, 3) from the mouth's box to its textures: the head's pose at the mouth, plus ``way``."""
        source, layers = self._source, self._source.mouth_layers
        pose = weights[POSE_START : len(WARP_CHANNELS)].astype(np.float64)
        shift = pose @ source.mouth_pose + way
        angle = np.radians(pose[_ROLL])
        turn_back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        center = source.face.mouth_center[:2]
        corner = np.array([source.mouth.left, source.mouth.top])
        return np.column_stack([turn_back, turn_back @ (corner - center - shift) + center - [layers.left, layers.top]])

    def _place(self, texture: FloatField, matrix: Array, border: int) -> FloatField:
        size = (self._source.mouth.width, self._source.mouth.height)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(texture, matrix, size, flags=flags, borderMode=border)  # type: ignore[return-value]


def _sample(texture: FloatField | Frame, places: FloatField) -> FloatField:
    return remap(texture, places).astype(np.float32, copy=False)
