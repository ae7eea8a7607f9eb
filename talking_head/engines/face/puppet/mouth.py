"""The mouth as layers: a rigid interior, and an upper and a lower lip that slide over it.

Stretching teeth with the lips looks horrible, so teeth and tongue have separate textures that only follow the head (and
the jaw). On photos with parted lips the interior *is* the photo's, so the person keeps their own teeth.

Textures are cropped once per portrait from the photo around the mouth; the renderer moves and stacks them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from talking_head.engines.face.puppet.fields import Grid, remap
from talking_head.engines.face.puppet.geometry import (
    CHEEKS,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LOWER_LIP_RINGS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    Array,
    FaceGeometry,
    FloatField,
    smoothstep,
)
from talking_head.media_io.arrays import Frame

_WIDE_GAP_UNITS = 0.105  # approximate height of the upper teeth
_FEATHER_UNITS = 0.20  # the layers fade into the face over the rim of their box
_TEXTURE_PAD_UNITS = 0.15  # the head moves, so textures reach a little beyond the box they are drawn in


@dataclass(frozen=True, slots=True)
class Layer:
    """A texture and its opacity."""

    color: Frame  # (h, w, 3)
    alpha: FloatField  # (h, w) 0..1

    @classmethod
    def of(cls, color: Array, alpha: Array) -> Layer:
        return cls(_as_bytes(color), alpha.astype(np.float32))


@dataclass(frozen=True, slots=True)
class MouthLayers:
    """Textures of one mouth, all of the same size, in photo pixels from (``left``, ``top``)."""

    left: int
    top: int
    photo: Frame  # (h, w, 3)
    open_lips: Frame  # (h, w, 3) the same without the dark line between the lips
    upper_alpha: FloatField  # (h, w) 1 = upper lip and all above, 0 = hole
    lower_alpha: FloatField  # (h, w) 1 = lower lip and all below
    cavity: Frame  # (h, w, 3) the dark behind everything
    tongue: Layer
    lower_teeth: Layer
    upper_teeth: Layer  # painted
    feather: FloatField  # (box height, box width) 0 at the rim of the drawn box
    photo_interior: Layer | None  # the interior visible between parted lips in the photo
    shadow_color: Array  # (3,) RGB light that lips and gums reflect onto teeth in their shadow
    shadow_exponents: Array  # (3,) RGB of the share of light that remains there: in colour, blue fades first
    photo_interior_is_narrow: bool  # too narrow to fill an open mouth: it gives way to the painted teeth


class _MouthPlane:
    """Texture pixels in the mouth's own oblique axes: x along the lips, y down the face."""

    def __init__(self, face: FaceGeometry, left: int, top: int, width: int, height: int) -> None:
        axes = np.stack([face.right_2d, face.down_2d], 1)
        self._to_face = np.linalg.inv(axes)
        self._center = face.mouth_center[:2]
        x, y = np.meshgrid(np.arange(width) + left, np.arange(height) + top)
        positions = (np.stack([x, y], -1) - self._center) @ self._to_face.T
        self.x, self.y = positions[..., 0], positions[..., 1]  # (h, w)
        self.down = axes[:, 1]
        upper, lower = (self.project(face.flat[list(row)]) for row in (INNER_UPPER_LIP, INNER_LOWER_LIP))
        outer_upper, outer_lower = (self.project(face.flat[list(row)]) for row in (OUTER_UPPER_LIP, OUTER_LOWER_LIP))
        self.upper_edge, self.lower_edge = self._row(upper), self._row(lower)
        self.upper_outline, self.lower_outline = self._row(outer_upper), self._row(outer_lower)
        ends = np.sort(np.concatenate([upper[:, 0], lower[:, 0]]))
        self.middle, half = (ends[0] + ends[-1]) / 2, max((ends[-1] - ends[0]) / 2, 1.0)
        self.across = (self.x - self.middle) / half  # -1 .. 1 between the inner corners
        self.arch = np.maximum(0.0, 1 - np.clip(self.across, -1.2, 1.2) ** 2)
        # The same in units of a relaxed mouth, without the foreshortening of a turned head.
        self.x_units = self.across * face.half_mouth_px / face.unit_px

    def project(self, points: Array) -> Array:
        return np.asarray((points - self._center) @ self._to_face.T)

    def shadow(self, unit_px: float) -> Array:
        """Return (h, w) the height in pixels of the lip's shadow on the photo's own teeth."""
        return np.minimum(0.008 * unit_px, 0.2 * np.maximum(self.lower_edge - self.upper_edge, 0.0))

    def _row(self, points: Array) -> Array:
        order = np.argsort(points[:, 0])
        return np.interp(self.x, points[order, 0], points[order, 1])


