"""Text layout on a picture: a bundled font, line wrapping, and several pages for sentences too long for one.

The bundled font covers Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic letters and the signs that
teaching text uses. For other scripts the machine's own fonts are searched. Characters that no font can draw are left
out, and a sentence that would lose too many of them is not drawn at all (its captions still have it).
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

from PIL import ImageFont

BUNDLED_FONT = Path(__file__).parent / "fonts" / "DejaVuSansCondensed-Bold.ttf"
LINE_HEIGHT = 1.28  # in font sizes
READABLE_SHARE = 0.7  # of the letters that must be drawable
_PROBE_PX = 24
_NO_CHARACTER = "\U0010fffe"  # a code point that is never assigned: every font has_glyph its "missing" box for it
# Fonts for scripts that the bundled one lacks, by file name, in order of preference.
_SYSTEM_FONT_NAMES = (
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansDevanagari-Bold.ttf",
    "NotoSansBengali-Bold.ttf",
    "NotoSansTamil-Bold.ttf",
    "NotoSansThai-Bold.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "Nirmala.ttf",
    "unifont.otf",
    "unifont.ttf",
)
_SYSTEM_FONT_FOLDERS = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}.get(sys.platform, ("/usr/share/fonts", "/usr/local/share/fonts"))


@dataclass(frozen=True, slots=True)
class TextStyle:
    """A font file at a size."""

    font_path: Path
    size_px: int

    @property
    def font(self) -> ImageFont.FreeTypeFont:
        return _font(self.font_path, self.size_px)

    @property
    def line_height_px(self) -> float:
        return self.size_px * LINE_HEIGHT

    def width_of(self, text: str) -> float:
        return self.font.getlength(text)


@dataclass(frozen=True, slots=True)
class Page:
    """Lines that are shown together; ``start`` is the character offset at which they begin in the text."""

    lines: tuple[str, ...]
    start: int


@dataclass(frozen=True, slots=True)
class TextLayout:
    style: TextStyle
    pages: tuple[Page, ...]  # at least one, with empty lines when there is nothing to draw


def lay_out(text: str, *, width_px: float, height_px: float, largest_px: int, smallest_px: int) -> TextLayout:
    """Return ``text`` at the largest size that fits into the box, or else several pages at the smallest size."""
    font_path, words = _drawable_words(text)
    for size_px in range(largest_px, smallest_px, -1):
        style = TextStyle(font_path, size_px)
        lines = _wrap(words, style, width_px)
        if len(lines) * style.line_height_px <= height_px:
            return TextLayout(style, (_page(lines),))
    style = TextStyle(font_path, smallest_px)
    lines = _wrap(words, style, width_px)
    per_page = max(1, int(height_px / style.line_height_px))
    page_count = max(1, -(-len(lines) // per_page))
    per_page = max(1, -(-len(lines) // page_count))  # pages of even length read better than a full one and a remainder
    pages = [_page(lines[start : start + per_page]) for start in range(0, len(lines), per_page)]
    return TextLayout(style, tuple(pages) or (Page((), 0),))


def _page(lines: Sequence[tuple[str, int]]) -> Page:
    return Page(tuple(line for line, _ in lines), lines[0][1] if lines else 0)


def _drawable_words(text: str) -> tuple[Path, list[tuple[str, int]]]:
    """Return the font that draws most of ``text``, and the words it can draw with their offsets."""
    letters = {character for character in text if not character.isspace() and character.isprintable()}
    font_path = BUNDLED_FONT
    if letters and not all(has_glyph(font_path, letter) for letter in letters):
        font_path = max(
            (BUNDLED_FONT, *_system_fonts()), key=lambda path: sum(has_glyph(path, letter) for letter in letters)
        )
    words: list[tuple[str, int]] = []
    start = 0
    for word in text.split():
        start = text.index(word, start)
        drawable = "".join(character for character in word if has_glyph(font_path, character))
        if drawable:
            words.append((drawable, start))
        start += len(word)
    if sum(len(word) for word, _ in words) < READABLE_SHARE * sum(len(word) for word in text.split()):
        return font_path, []
    return font_path, words


def _wrap(words: list[tuple[str, int]], style: TextStyle, width_px: float) -> list[tuple[str, int]]:
    """Return lines with the offsets at which they begin.

    Words that are wider than a line are broken, which also serves scripts that are written without spaces.
    """
    lines: list[tuple[str, int]] = []
    line, line_start = "", 0
    for word, start in chain.from_iterable(_break_word(word, style, width_px) for word in words):
        longer = f"{line} {word}" if line else word
        if line and style.width_of(longer) > width_px:
            lines.append((line, line_start))
            line, line_start = word, start
        else:
            line, line_start = longer, line_start if line else start
    return [*lines, (line, line_start)] if line else lines


def _break_word(word: tuple[str, int], style: TextStyle, width_px: float) -> list[tuple[str, int]]:
    text, start = word
    parts = []
    while len(text) > 1 and style.width_of(text) > width_px:
        # Letters are at least a tenth of the size wide, so the search need not cover all of a huge word.
        longest = min(len(text), int(width_px / style.size_px * 10) + 1)
        fitting = max(1, bisect_right(range(1, longest + 1), width_px, key=lambda count: style.width_of(text[:count])))
        parts.append((text[:fitting], start))
        text, start = text[fitting:], start + fitting
    return [*parts, (text, start)]


@lru_cache(maxsize=64)
def _font(path: Path, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size_px)


@lru_cache(maxsize=8_192)
def has_glyph(font_path: Path, character: str) -> bool:
    """Return whether the font has a glyph of its own for the character, rather than the box for missing ones."""
    if character.isspace():
        return True
    return bytes(_font(font_path, _PROBE_PX).getmask(character)) != _missing_box(font_path)


@cache
def _missing_box(font_path: Path) -> bytes:
    return bytes(_font(font_path, _PROBE_PX).getmask(_NO_CHARACTER))


@cache
def _system_fonts() -> tuple[Path, ...]:
    paths: dict[str, Path] = {}
    for folder in map(Path, _SYSTEM_FONT_FOLDERS):
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.name in _SYSTEM_FONT_NAMES:
                paths.setdefault(path.name, path)
    return tuple(paths[name] for name in _SYSTEM_FONT_NAMES if name in paths)
