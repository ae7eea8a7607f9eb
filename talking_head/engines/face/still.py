"""The last-resort fallback engine: the unmoving portrait, the sentence on it, and a label that marks it as a fallback.

It needs no model: without face networks the portrait is cropped in its middle instead of around the face, and without
a portrait a neutral card is shown. It is deterministic and draws one picture per page of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.face.framing import cut_and_scale, even, faceless_crop, output_size
from talking_head.engines.face.still_picture import neutral_card, with_mark, with_words
from talking_head.engines.face.still_text import TextLayout, lay_out
from talking_head.errors import EngineError
from talking_head.media_io.arrays import Frame
from talking_head.timebase import VIDEO_FPS

WORDS_WIDTH = 0.88  # of the picture
WORDS_HEIGHT = 0.3  # more would hide the mouth
LARGEST_TEXT, SMALLEST_TEXT = 0.066, 0.05  # of the picture's shorter side
SMALLEST_TEXT_PX = 9
LEAST_TEXT_WIDTH_PX = 64  # narrower pictures have no room for words


@dataclass(frozen=True, slots=True)
class StillSource:
    """The picture behind the words, label included."""

    picture: Frame  # (height, width, 3)

    @property
    def width_px(self) -> int:
        return int(self.picture.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.picture.shape[0])


@dataclass(frozen=True, slots=True)
class StillMotion:
    """The sentence's pages and the frame at which each one appears."""

    layout: TextLayout | None
    page_starts: tuple[int, ...]  # frame numbers, ascending, the first is 0
    frame_count: int


class StillFace:
    """A :class:`~talking_head.engines.base.FaceEngine` that needs no model, and the only one that needs no portrait."""

    name = "still"
    version = "2"

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> StillSource:
        """Return the portrait framed as the other engines frame it, or a neutral card when there is none."""
        if portrait is None:
            side = even(framing.size_px)
            picture = neutral_card(side, side)
        else:
            picture = _framed(portrait.rgb, framing)
        return StillSource(with_mark(picture))

    def motion(self, source: StillSource, take: Take, *, text: str, seed: int, expression_scale: float) -> StillMotion:
        """Return the page schedule: a sentence too long for one page gets several, each from its first word on."""
        if source.width_px < LEAST_TEXT_WIDTH_PX or not text.strip():
            return StillMotion(None, (0,), take.frame_count)
        shorter = min(source.width_px, source.height_px)
        smallest = max(SMALLEST_TEXT_PX, round(shorter * SMALLEST_TEXT))
        layout = lay_out(
            text,
            width_px=source.width_px * WORDS_WIDTH,
            height_px=source.height_px * WORDS_HEIGHT,
            largest_px=max(smallest, round(shorter * LARGEST_TEXT)),
            smallest_px=smallest,
        )
        return StillMotion(layout, _page_starts(layout, take, len(text)), take.frame_count)

    def frames(self, source: StillSource, motion: StillMotion) -> Iterator[Frame]:
        ends = (*motion.page_starts[1:], motion.frame_count)
        for number, (start, end) in enumerate(zip(motion.page_starts, ends, strict=True)):
            picture = source.picture
            if motion.layout is not None and motion.layout.pages[number].lines:
                picture = with_words(picture, motion.layout.style, motion.layout.pages[number].lines)
            for _ in range(start, end):
                yield picture


def _framed(rgb: Frame, framing: Framing) -> Frame:
    height, width = rgb.shape[:2]
    framed = _framed_around_face(rgb, framing)
    if framed is not None:
        return framed
    box = faceless_crop(width, height, framing.preprocess)
    return cut_and_scale(rgb, box, output_size(width, height, framing))


def _framed_around_face(rgb: Frame, framing: Framing) -> Frame | None:
    """Return exactly the puppet's picture, so that a fallback between its clips does not jump; None without a face.

    The imports are local because the fallback must work where the networks or their packages are missing.
    """
    try:
        from talking_head.engines.face.face_search import largest_face
        from talking_head.engines.face.puppet.framing import frame_portrait

        landmarks = largest_face(rgb)
        return frame_portrait(rgb, landmarks.points, framing).rgb if landmarks is not None else None
    except (EngineError, ImportError):
        return None


def _page_starts(layout: TextLayout, take: Take, text_length: int) -> tuple[int, ...]:
    """Return the frame in which each page's first word begins; without timed words, pages are spread by text length."""
    starts = [0]
    for page in layout.pages[1:]:
        word_starts = [word.start_seconds for word in take.words if word.end > page.start]
        share = page.start / max(1, text_length)
        frame = round(word_starts[0] * VIDEO_FPS if word_starts else take.frame_count * share)
        starts.append(min(max(frame, starts[-1]), take.frame_count))
    return tuple(starts)