def build_mouth(photo: Frame, face: FaceGeometry, box: Grid) -> MouthLayers:
    """Return the layers, cropped and painted, for the mouth drawn in ``box``."""
    unit_px = face.unit_px
    pad = int(np.ceil(_TEXTURE_PAD_UNITS * unit_px))
    picture_height, picture_width = photo.shape[:2]
    left, top = max(0, box.left - pad), max(0, box.top - pad)
    right = min(picture_width, box.left + box.width + pad)
    bottom = min(picture_height, box.top + box.height + pad)
    texture = photo[top:bottom, left:right].copy()
    plane = _MouthPlane(face, left, top, right - left, bottom - top)

    parted = face.lips_parted
    # The shadow that an open mouth's upper lip casts on the teeth belongs to the lip.
    seam_upper = (plane.upper_edge + plane.shadow(unit_px)) if parted else (plane.upper_edge + plane.lower_edge) / 2
    seam_lower = plane.lower_edge if parted else seam_upper
    soft = max(0.6, 0.012 * unit_px)  # half the width of the lips' edges
    below_seam = smoothstep(-soft, soft, plane.y - seam_upper - 0.5 * soft)
    hole = below_seam * smoothstep(0.0, 0.05, plane.arch)
    lower = smoothstep(-soft, soft, plane.y - seam_lower - 0.4 * soft)

    palette = _Palette.of(photo, face, _visible_teeth_color(texture, plane) if parted else None)
    return MouthLayers(
        left=left,
        top=top,
        photo=texture,
        open_lips=texture if parted else _without_seam_line(texture, plane, seam_upper, unit_px),
        upper_alpha=(1 - hole).astype(np.float32),
        lower_alpha=lower.astype(np.float32),
        cavity=_cavity(plane, seam_upper, unit_px, palette),
        tongue=_tongue(plane, seam_lower, unit_px, palette),
        lower_teeth=_lower_teeth(plane, seam_lower, unit_px, palette),
        upper_teeth=_painted_upper_teeth(plane, seam_upper, unit_px, palette),
        feather=_feather(box, _FEATHER_UNITS * unit_px),
        photo_interior=_photo_interior(texture, plane, unit_px) if parted else None,
        shadow_color=palette.gum,
        shadow_exponents=_SHADOW_EXPONENTS if palette.is_color else np.ones(3),
        photo_interior_is_narrow=face.lip_gap_px < _WIDE_GAP_UNITS * unit_px,
    )


_SHADOW_EXPONENTS = np.array([0.85, 1.22, 1.38])
_IVORY = np.array([212.0, 198.0, 176.0])  # teeth in the light of an ordinary photo
_LEAST_TEETH_PIXELS, _TEETH_MOST_RED, _TEETH_LEAST_BRIGHT = 12, 1.35, 90.0  # red in shares of green
_TEETH_RED_OVER_BLUE = 1.04  # the photo's own teeth are never sampled bluer than this


@dataclass(frozen=True, slots=True)
class _Palette:
    """Colours (3,) RGB 0..255 for parts that the photo hides, derived from the light and colours of visible parts."""

    dark: Array
    tooth: Array
    gum: Array
    tongue: Array
    is_color: bool

    @classmethod
    def of(cls, photo: Frame, face: FaceGeometry, photo_tooth: Array | None) -> _Palette:
        """Return the palette of ``face``; ``photo_tooth`` (3,) is the colour of the photo's own teeth, if visible."""
        skin = _median_color(photo, face.flat[list(CHEEKS)])
        lip = _median_color(photo, face.flat[list(LOWER_LIP_RINGS[1][3:6] + LOWER_LIP_RINGS[0][3:6])])
        light = float(skin @ [0.299, 0.587, 0.114])
        tint = skin / max(light, 1.0)
        is_color = bool(np.ptp(skin) > 0.12 * max(light, 1.0))
        dark = np.array([44.0, 16.0, 16.0]) * min(1.0, light / 140)
        tooth = _IVORY * tint**0.6 * np.clip(light / 165, 0.35, 1.1)
        if photo_tooth is not None:
            tooth = 0.35 * tooth + 0.65 * photo_tooth
        tongue = lip * 0.42 + np.array([120.0, 50.0, 50.0]) * 0.22 * min(1.0, light / 150)
        if not is_color:  # a grey photo stays grey
            dark, tongue = np.full(3, dark.mean() * 0.8), np.full(3, tongue.mean())
            tooth = np.full(3, tooth.mean())
        gum = 0.5 * dark + 0.5 * tongue
        return cls(dark=dark, tooth=np.minimum(tooth, 232.0), gum=gum, tongue=tongue, is_color=is_color)

    def shaded_tooth(self, shade: Array) -> Array:
        """Return (h, w, 3) teeth in the mouth's own light: shadows on them are reddish, not grey."""
        return np.asarray(self.gum * (1 - shade[..., None]) + self.tooth * shade[..., None])


