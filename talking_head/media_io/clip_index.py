"""The position of each frame of a clip in its file, read from the fragment's own tables.

Source: ISO/IEC 14496-12, sections 8.8.3 (``trex``), 8.8.7 (``tfhd``) and 8.8.8 (``trun``).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talking_head.media_io.mp4_boxes import Mp4Box, after_dates, boxes, damaged, find

NOT_A_KEYFRAME = 0x0001_0000  # sample_is_non_sync_sample
# tfhd and trun flags: which optional fields are present
_BASE_DATA_OFFSET, _DESCRIPTION, _DEFAULT_DURATION, _DEFAULT_SIZE, _DEFAULT_FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
_DATA_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _FLAGS, _TIME_OFFSET = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800


@dataclass(frozen=True, slots=True)
class TrackIndex:
    """One stream of a clip: how to decode it and where its samples are (a sample is one coded frame)."""

    handler: bytes  # b"vide" or b"soun"
    description: bytes  # the whole ``stsd`` box: codec, parameter sets, size
    ticks_per_second: int
    width_px: int
    height_px: int
    start: int  # offset of the first sample in the file; the others follow without gaps
    sizes: NDArray[np.int64]  # (samples,) bytes
    durations: NDArray[np.int64]  # (samples,) ticks
    keyframes: NDArray[np.bool_]  # (samples,)


@dataclass(frozen=True, slots=True)
class ClipIndex:
    """Both streams of a clip."""

    video: TrackIndex
    audio: TrackIndex


@dataclass(frozen=True, slots=True)
class _Track:
    handler: bytes
    description: bytes
    ticks_per_second: int
    width_px: int
    height_px: int


def index_clip(data: bytes) -> ClipIndex:
    """Return the index of a clip written by :class:`talking_head.media_io.video.ClipWriter`.

    Raises:
        RendererError: ``clip_damaged``.
    """
    try:
        moov = find(data, b"moov")
        tracks = {_track_number(data, trak): _track(data, trak) for trak in boxes(data, moov.body, moov.end, b"trak")}
        moof = find(data, b"moof")
        indexes = {}
        for traf in boxes(data, moof.body, moof.end, b"traf"):
            index = _index_track(data, moof, traf, tracks)
            indexes[index.handler] = index
        clip = ClipIndex(indexes[b"vide"], indexes[b"soun"])
    except (KeyError, StopIteration, struct.error, ValueError) as error:
        raise damaged() from error
    if any(track.start + int(track.sizes.sum()) > len(data) for track in (clip.video, clip.audio)):
        raise damaged()
    return clip


def _track_number(data: bytes, trak: Mp4Box) -> int:
    header = find(data, b"tkhd", inside=trak)
    return int(struct.unpack_from(">I", data, header.body + after_dates(data, header))[0])


def _track(data: bytes, trak: Mp4Box) -> _Track:
    tkhd = find(data, b"tkhd", inside=trak)
    width, height = struct.unpack_from(">II", data, tkhd.end - 8)  # 16.16 fixed point
    mdia = find(data, b"mdia", inside=trak)
    mdhd, hdlr = find(data, b"mdhd", inside=mdia), find(data, b"hdlr", inside=mdia)
    (ticks_per_second,) = struct.unpack_from(">I", data, mdhd.body + after_dates(data, mdhd))
    stbl = find(data, b"stbl", inside=find(data, b"minf", inside=mdia))
    stsd = find(data, b"stsd", inside=stbl)
    return _Track(
        handler=bytes(data[hdlr.body + 8 : hdlr.body + 12]),
        description=bytes(data[stsd.start : stsd.end]),
        ticks_per_second=ticks_per_second,
        width_px=width >> 16,
        height_px=height >> 16,
    )


def _index_track(data: bytes, moof: Mp4Box, traf: Mp4Box, tracks: dict[int, _Track]) -> TrackIndex:
    tfhd, trun = find(data, b"tfhd", inside=traf), find(data, b"trun", inside=traf)
    track_number, defaults = _defaults(data, tfhd)
    track = tracks[track_number]
    present, count = struct.unpack_from(">II", data, trun.body)
    present &= 0xFFFFFF
    if not present & _DATA_OFFSET or present & _TIME_OFFSET:
        raise damaged()  # not written by ClipWriter, whose clips have no B-frames
    (offset,) = struct.unpack_from(">i", data, trun.body + 8)
    table = trun.body + 12
    first_flags = None
    if present & _FIRST_FLAGS:
        (first_flags,) = struct.unpack_from(">I", data, table)
        table += 4
    columns = [flag for flag in (_DURATION, _SIZE, _FLAGS) if present & flag]
    values = np.frombuffer(data, ">u4", count * len(columns), table).reshape(count, len(columns)).astype(np.int64)

    def column(flag: int) -> NDArray[np.int64]:
        return values[:, columns.index(flag)] if flag in columns else np.full(count, defaults[flag], np.int64)

    flags = column(_FLAGS).copy()
    if first_flags is not None:
        flags[0] = first_flags
    return TrackIndex(
        handler=track.handler,
        description=track.description,
        ticks_per_second=track.ticks_per_second,
        width_px=track.width_px,
        height_px=track.height_px,
        start=moof.start + offset,
        sizes=column(_SIZE),
        durations=column(_DURATION),
        keyframes=(flags & NOT_A_KEYFRAME) == 0,
    )


def _defaults(data: bytes, tfhd: Mp4Box) -> tuple[int, dict[int, int]]:
    """Return the track's number and its defaults for the samples that ``trun`` does not describe."""
    present, track_number = struct.unpack_from(">II", data, tfhd.body)
    position = tfhd.body + 8
    position += 8 if present & _BASE_DATA_OFFSET else 0
    position += 4 if present & _DESCRIPTION else 0
    defaults = {}
    for flag, name in ((_DEFAULT_DURATION, _DURATION), (_DEFAULT_SIZE, _SIZE), (_DEFAULT_FLAGS, _FLAGS)):
        if present & flag:
            (defaults[name],) = struct.unpack_from(">I", data, position)
            position += 4
    return track_number, defaults
