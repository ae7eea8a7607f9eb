"""The still engine's drawing: the neutral card, the fallback label, and the panel with the words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from talking_head.engines.face.still_text import BUNDLED_FONT, TextStyle
from talking_head.media_io.arrays import Frame

MARK = "Stand-in picture"
CARD_TOP_RGB, CARD_BOTTOM_RGB = (36, 74, 82), (17, 38, 46)
FIGURE_RGB = (120, 168, 170)
PANEL_RGB = (10, 16, 20)
PANEL_OPACITY = 0.82
WORDS_RGB = (255, 255, 255)
MARK_RGB, MARK_TEXT_RGB = (255, 205, 92), (38, 27, 0)
SMOOTHING = 4  # supersampling of shapes: Pillow draws without anti-aliasing
LEAST_MARK_SIDE_PX = 48


def neutral_card(width_px: int, height_px: int) -> Frame:
    """Return a calm gradient with the outline of an unspecific person, (height, width, 3)."""
    down = np.linspace(0, 1, height_px)[:, None, None]  # (height, 1, 1)
    top, bottom = np.array(CARD_TOP_RGB), np.array(CARD_BOTTOM_RGB)
    gradient = np.broadcast_to(top + (bottom - top) * down, (height_px, width_px, 3))
    shape = Image.new("L", (width_px * SMOOTHING, height_px * SMOOTHING))
    draw = ImageDraw.Draw(shape)
    side = min(shape.size)
    x, y = shape.width / 2, shape.height * 0.33
    head = side * 0.125
    draw.ellipse((x - head, y - head * 1.12, x + head, y + head * 1.12), fill=255)
    top_of_shoulders = y + head * 1.4
    draw.rounded_rectangle(
        (x - head * 2.1, top_of_shoulders, x + head * 2.1, top_of_shoulders + head * 5), radius=head * 1.6, fill=255
    )
    return _blend(gradient, FIGURE_RGB, _opacity(shape, width_px, height_px))


def with_mark(picture: Frame) -> Frame:
    """Return a copy of ``picture`` (height, width, 3) with a label in its upper left corner: this is a fallback."""
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_MARK_SIDE_PX:  # no room for words: a bar of the same colour along the top
        marked = picture.copy()
        marked[: max(1, height // 16)] = MARK_RGB
        return marked
    style = TextStyle(BUNDLED_FONT, _mark_size_px(width, height))
    padding, margin = style.size_px * 0.6, max(2.0, min(width, height) * 0.03)
    box_height = style.size_px * 1.75
    box = (margin, margin, margin + style.width_of(MARK) + 2 * padding, margin + box_height)
    marked = _blend(picture, MARK_RGB, _rounded_box(width, height, box, radius=box_height / 2))
    return _write(
        marked, style, MARK, x=box[0] + padding, middle=margin + box_height / 2, rgb=MARK_TEXT_RGB, anchor="lm"
    )


def with_words(picture: Frame, style: TextStyle, lines: Sequence[str]) -> Frame:
    """Return a copy of ``picture`` with ``lines`` on a dark panel along its lower edge."""
    height, width = picture.shape[:2]
    padding = style.size_px * 0.6
    panel_top = height - (len(lines) * style.line_height_px + 2 * padding)
    # The panel fades in above the words, so that it blends with the picture instead of cutting it.
    fade = style.size_px * 1.5
    rows = np.arange(height, dtype=np.float32)
    opacity = np.clip((rows - (panel_top - fade)) / fade, 0, 1) * PANEL_OPACITY  # (height,)
    page = _blend(picture, PANEL_RGB, np.repeat(opacity[:, None, None], width, axis=1))
    for number, line in enumerate(lines):
        middle = panel_top + padding + (number + 0.5) * style.line_height_px
        page = _write(page, style, line, x=width / 2, middle=middle, rgb=WORDS_RGB, anchor="mm")
    return page


def _mark_size_px(width: int, height: int) -> int:
    """Return a font size readable at arm's length whose label is never wider than the picture."""
    size_px = max(8, round(min(width, height) * 0.042))
    while size_px > 4 and TextStyle(BUNDLED_FONT, size_px).width_of(MARK) + size_px * 1.2 > width * 0.92:
        size_px -= 1
    return size_px


def _rounded_box(
    width: int, height: int, box: tuple[float, float, float, float], *, radius: float
) -> NDArray[np.float32]:
    """Return the opacity (height, width, 1) of a filled box with round corners."""
    shape = Image.new("L", (width * SMOOTHING, height * SMOOTHING))
    ImageDraw.Draw(shape).rounded_rectangle([value * SMOOTHING for value in box], radius=radius * SMOOTHING, fill=255)
    return _opacity(shape, width, height)


def _opacity(shape: Image.Image, width: int, height: int) -> NDArray[np.float32]:
    """Return the painted ``shape`` averaged down to (height, width, 1), 0..1."""
    small = np.asarray(shape.resize((width, height), Image.Resampling.BOX), np.float32)
    return small[..., None] / np.float32(255)


def _blend(picture: NDArray[np.number], rgb: tuple[int, int, int], opacity: NDArray[np.float32]) -> Frame:
    """Return ``rgb`` composited over ``picture`` (height, width, 3) with ``opacity`` (height, width, 1)."""
    mixed = picture.astype(np.float32) * (1 - opacity) + np.array(rgb, np.float32) * opacity
    return np.rint(mixed).astype(np.uint8)


def _write(
    picture: Frame, style: TextStyle, text: str, *, x: float, middle: float, rgb: tuple[int, int, int], anchor: str
) -> Frame:
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text((x, middle), text, font=style.font, fill=rgb, anchor=anchor)
    return np.array(image)