def _visible_teeth_color(texture: Frame, plane: _MouthPlane) -> Array | None:
    """Return (3,) the colour of the teeth between parted lips: the brightest third, if it is less red than lips."""
    gap = plane.lower_edge - plane.upper_edge
    inside = (plane.y > plane.upper_edge + 0.2 * gap) & (plane.y < plane.lower_edge - 0.2 * gap)
    colors = texture[inside & (np.abs(plane.across) < 0.7)].astype(np.float64)
    if len(colors) < _LEAST_TEETH_PIXELS:
        return None
    light = colors.sum(1)
    tooth = np.asarray(np.median(colors[light >= np.percentile(light, 67)], axis=0))
    if tooth[0] > _TEETH_MOST_RED * tooth[1] or tooth.mean() < _TEETH_LEAST_BRIGHT:
        return None
    tooth[2] = min(tooth[2], tooth[0] / _TEETH_RED_OVER_BLUE)
    return tooth


def _median_color(photo: Frame, positions: Array) -> Array:
    limit = [photo.shape[1] - 1, photo.shape[0] - 1]
    columns, rows = np.clip(np.round(positions), 0, limit).astype(int).T
    return np.asarray(np.median(photo[rows, columns].astype(np.float64), axis=0))


def _feather(box: Grid, rim_px: float) -> FloatField:
    """Return 0 on the box's rim, 1 from ``rim_px`` inwards; (height, width)."""
    x = np.minimum(np.arange(box.width), box.width - 1 - np.arange(box.width))
    y = np.minimum(np.arange(box.height), box.height - 1 - np.arange(box.height))
    return smoothstep(0.0, rim_px, np.minimum(x[None, :], y[:, None]).astype(np.float64)).astype(np.float32)


def _as_bytes(color: Array) -> Frame:
    return np.clip(color + 0.5, 0, 255).astype(np.uint8)


def _cavity(plane: _MouthPlane, seam: Array, unit_px: float, palette: _Palette) -> Frame:
    depth = np.clip((plane.y - seam) / (0.5 * unit_px), 0, 1)
    return _as_bytes(palette.dark * (0.55 + 0.5 * depth)[..., None])


# Upper teeth from the middle outwards: outer end and length of each, in mouth widths.
_TOOTH_ENDS = (0.165, 0.295, 0.42, 0.56)
_TOOTH_LENGTHS = (0.140, 0.122, 0.128, 0.100)


def _painted_upper_teeth(plane: _MouthPlane, seam: Array, unit_px: float, palette: _Palette) -> Layer:
    outwards = np.abs(plane.x_units)
    below = (plane.y - seam) / unit_px + 0.03  # the lip covers their upper part
    length, between = np.zeros_like(outwards), np.zeros_like(outwards)
    start = 0.0
    for end, tooth_length in zip(_TOOTH_ENDS, _TOOTH_LENGTHS, strict=True):
        inside = (outwards >= start) & (outwards < end)
        from_middle = np.clip((outwards - (start + end) / 2) / ((end - start) / 2), -1, 1)
        length[inside] = (tooth_length * (1 - 0.10 * np.abs(from_middle) ** 4))[inside]
        between[inside] = (np.abs(from_middle) ** 10)[inside]
        start = end
    soft = max(0.018, 0.6 / unit_px)
    alpha = smoothstep(-0.03, 0.0, below) * (1 - smoothstep(length - soft, length + soft * 0.5, below)) * (length > 0)
    alpha *= 1 - smoothstep(0.86, 1.0, np.abs(plane.across))
    lip_shadow = 0.40 + 0.60 * smoothstep(-0.01, 0.10, below)
    in_corner = smoothstep(0.5, 0.95, np.abs(plane.across))
    turned_away = (1 - 0.35 * smoothstep(0.08, 0.45, outwards)) * (1 - 0.75 * in_corner)
    shade = lip_shadow * turned_away * (1 - 0.22 * between)
    return Layer.of(palette.shaded_tooth(shade), alpha * 0.97)


