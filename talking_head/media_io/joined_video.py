"""Concatenation of clips into one plain MP4 with the index in front. The coded bytes are copied, nothing is decoded.

The boxes are written here and not by a muxer, for two reasons. A lesson of 200 sentences has 70,000 coded frames, and
passing each to a muxer takes seconds, while a change to one sentence takes less than one second to render. And chapters
from a muxer are a third stream in the file; here they are a list in the index, so the file has one video and one audio
stream.

Sources: ISO/IEC 14496-12 for all boxes except ``chpl`` (Nero's chapter list, as ffmpeg, VLC and mpv read it) and
``ilst`` (QuickTime File Format, metadata).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from talking_head.errors import RendererError, from_os_error
from talking_head.media_io.clip_index import ClipIndex, TrackIndex, index_clip
from talking_head.media_io.mp4_boxes import box, full_box
from talking_head.media_io.video import VideoInfo
from talking_head.timebase import AAC_FRAME_SAMPLES, AUDIO_HZ, SAMPLES_PER_VIDEO_FRAME, VIDEO_FPS

MOVIE_TICKS_PER_SECOND = 1_000  # a clip is a multiple of 320 ms, so this is exact
# Audio and video are interleaved every 1.6 s (5 clip quanta), so that a player needs little data at a time.
CHUNK_VIDEO_SAMPLES = 40
CHUNK_AUDIO_SAMPLES = CHUNK_VIDEO_SAMPLES * SAMPLES_PER_VIDEO_FRAME // AAC_FRAME_SAMPLES
MAX_CHAPTERS = 255  # the list's counter has one byte
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)  # no rotation, no scaling
_TAG_NAMES = {"title": b"\xa9nam", "comment": b"\xa9cmt", "tool": b"\xa9too"}
_TEXT = 1  # ``data`` box: UTF-8


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """A title and where it begins, in seconds from the start of the video."""

    title: str
    start_seconds: float


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Consecutive samples of one track: ``offset`` from the start of the clip's file, ``bytes`` long."""

    is_video: bool
    samples: int
    offset: int
    bytes: int


def join_clips(
    clips: Sequence[Path],
    path: Path,
    *,
    tags: dict[str, str],
    language: str,
    chapters: Sequence[ChapterMark] = (),
    extra_boxes: bytes = b"",
) -> VideoInfo:
    """Write the clips one after the other to ``path`` and return the size and length of the video.

    Args:
        clips: at least one, all made by :class:`talking_head.media_io.video.ClipWriter` at one size.
        tags: ``title``, ``comment``, ``tool``; empty ones are left out.
        language: of the speech; ISO 639-2, three letters.
        chapters: in order, the first at 0.
        extra_boxes: whole boxes for the end of the file.

    Raises:
        RendererError: ``clips_differ`` when the clips cannot share one decoder, ``clip_damaged``.
        ResourceError: the error of the file system.
    """
    try:
        layout = _Layout()
        for clip in clips:
            layout.add(index_clip(clip.read_bytes()))
        head = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")
        # The index has the same length with any offsets: measure it first, then write it with the final ones.
        index_bytes = len(layout.index(0, tags, language, chapters))
        data_start = len(head) + index_bytes + layout.data_header_bytes
        with path.open("wb") as file:
            file.write(head + layout.index(data_start, tags, language, chapters) + layout.data_header())
            for clip, chunks in zip(clips, layout.chunks, strict=True):
                data = memoryview(clip.read_bytes())
                file.writelines(data[chunk.offset : chunk.offset + chunk.bytes] for chunk in chunks)
            file.write(extra_boxes)
    except OSError as error:
        raise from_os_error(error) from error
    return layout.info


