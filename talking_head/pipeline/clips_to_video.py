"""Joins clips into the lesson's video: a remux into one MP4. Nothing is encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talking_head.errors import RendererError
from talking_head.media_io.atomic_files import atomic_path
from talking_head.media_io.clip_index import index_clip
from talking_head.media_io.joined_video import ChapterMark, join_clips
from talking_head.media_io.mp4_boxes import synthetic_mark
from talking_head.media_io.video import VideoInfo, read_header
from talking_head.timebase import VIDEO_FPS

TOOL = "Lectern"
SYNTHETIC_NOTICE = "Synthetic video: the portrait is animated and the voice is spoken by software."
RECORDED_NOTICE = "Synthetic video: the portrait is animated by software, the voice is a recording."
# BCP 47 primary language -> ISO 639-2, the three letters that MP4 has room for.
ISO_639_2 = {
    "ar": "ara", "cs": "ces", "de": "deu", "en": "eng", "es": "spa", "fr": "fra", "hi": "hin", "hu": "hun", "it": "ita",
    "ja": "jpn", "ko": "kor", "nl": "nld", "pl": "pol", "pt": "por", "ru": "rus", "tr": "tur", "zh": "zho",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChapterStart:
    """A chapter that opens with the clip of that index."""

    title: str
    clip_index: int


def clips_to_video(
    clips: Sequence[Path],
    path: Path,
    *,
    title: str = "",
    language: str = "en",
    chapters: Sequence[ChapterStart] = (),
    is_recorded: bool = False,
) -> VideoInfo:
    """Join clips into one MP4: index in front, chapters, title, language, and two marks that label it as synthetic.

    One mark is a comment for people, which says whether the voice ``is_recorded``, the other IPTC's digital source type
    for machines. The file appears under its name only when it is complete; its length is checked against its clips.

    Raises:
        RendererError: ``clips_differ``, ``clip_damaged``, ``video_unreadable``.
        ResourceError: the file system refuses to read or write.
    """
    with atomic_path(path) as unfinished:
        planned = join_clips(
            clips,
            unfinished,
            tags={"title": title, "comment": RECORDED_NOTICE if is_recorded else SYNTHETIC_NOTICE, "tool": TOOL},
            language=ISO_639_2.get(language.split("-")[0].lower(), "und"),
            chapters=_chapters(clips, chapters),
            extra_boxes=synthetic_mark(TOOL),
        )
        written = read_header(unfinished)
        if written != planned:
            raise RendererError("The finished video is not as long as its clips.", code="video_length")
    return written


def _chapters(clips: Sequence[Path], starts: Sequence[ChapterStart]) -> list[ChapterMark]:
    """Return chapter marks without gaps, as players want: clips before the first heading get a chapter of their own."""
    if not starts:
        return []
    seconds = [0.0]
    for clip in clips:
        seconds.append(seconds[-1] + len(index_clip(clip.read_bytes()).video.sizes) / VIDEO_FPS)
    titled = [ChapterMark(start.title, seconds[start.clip_index]) for start in starts]
    return titled if titled[0].start_seconds == 0 else [ChapterMark("Introduction", 0.0), *titled]