def _photo_interior(texture: Frame, plane: _MouthPlane, unit_px: float) -> Layer:
    """Return the photo between its own parted lips, extended a little above and below for lips that move apart."""
    margin = plane.shadow(unit_px)
    first = plane.upper_edge + margin
    last = np.maximum(plane.lower_edge - margin, first)
    # Between the lips the photo is exact. Above, it is mirrored, which drops the lip's shadow; below, it is extended.
    mirrored = np.minimum(2 * (first - plane.y), 0.7 * np.maximum(plane.lower_edge - plane.upper_edge, 0.0))
    shift = np.where(plane.y < first, mirrored, np.where(plane.y > plane.lower_edge, last - plane.y, 0.0))
    columns, rows = np.meshgrid(np.arange(texture.shape[1]), np.arange(texture.shape[0]))
    source = np.stack([columns, rows], -1) + shift[..., None] * plane.down
    colors = remap(texture, source.astype(np.float32))
    fade = 0.07 * unit_px
    alpha = 1 - smoothstep(-0.01 * unit_px, fade, plane.y - plane.lower_edge)
    alpha *= smoothstep(0.0, 0.03, plane.arch)
    # The extension falls into shadow towards its lower end.
    shade = 1 - 0.5 * smoothstep(0.0, fade, plane.y - plane.lower_edge)
    return Layer.of(colors * shade[..., None], alpha)


def _lower_teeth(plane: _MouthPlane, seam: Array, unit_px: float, palette: _Palette) -> Layer:
    below = (plane.y - seam) / unit_px - 0.02
    length = 0.075 * np.sqrt(np.maximum(0.0, 1 - (plane.across / 0.7) ** 2))
    alpha = smoothstep(-length - 0.02, -length * 0.8, below) * (1 - smoothstep(0.0, 0.02, below))
    alpha *= (length > 0.01) * 0.8
    shade = 0.62 * (1 - 0.4 * np.abs(plane.across) ** 1.5)
    return Layer.of(palette.shaded_tooth(shade), alpha)


def _tongue(plane: _MouthPlane, seam: Array, unit_px: float, palette: _Palette) -> Layer:
    below = (plane.y - seam) / unit_px
    radius = (plane.across / 0.60) ** 2 + ((below - 0.10) / 0.24) ** 2
    alpha = (1 - smoothstep(0.55, 1.05, radius)) * 0.85
    groove = 1 - 0.12 * np.exp(-((plane.across / 0.08) ** 2))
    shade = (1.05 - 0.45 * np.clip(radius, 0, 1)) * groove
    return Layer.of(palette.tongue * shade[..., None], alpha)


def _without_seam_line(texture: Frame, plane: _MouthPlane, seam: Array, unit_px: float) -> Frame:
    """Return the lips as they look when open: the shadow between closed lips is replaced by the lips' inner colour.

    Otherwise each lip would carry half of a dark rim around the open mouth.
    """
    columns, rows = np.meshgrid(np.arange(texture.shape[1]), np.arange(texture.shape[0]))
    from_seam = plane.y - seam
    thickness = np.where(from_seam < 0, seam - plane.upper_outline, plane.lower_outline - seam)
    band = np.minimum(0.085 * unit_px, 0.5 * np.maximum(thickness, 0.0)) * smoothstep(0.0, 0.3, plane.arch)
    side = np.where(from_seam < 0, -1.0, 1.0)
    depth = np.abs(from_seam)
    # Mirrored about the band's inner end, so that the texture continues instead of being smeared.
    shift = side * np.where(depth < band, 1.6 * (band - depth), 0.0)
    source = np.stack([columns, rows], -1) + shift[..., None] * plane.down
    filled = remap(texture, source.astype(np.float32))
    inner = 1 - smoothstep(0.5, 1.0, depth / np.maximum(band, 1e-3))
    inner = np.where(band > 0.5, inner, 0.0)
    wet_shade = 1 - np.where(side < 0, 0.22, 0.10) * (1 - np.clip(depth / np.maximum(band, 1e-3), 0, 1))
    blended = texture + (filled * wet_shade[..., None] - texture) * inner[..., None]
    return _as_bytes(blended)