class _Layout:
    """The samples of the video and their order in the file."""

    def __init__(self) -> None:
        self.clips: list[ClipIndex] = []
        self.chunks: list[list[_Chunk]] = []

    def add(self, clip: ClipIndex) -> None:
        first = self.clips[0] if self.clips else clip
        for expected, actual in ((first.video, clip.video), (first.audio, clip.audio)):
            if (expected.description, expected.ticks_per_second) != (actual.description, actual.ticks_per_second):
                raise RendererError(
                    "The clips of this video have different formats.",
                    code="clips_differ",
                    hint="Render the video again.",
                    permanent=True,
                )
        if len(clip.video.sizes) * SAMPLES_PER_VIDEO_FRAME != len(clip.audio.sizes) * AAC_FRAME_SAMPLES:
            raise RendererError("A clip's sound and picture have different lengths.", code="clip_damaged")
        self.clips.append(clip)
        self.chunks.append(list(_chunks(clip)))

    @property
    def info(self) -> VideoInfo:
        video = self.clips[0].video
        frames = sum(len(clip.video.sizes) for clip in self.clips)
        samples = sum(len(clip.audio.sizes) for clip in self.clips) * AAC_FRAME_SAMPLES
        return VideoInfo(video.width_px, video.height_px, frames, frames / VIDEO_FPS, samples / AUDIO_HZ)

    @property
    def _data_bytes(self) -> int:
        return sum(chunk.bytes for chunks in self.chunks for chunk in chunks)

    @property
    def data_header_bytes(self) -> int:
        return len(self.data_header())

    def data_header(self) -> bytes:
        """Return the header of the ``mdat`` box; its size has 64 bits beyond 4 GB."""
        size = 8 + self._data_bytes
        return struct.pack(">I4s", size, b"mdat") if size < 2**32 else struct.pack(">I4sQ", 1, b"mdat", size + 8)

    def index(self, data_start: int, tags: dict[str, str], language: str, chapters: Sequence[ChapterMark]) -> bytes:
        """Return the ``moov`` box for a file whose first chunk is at ``data_start``."""
        duration = round(self.info.video_seconds * MOVIE_TICKS_PER_SECOND)
        offsets: dict[bool, list[int]] = {True: [], False: []}
        position = data_start
        for chunk in (chunk for chunks in self.chunks for chunk in chunks):
            offsets[chunk.is_video].append(position)
            position += chunk.bytes
        video_tracks, audio_tracks = [clip.video for clip in self.clips], [clip.audio for clip in self.clips]
        return box(
            b"moov",
            _movie_header(duration),
            _track(1, video_tracks, self._counts(True), offsets[True], duration, "und"),
            _track(2, audio_tracks, self._counts(False), offsets[False], duration, language),
            _user_data(tags, chapters),
        )

    def _counts(self, is_video: bool) -> list[int]:
        return [chunk.samples for chunks in self.chunks for chunk in chunks if chunk.is_video == is_video]


def _chunks(clip: ClipIndex) -> Iterator[_Chunk]:
    """Yield video and audio chunks in turn."""
    starts = range(0, len(clip.video.sizes), CHUNK_VIDEO_SAMPLES)
    for number, _ in enumerate(starts):
        yield _chunk(clip.video, number * CHUNK_VIDEO_SAMPLES, CHUNK_VIDEO_SAMPLES, is_video=True)
        yield _chunk(clip.audio, number * CHUNK_AUDIO_SAMPLES, CHUNK_AUDIO_SAMPLES, is_video=False)


def _chunk(track: TrackIndex, first: int, count: int, *, is_video: bool) -> _Chunk:
    sizes = track.sizes[first : first + count]
    return _Chunk(is_video, len(sizes), track.start + int(track.sizes[:first].sum()), int(sizes.sum()))


def _movie_header(duration: int) -> bytes:
    next_track = 3
    return full_box(
        b"mvhd",
        struct.pack(">IIIIIHH", 0, 0, MOVIE_TICKS_PER_SECOND, duration, 0x10000, 0x100, 0),  # rate 1.0, volume 1.0
        bytes(8) + _MATRIX + bytes(24),
        struct.pack(">I", next_track),
    )


