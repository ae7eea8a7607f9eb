"""Draws the pictures of this folder: ``python -m avatars.presenters.draw``. Shapes with soft shadows, no photograph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE, SCALE = 640, 2  # drawn twice as large, then reduced: smooth edges
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
Points = Sequence[tuple[float, float]]
FACE: Box = (206, 116, 434, 464)
LONG_HAIR: Box = (174, 78, 466, 470)
SHORT_HAIR: Box = (192, 84, 448, 400)


@dataclass(frozen=True, slots=True)
class Presenter:
    name: str
    skin: Colour
    hair: Colour
    eyes: Colour
    lips: Colour
    clothes: Colour
    background: Colour
    has_long_hair: bool


PRESENTERS = (
    Presenter(
        "Robin", (224, 178, 150), (70, 44, 30), (84, 106, 92), (178, 96, 92), (44, 86, 122), (214, 226, 232), True
    ),
    Presenter("Sam", (146, 98, 70), (28, 22, 20), (58, 38, 26), (128, 68, 62), (38, 104, 84), (232, 224, 208), False),
)


class Canvas:
    """A picture on which blurred shapes are painted; coordinates are those of the finished picture."""

    def __init__(self, background: Colour) -> None:
        self.image = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), background)

    def ellipse(
        self, box: Box, colour: Colour, blur: float = 0.0, alpha: float = 1.0, within: Box | None = None
    ) -> None:
        self._paint(lambda pen: pen.ellipse(_scaled(box), fill=255), colour, blur, alpha, within)

    def polygon(
        self, points: Points, colour: Colour, blur: float = 0.0, alpha: float = 1.0, within: Box | None = None
    ) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._paint(lambda pen: pen.polygon(scaled, fill=255), colour, blur, alpha, within)

    def arc(
        self, box: Box, angles: tuple[float, float], colour: Colour, width: float, blur: float = 0.0, alpha: float = 1.0
    ) -> None:
        line = round(width * SCALE)
        self._paint(lambda pen: pen.arc(_scaled(box), *angles, fill=255, width=line), colour, blur, alpha, None)

    def _paint(
        self, draw: Callable[[ImageDraw.ImageDraw], None], colour: Colour, blur: float, alpha: float, within: Box | None
    ) -> None:
        mask = Image.new("L", self.image.size, 0)
        draw(ImageDraw.Draw(mask))
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        if within:
            inside = Image.new("L", self.image.size, 0)
            ImageDraw.Draw(inside).ellipse(_scaled(within), fill=255)
            mask = ImageChops.multiply(mask, inside)
        self.image.paste(colour, mask=mask.point(lambda value: round(value * alpha)))


def _scaled(box: Box) -> Box:
    left, top, right, bottom = (value * SCALE for value in box)
    return left, top, right, bottom


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def draw(who: Presenter) -> Image.Image:
    canvas = Canvas(who.background)
    dark, light = _mixed(who.skin, (60, 20, 10), 0.35), _mixed(who.skin, (255, 244, 230), 0.35)
    canvas.ellipse((60, -60, 580, 460), _mixed(who.background, (255, 255, 255), 0.5), 60, 0.8)
    _body(canvas, who, dark)
    _head(canvas, who, dark, light)
    for side in (-1, 1):
        _eye(canvas, who, dark, side)
    _nose(canvas, dark, light)
    _mouth(canvas, who, dark)
    _fringe(canvas, who)
    return canvas.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _body(canvas: Canvas, who: Presenter, dark: Colour) -> None:
    if who.has_long_hair:
        canvas.ellipse(LONG_HAIR, who.hair, 2)
        canvas.ellipse((166, 190, 474, 560), who.hair, 4)
    canvas.ellipse((90, 500, 550, 860), who.clothes, 2)
    canvas.polygon([(268, 400), (372, 400), (396, 540), (320, 590), (244, 540)], who.skin, 2)
    canvas.ellipse((262, 420, 378, 500), dark, 14, 0.7)
    canvas.ellipse((120, 560, 300, 800), _mixed(who.clothes, (0, 0, 0), 0.3), 40, 0.5)


def _head(canvas: Canvas, who: Presenter, dark: Colour, light: Colour) -> None:
    if not who.has_long_hair:
        for side in (-1, 1):
            canvas.ellipse((320 + side * 124 - 18, 270, 320 + side * 124 + 18, 340), _mixed(who.skin, dark, 0.4), 2)
        canvas.ellipse(SHORT_HAIR, who.hair, 2)
    canvas.ellipse(FACE, who.skin, 1.5)
    canvas.ellipse((196, 240, 240, 440), dark, 18, 0.55, FACE)
    canvas.ellipse((400, 240, 444, 440), dark, 18, 0.55, FACE)
    canvas.ellipse((250, 150, 390, 230), light, 28, 0.5)
    for side in (-1, 1):
        canvas.ellipse((320 + side * 66 - 34, 318, 320 + side * 66 + 34, 366), (214, 104, 96), 18, 0.22)
        canvas.ellipse((320 + side * 60 - 26, 300, 320 + side * 60 + 26, 330), light, 12, 0.35)
    canvas.ellipse((292, 424, 348, 452), light, 10, 0.4)


def _eye(canvas: Canvas, who: Presenter, dark: Colour, side: int) -> None:
    x, y = 320 + side * 54, 276
    canvas.ellipse((x - 36, y - 26, x + 36, y + 20), dark, 9, 0.45)
    eye = (x - 26, y - 13, x + 26, y + 13)
    canvas.ellipse(eye, (244, 242, 238), 0.8)
    canvas.ellipse((x - 13, y - 14, x + 13, y + 12), who.eyes, 0.8, within=eye)
    canvas.ellipse((x - 6, y - 7, x + 6, y + 5), (14, 12, 12), 0.5, within=eye)
    canvas.ellipse((x - 28, y - 24, x + 28, y - 8), _mixed(dark, (0, 0, 0), 0.3), 4, 0.6, eye)
    canvas.ellipse((x + 2, y - 8, x + 7, y - 3), (255, 255, 255), 0.5)
    canvas.arc((x - 28, y - 15, x + 28, y + 19), (190, 350), (34, 22, 18), 4, 0.7)
    canvas.arc((x - 27, y - 17, x + 27, y + 14), (20, 160), _mixed(dark, (0, 0, 0), 0.2), 1.6, 0.7, 0.7)
    canvas.arc((x - 32, y - 26, x + 32, y + 20), (205, 335), dark, 2, 1, 0.7)
    canvas.arc((x - 42, y - 48, x + 42, y + 22), (212, 328), who.hair, 9, 1.6, 0.9)


def _nose(canvas: Canvas, dark: Colour, light: Colour) -> None:
    canvas.polygon([(306, 268), (298, 340), (310, 340), (314, 268)], dark, 6, 0.4)
    canvas.polygon([(317, 262), (314, 348), (328, 348), (324, 262)], light, 5, 0.6)
    canvas.ellipse((296, 342, 344, 368), dark, 6, 0.5)
    canvas.ellipse((304, 332, 338, 358), light, 6, 0.5)
    for side in (-1, 1):
        canvas.ellipse((320 + side * 13 - 7, 356, 320 + side * 13 + 7, 364), _mixed(dark, (0, 0, 0), 0.45), 1.6, 0.85)
        angles = (100, 270) if side < 0 else (270, 80)
        canvas.arc((320 + side * 21 - 9, 342, 320 + side * 21 + 9, 368), angles, dark, 3, 1.6, 0.7)


def _mouth(canvas: Canvas, who: Presenter, dark: Colour) -> None:
    upper = [(276, 400), (300, 392), (312, 389), (320, 392), (328, 389), (340, 392), (364, 400), (340, 404), (300, 404)]
    lower = [(276, 400), (300, 403), (340, 403), (364, 400), (344, 416), (320, 421), (296, 416)]
    canvas.ellipse((290, 416, 350, 432), dark, 6, 0.45)
    canvas.polygon(upper, _mixed(who.lips, (40, 0, 0), 0.2), 1.4)
    canvas.polygon(lower, who.lips, 1.4)
    canvas.ellipse((302, 407, 338, 415), _mixed(who.lips, (255, 255, 255), 0.5), 4, 0.6)
    canvas.arc((270, 378, 370, 404), (25, 155), _mixed(who.lips, (20, 0, 0), 0.7), 2.2, 0.7)


def _fringe(canvas: Canvas, who: Presenter) -> None:
    if who.has_long_hair:
        left = [(336, 70), (350, 110), (262, 176), (214, 240), (200, 330), (160, 330), (160, 70)]
        right = [(326, 70), (336, 104), (396, 150), (428, 220), (440, 330), (480, 330), (480, 70)]
        canvas.polygon(left, who.hair, 3, within=LONG_HAIR)
        canvas.polygon(right, who.hair, 3, within=LONG_HAIR)
    else:
        line = [(206, 270), (214, 190), (250, 152), (320, 142), (390, 152), (426, 190), (434, 270)]
        canvas.polygon([(180, 280), *line, (460, 280), (460, 60), (180, 60)], who.hair, 4, within=SHORT_HAIR)
    canvas.arc((220, 100, 420, 320), (215, 300), _mixed(who.hair, (255, 255, 255), 0.22), 9, 7, 0.5)


if __name__ == "__main__":
    for presenter in PRESENTERS:
        draw(presenter).save(Path(__file__).with_name(f"{presenter.name.lower()}.png"), optimize=True)
