"""Blinking: the upper lid's own skin and lashes, pulled down over the eye of the still photo.

The lids are painted into the *photo* before the head's movement is applied, so they need no field of their own and move
with the head at no cost. Only the strip of skin right above the eye is stretched, which leaves brows and rims of
glasses in place; the lash line at its lower end keeps its thickness.
"""

from __future__ import annotations

import cv2
import numpy as np

from talking_head.engines.face.eye_contours import EyeContour
from talking_head.engines.face.puppet.fields import remap
from talking_head.engines.face.puppet.geometry import Array, FaceGeometry, smoothstep
from talking_head.media_io.arrays import Frame

_STRIP_PER_OPENING = 0.95  # height of the skin above the eye that is pulled down, in heights of the eye's opening
_LASHES_PER_OPENING = 0.5  # its lowest part, with the lashes, which on a closed eye point away from the skin
_OVERSHOOT = 1.13  # a closed lid covers the lower lid's edge
_LASH_LINE_STRENGTH = 0.76
_SOFT_CORNERS = 0.09  # of the eye's width
_SMOOTH_ALONG = 0.12  # of the eye's width
_SMOOTH_SKIN = 0.85
_BARE_LID_TRAVEL = 0.22  # of the opening: a lid that has come down this far shows none of the open eye's lashes
_OWN_COLOR_OPENING = 0.45  # of the opening: where the eye is this high its lid has the colour of the skin around it
_SOFT_SIDES = 0.06  # of the eye's width: a lid's colour fades softly towards the corners
_SKIN_BELOW = 1.3  # of the opening: how far below the eye skin is sampled
_SKIN_REACH = 0.4  # of the eye's width: over this distance the skin's colour follows the light on the face
_SKIN_BRIGHTNESS = 50, 95  # percentiles between which pixels around the eye are skin, not lashes, shadow or shine
_TOWARDS_SKIN, _TOWARDS_SKIN_IF_DARK = 0.45, 0.88  # share of the surrounding skin's colour in a closed lid
_CREASE_SHADE, _EDGE_SHADE = 0.78, 0.86  # of a lid, which is round, at its upper and lower end
_STEPS = 24  # closures are rounded to this many steps and cached: a blink repeats the same few


