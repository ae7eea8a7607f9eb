"""The frames of a driving video, an example of how a head moves or eyes blink, at 25 a second for any source rate.

Only MP4, MOV, WebM and MKV are opened, with an explicit demuxer and through an open file: a playlist that refers to
other files or URLs is refused instead of followed.
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
    """Yield the frames of the first ``max_seconds``, in order, one for every 25th of a second.

    Raises:
        InvalidInput: ``video_format``, ``video_unreadable``, ``video_empty``, ``video_too_large``.
    """
    with _unreadable_videos(), path.open("rb") as file, av.open(file, "r", format=_demuxer_of(file)) as container:
        if not container.streams.video:
            raise InvalidInput("The file contains no pictures.", code="video_empty", hint="Choose a video.")
        stream: Any = container.streams.video[0]
        stream.thread_type = "AUTO"
        if max(stream.width, stream.height) > MAX_PICTURE_PX:
            raise InvalidInput(
                f"The video is larger than {MAX_PICTURE_PX} pixels.",
                code="video_too_large",
                hint="Reduce its resolution; 720 pixels are enough.",
            )
        yielded = 0
        for picture in container.decode(stream):
            due = _frames_due(picture, yielded)
            if due <= yielded:
                continue
            rgb: Rgb = picture.to_ndarray(format="rgb24")
            for _ in range(yielded, min(due, round(max_seconds * VIDEO_FPS))):
                yield rgb
            yielded = due
            if yielded >= max_seconds * VIDEO_FPS:
                return
    if not yielded:
        raise InvalidInput("The video contains no pictures.", code="video_empty", hint="Choose another one.")


def _frames_due(picture: Any, yielded: int) -> int:
    """Return how many frames are due when this picture is shown. A picture without a time is the next frame."""
    if picture.time is None:
        return yielded + 1
    return int(picture.time * VIDEO_FPS + 1e-6) + 1


def _demuxer_of(file: BinaryIO) -> str:
    """Return the demuxer for this content; the file name is ignored."""
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
    raise InvalidInput(
        "This video format is not supported.", code="video_format", hint="Save it as MP4, MOV, WebM or MKV."
    )


@contextlib.contextmanager
def _unreadable_videos() -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its content is damaged"
        raise InvalidInput(
            f"The video cannot be read: {reason}.",
            code="video_unreadable",
            hint="Check the file, or choose another one.",
        ) from error
