"""Pictures of somebody's video, as an example of how a head moves or eyes blink: 25 a second, whatever the file's rate.

Only MP4, MOV, WebM and MKV are opened, with the demuxer named and through an open file: a playlist that mentions other
files or addresses is refused instead of followed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from talking_head.errors import InvalidInput
from talking_head.timebase import VIDEO_FPS

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_PICTURE_PX = 4096  # a side; decoding needs memory for several of them
_HEADER_BYTES = 12

Rgb = NDArray[np.uint8]  # (height, width, 3)


def driving_frames(path: Path, *, max_seconds: float) -> Iterator[Rgb]:
    """The pictures of the first ``max_seconds``, in order, one for every 25th of a second.

    Raises:
        InvalidInput: ``video_format``, ``video_unreadable``, ``video_empty``, ``video_too_large``.
    """
    with _unreadable_videos(), path.open("rb") as file, av.open(file, "r", format=_kind_of(file)) as container:
        if not container.streams.video:
            raise InvalidInput("The file holds no pictures.", code="video_empty", hint="Choose a video.")
        stream: Any = container.streams.video[0]
        stream.thread_type = "AUTO"
        if max(stream.width, stream.height) > MAX_PICTURE_PX:
            raise InvalidInput(
                f"The video is larger than {MAX_PICTURE_PX} pixels.",
                code="video_too_large",
                hint="Save it smaller; 720 pixels are enough.",
            )
        wanted = 0
        for picture in container.decode(stream):
            due = _due(picture, wanted)
            if due <= wanted:
                continue
            rgb: Rgb = picture.to_ndarray(format="rgb24")
            for _ in range(wanted, min(due, round(max_seconds * VIDEO_FPS))):
                yield rgb
            wanted = due
            if wanted >= max_seconds * VIDEO_FPS:
                return
    if not wanted:
        raise InvalidInput("The video holds no pictures.", code="video_empty", hint="Choose another one.")


def _due(picture: Any, wanted: int) -> int:
    """How many of the wanted pictures are due when this one is shown. A picture without a time is the next."""
    if picture.time is None:
        return wanted + 1
    return int(picture.time * VIDEO_FPS + 1e-6) + 1


def _kind_of(file: BinaryIO) -> str:
    """The demuxer for this content; the name of the file does not count."""
    if file.seek(0, os.SEEK_END) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"The video is larger than {MAX_FILE_BYTES // 2**20} MB.",
            code="video_too_large",
            hint="Cut out the part that shows how to move.",
        )
    file.seek(0)
    header = file.read(_HEADER_BYTES)
    file.seek(0)
    if header[4:8] == b"ftyp":
        return "mp4"
    if header.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    raise InvalidInput("This is not a video we know.", code="video_format", hint="Save it as MP4, MOV, WebM or MKV.")


@contextlib.contextmanager
def _unreadable_videos() -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "its content is damaged"
        raise InvalidInput(
            f"The video cannot be read: {why}.", code="video_unreadable", hint="Check the file, or choose another one."
        ) from error