class Eyelid:
    """One eye's lid; ``slices`` is the position of its patches in the photo."""

    def __init__(self, photo: Frame, face: FaceGeometry, eye: EyeContour, brow: Array) -> None:
        axes = np.stack([face.right_2d, face.down_2d], 1)  # (2, 2) columns
        to_face: Array = np.linalg.inv(axes).astype(np.float64)
        upper, lower = eye.upper @ to_face.T, eye.lower @ to_face.T
        order_upper, order_lower = np.argsort(upper[:, 0]), np.argsort(lower[:, 0])
        opening_px = max(
            2.0, float(np.max(np.interp(upper[:, 0], lower[order_lower, 0], lower[order_lower, 1]) - upper[:, 1]))
        )
        strip_px = self._strip_height(opening_px, upper, brow @ to_face.T)
        corners = np.vstack([eye.upper, eye.lower])
        margin = np.array([0.5 * opening_px, strip_px + 2])
        height, width = photo.shape[:2]
        low = np.clip(np.floor(corners.min(0) - margin), 0, [width - 2, height - 2]).astype(int)
        high = np.clip(
            np.ceil(corners.max(0) + np.array([0.5 * opening_px, 0.5 * opening_px + 2])), low + 2, [width, height]
        ).astype(int)
        self.slices = slice(low[1], high[1]), slice(low[0], high[0])
        self._patch = photo[self.slices].copy()
        # Lids are smooth: tips of lashes and hard shadows above the eye would be stretched into streaks.
        eye_px = float(np.ptp(upper[:, 0]))
        self._smooth_patch = cv2.GaussianBlur(
            self._patch, (0, 0), _SMOOTH_ALONG * eye_px, sigmaY=0.06 * opening_px + 0.3
        )
        x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
        self._pixels = np.stack([x, y], -1).astype(np.float64) - low  # (h, w, 2) within the patch
        in_face = np.stack([x, y], -1) @ to_face.T  # (h, w, 2)
        self._along, self._height = in_face[..., 0], in_face[..., 1]
        self._upper_edge = np.interp(self._along, upper[order_upper, 0], upper[order_upper, 1])
        lower_edge = np.interp(self._along, lower[order_lower, 0], lower[order_lower, 1])
        inside = (self._along > upper[order_upper[0], 0]) & (self._along < upper[order_upper[-1], 0])
        opening = np.where(inside, np.maximum(0.0, lower_edge - self._upper_edge), 0.0)
        # The lid's travel fades softly beyond the corners, so that the lashes there lean instead of being cut off.
        self._opening = np.asarray(cv2.GaussianBlur(opening, (0, 0), _SOFT_CORNERS * eye_px), np.float64)
        self._opening_px, self._strip_px = opening_px, strip_px
        middle = smoothstep(0.0, _OWN_COLOR_OPENING * opening_px, self._opening)
        self._middle = np.asarray(cv2.GaussianBlur(middle, (0, 0), _SOFT_SIDES * eye_px), np.float64)
        self._down = axes[:, 1]
        self._lash_color = self._darkest_of_eye()
        self._skin = self._surrounding_skin(photo, upper[order_upper], lower[order_lower], to_face)
        self._patches: dict[int, Frame] = {}

    @staticmethod
    def _strip_height(opening_px: float, upper: Array, brow: Array) -> float:
        """Return the height of the skin to pull down, which never reaches the brow."""
        room = float(np.median(upper[:, 1]) - brow[:, 1].max())
        return float(np.clip(_STRIP_PER_OPENING * opening_px, 2.0, max(2.0, 0.8 * room)))

    def _darkest_of_eye(self) -> Array:
        """Return the colour of lashes and lid edge: the darkest tenth around the upper edge."""
        near_edge = np.abs(self._height - self._upper_edge) < 0.25 * self._opening_px
        colors = self._patch[near_edge & (self._opening > 0)].astype(np.float64)
        if len(colors) == 0:
            return np.zeros(3)
        brightness = colors.sum(1)
        return np.asarray(colors[brightness <= np.percentile(brightness, 10)].mean(0))

    def _surrounding_skin(self, photo: Frame, upper: Array, lower: Array, to_face: Array) -> Array:
        """Return the skin colour around the eye, extended over it so that it follows the face's light; (h, w, 3).

        The skin right above an open eye lies in the crease's shadow; pulled down unchanged, it looks like eye-shadow.
        """
        rows, columns = self.slices
        bottom = min(photo.shape[0], rows.stop + int(_SKIN_BELOW * self._opening_px))
        window = photo[rows.start : bottom, columns]
        x, y = np.meshgrid(np.arange(columns.start, columns.stop), np.arange(rows.start, bottom))
        along, height = np.moveaxis(np.stack([x, y], -1) @ to_face.T, -1, 0)
        off_upper, off_lower = (height - np.interp(along, row[:, 0], row[:, 1]) for row in (upper, lower))
        around = (off_lower > 0.3 * self._opening_px) | (off_upper < -0.35 * self._opening_px)
        light = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.float64)
        low, high = np.percentile(light[around] if around.any() else light, _SKIN_BRIGHTNESS)
        is_skin = (around & (light >= low) & (light <= high)).astype(np.float64)[..., None] + 1e-4
        sigma = _SKIN_REACH * float(np.ptp(upper[:, 0]))
        colors = cv2.GaussianBlur(window * is_skin, (0, 0), sigma)
        skin = colors / cv2.GaussianBlur(is_skin[..., 0], (0, 0), sigma)[..., None]
        return np.asarray(skin[: rows.stop - rows.start], np.float64)

    def patch(self, closed: float) -> Frame:
        """Return the eye with its lid ``closed`` 0..1, (height, width, 3), to be put at ``slices``."""
        step = round(float(np.clip(closed, 0, 1)) * _STEPS)
        if step not in self._patches:
            self._patches[step] = self._paint(step / _STEPS)
        return self._patches[step]

    def _paint(self, closed: float) -> Frame:
        travel = self._opening * closed * _OVERSHOOT  # (h, w) how far the lid comes down at each pixel
        top = self._upper_edge - self._strip_px
        edge = self._upper_edge + 0.06 * self._opening_px + travel
        # The lid's skin is taken evenly from the strip above the lashes; a lid that has hardly moved keeps its own.
        lashes = min(_LASHES_PER_OPENING * self._opening_px, 0.5 * self._strip_px)
        lowered = smoothstep(0.0, _BARE_LID_TRAVEL * self._opening_px, travel)
        without_lashes = float(smoothstep(0.0, 0.5, np.array(closed))) * lowered
        source_end = self._upper_edge + 0.06 * self._opening_px - lashes * without_lashes
        share = np.clip((self._height - top) / np.maximum(edge - top, 1e-3), 0, 1)
        drawn_from = top + share * (source_end - top)
        source = self._pixels - np.where(self._height > top, self._height - drawn_from, 0.0)[..., None] * self._down
        positions = source.astype(np.float32)
        lid, smooth = remap(self._patch, positions).astype(np.float64), remap(self._smooth_patch, positions)
        lid += (smooth - lid) * (_SMOOTH_SKIN * without_lashes * smoothstep(0.0, 0.4, share))[..., None]
        lid = self._towards_skin(lid, share, smoothstep(0.0, 0.5, np.array(closed)) * self._middle)
        from_edge = self._height - edge
        covered = (1 - smoothstep(-0.7, 0.7, from_edge)) * smoothstep(0.0, 1.5, travel)
        painted = self._patch + (lid - self._patch) * covered[..., None]
        painted += (self._lash_color - painted) * self._lash_line(from_edge, closed)[..., None]
        return np.asarray(np.clip(painted + 0.5, 0, 255), np.uint8)

    def _towards_skin(self, lid: Array, share: Array, strength: Array) -> Array:
        """Return ``lid`` (h, w, 3) blended towards the surrounding skin's colour, softly shaded as a round form.

        ``share`` (h, w) is 0 at the lid's upper end and 1 at its edge, ``strength`` (h, w) 0..1.
        """
        roundness = np.interp(share, [0.0, 0.25, 0.65, 1.0], [_CREASE_SHADE, 0.92, 1.0, _EDGE_SHADE])
        skin = self._skin * roundness[..., None]
        darker = 1 - lid.sum(-1) / np.maximum(skin.sum(-1), 1.0)
        amount = _TOWARDS_SKIN + (_TOWARDS_SKIN_IF_DARK - _TOWARDS_SKIN) * smoothstep(0.05, 0.35, darker)
        return np.asarray(lid + (skin - lid) * (amount * strength * smoothstep(0.0, 0.35, share))[..., None])

    def _lash_line(self, from_edge: Array, closed: float) -> Array:
        """Return the lashes' opacity (h, w): a soft line on the lid's edge, longer downwards, thin at the corners."""
        thickness = 0.08 * self._opening_px + 0.3
        line = np.exp(-((from_edge / np.where(from_edge < 0, thickness, 1.6 * thickness)) ** 2))
        where_open = smoothstep(0.1, 0.7, self._opening / self._opening_px)
        return np.asarray(line * where_open * _LASH_LINE_STRENGTH * smoothstep(0.0, 0.4, np.array(closed)))