def _track(
    number: int, tracks: Sequence[TrackIndex], counts: list[int], offsets: list[int], duration: int, language: str
) -> bytes:
    first = tracks[0]
    is_video = first.handler == b"vide"
    media_duration = sum(int(track.durations.sum()) for track in tracks)
    enabled_and_in_movie = 3
    header = full_box(
        b"tkhd",
        struct.pack(">IIIII", 0, 0, number, 0, duration),
        bytes(8) + struct.pack(">HHHH", 0, 0 if is_video else 1, 0 if is_video else 0x100, 0),  # group, volume
        _MATRIX + struct.pack(">II", first.width_px << 16, first.height_px << 16),
        flags=enabled_and_in_movie,
    )
    media_header = full_box(
        b"mdhd", struct.pack(">IIIIHH", 0, 0, first.ticks_per_second, media_duration, _packed(language), 0)
    )
    name = b"VideoHandler\0" if is_video else b"SoundHandler\0"
    handler = full_box(b"hdlr", bytes(4) + first.handler + bytes(12) + name)
    kind_header = full_box(b"vmhd", bytes(8), flags=1) if is_video else full_box(b"smhd", bytes(4))
    data_reference = full_box(b"dref", struct.pack(">I", 1), full_box(b"url ", flags=1))
    tables = _sample_tables(tracks, counts, offsets)
    information = box(b"minf", kind_header, box(b"dinf", data_reference), tables)
    return box(b"trak", header, box(b"mdia", media_header, handler, information))


def _packed(language: str) -> int:
    """Pack the three letters into 15 bits (ISO/IEC 14496-12, 8.4.2)."""
    first, second, third = (ord(letter) - 0x60 for letter in language)
    return first << 10 | second << 5 | third


def _sample_tables(tracks: Sequence[TrackIndex], counts: list[int], offsets: list[int]) -> bytes:
    sizes = np.concatenate([track.sizes for track in tracks])
    durations = np.concatenate([track.durations for track in tracks])
    keyframes = np.concatenate([track.keyframes for track in tracks])
    tables = [tracks[0].description, _table(b"stts", _run_lengths(durations))]
    if not keyframes.all():
        tables.append(_table(b"stss", (np.flatnonzero(keyframes) + 1)[:, None]))
    tables.append(_table(b"stsc", _chunk_runs(counts)))
    tables.append(full_box(b"stsz", struct.pack(">II", 0, len(sizes)), sizes.astype(">u4").tobytes()))
    if offsets[-1] < 2**32:
        tables.append(_table(b"stco", np.array(offsets)[:, None]))
    else:
        tables.append(full_box(b"co64", struct.pack(">I", len(offsets)), np.array(offsets, ">u8").tobytes()))
    return box(b"stbl", *tables)


def _table(kind: bytes, rows: NDArray[np.int64]) -> bytes:
    """Return a box with a count and rows of 32-bit numbers, (rows, columns)."""
    return full_box(kind, struct.pack(">I", len(rows)), rows.astype(">u4").tobytes())


def _run_lengths(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (runs, 2): the length of each run and its value."""
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    return np.stack([np.diff(np.r_[starts, len(values)]), values[starts]], axis=1)


def _chunk_runs(counts: list[int]) -> NDArray[np.int64]:
    """Return (runs, 3): first chunk (from 1), samples per chunk from there on, number of the description."""
    values = np.array(counts, np.int64)
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    return np.stack([starts + 1, values[starts], np.ones_like(starts)], axis=1)


def _user_data(tags: dict[str, str], chapters: Sequence[ChapterMark]) -> bytes:
    parts = []
    if chapters:
        parts.append(_chapter_list(chapters[:MAX_CHAPTERS]))
    if any(tags.values()):
        handler = full_box(b"hdlr", bytes(4) + b"mdirappl" + bytes(9))
        items = box(b"ilst", *(_text_item(_TAG_NAMES[name], text) for name, text in tags.items() if text))
        parts.append(full_box(b"meta", handler, items))
    return box(b"udta", *parts) if parts else b""


def _text_item(kind: bytes, text: str) -> bytes:
    return box(kind, box(b"data", struct.pack(">II", _TEXT, 0), text.encode()))


def _chapter_list(chapters: Iterable[ChapterMark]) -> bytes:
    entries = []
    for chapter in chapters:
        title = _truncated(chapter.title, 255)
        entries.append(struct.pack(">QB", round(chapter.start_seconds * 10_000_000), len(title)) + title)
    return full_box(b"chpl", bytes(4) + struct.pack(">B", len(entries)), *entries, version=1)


def _truncated(text: str, max_bytes: int) -> bytes:
    """Return at most ``max_bytes`` of UTF-8 that end with a complete character."""
    return text.encode()[:max_bytes].decode(errors="ignore").encode()
