"""Encodes frames and a take as a clip: the encoder works in a thread of its own while the next frame is drawn.

x264 and the colour conversion run without the interpreter's lock, so a second core takes the encoding. The queue
between the two threads holds a handful of frames: memory stays flat, and a slow encoder holds the renderer back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from talking_head.engines.base import Take
from talking_head.errors import RendererError
from talking_head.media_io.arrays import Frame
from talking_head.media_io.atomic_files import atomic_path
from talking_head.media_io.video import ClipWriter, jpeg

QUEUED_FRAMES = 4
PREVIEW_INTERVAL_SECONDS = 0.2
PREVIEW_WIDTH_PX = 256
PREVIEW_QUALITY = 70
POSTER_QUALITY = 75  # as the video's own first frame, which takes its place; every viewer waits for it

ProgressSink = Callable[[int, bytes], None]  # frames drawn so far, a preview JPEG or b""


@dataclass(frozen=True, slots=True)
class EncodedClip:
    """What :func:`frames_to_clip` wrote. ``encode_seconds`` ran beside the drawing, not after it."""

    frame_count: int
    width_px: int
    height_px: int
    encode_seconds: float
    poster_jpeg: bytes  # the first frame: the rest pose


def frames_to_clip(frames: Iterator[Frame], take: Take, path: Path, *, on_frame: ProgressSink) -> EncodedClip:
    """Encode ``take.frame_count`` frames and the take's sound into ``path`` (H.264 and AAC, see ``media_io.video``).

    The file appears under its name only when it is complete. The same frames and the same take give the same bytes.

    Args:
        frames: (height, width, 3) RGB, even sides, one size; a frame's memory may be reused for the next.
        on_frame: called in this thread, at once for the first frame and then about five times a second.

    Raises:
        RendererError: ``frame_count`` when the engine drew too few or too many, ``frame_size`` when they differ.
        ResourceError: the file system refuses to write.
    """
    first = next(frames, None)
    if first is None:
        raise _wrong_count(0, take.frame_count)
    height_px, width_px = first.shape[:2]
    poster = jpeg(first, quality=POSTER_QUALITY)
    with atomic_path(path) as unfinished:
        writer = ClipWriter(unfinished, width_px=width_px, height_px=height_px, waveform=take.waveform)
        with _EncoderThread(writer) as encoder:
            drawn = _feed(encoder, first, frames, take.frame_count, on_frame)
        if drawn != take.frame_count:
            raise _wrong_count(drawn, take.frame_count)
    return EncodedClip(drawn, width_px, height_px, encoder.busy_seconds, poster)


def _feed(
    encoder: _EncoderThread, first: Frame, frames: Iterator[Frame], frame_count: int, on_frame: ProgressSink
) -> int:
    """Pass the frames to the encoder; return how many there were (one more than expected is enough to know)."""
    drawn = 0
    previewed_at = float("-inf")
    frame: Frame | None = first
    first_shape = first.shape
    while frame is not None and drawn <= frame_count:
        if frame.shape != first_shape:
            raise RendererError("The face engine changed the size of its frames.", code="frame_size")
        encoder.put(frame.copy())
        drawn += 1
        now = time.monotonic()
        if now - previewed_at >= PREVIEW_INTERVAL_SECONDS:
            previewed_at = now
            on_frame(drawn, jpeg(frame, quality=PREVIEW_QUALITY, max_width_px=PREVIEW_WIDTH_PX))
        frame = next(frames, None)
    on_frame(drawn, b"")
    return drawn


def _wrong_count(drawn: int, expected: int) -> RendererError:
    return RendererError(
        f"The face engine drew {drawn} of {expected} frames.", code="frame_count", hint="Choose another face engine."
    )


class _EncoderThread:
    """A thread that runs a :class:`ClipWriter` behind a short queue.

    As a context manager it ends the thread on every way out: after the last frame on success, as soon as possible when
    drawing failed or was interrupted. An error in the thread is raised in the caller's thread.
    """

    def __init__(self, writer: ClipWriter) -> None:
        self.busy_seconds = 0.0
        self._writer = writer
        self._frames: Queue[Frame | None] = Queue(maxsize=QUEUED_FRAMES)
        self._aborted = threading.Event()
        self._error: BaseException | None = None
        self._ended = False  # the queue's end marker has been read
        self._thread = threading.Thread(target=self._run, name="clip-encoder", daemon=True)

    def put(self, frame: Frame) -> None:
        """Enqueue a frame; wait while the queue is full."""
        self._frames.put(frame)
        if self._error is not None:
            raise self._error

    def __enter__(self) -> _EncoderThread:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._aborted.set()
        self._frames.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._encode()
        except _Aborted:
            pass
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            self._error = error
        while not self._ended:  # the caller may be waiting for room in the queue
            self._next()

    def _encode(self) -> None:
        with self._writer:
            while (frame := self._next()) is not None and not self._aborted.is_set():
                started = time.perf_counter()
                self._writer.write(frame)
                self.busy_seconds += time.perf_counter() - started
            if self._aborted.is_set():
                raise _Aborted
            started = time.perf_counter()
        self.busy_seconds += time.perf_counter() - started

    def _next(self) -> Frame | None:
        frame = self._frames.get()
        self._ended = frame is None
        return frame


class _Aborted(Exception):  # noqa: N818 - a way out of the writer, not an error
    """Drawing has stopped: the file is closed without being finished."""
