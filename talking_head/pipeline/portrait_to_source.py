"""Turns a portrait into a source: what a face engine prepares once per picture and keeps for all its clips."""

from __future__ import annotations

from pathlib import Path

from talking_head.engines.base import FaceEngine, Framing, MotionT, PortraitImage, SourceT
from talking_head.errors import PortraitError, from_os_error, out_of_memory
from talking_head.media_io.image_limits import MAX_FILE_BYTES, too_many_bytes
from talking_head.media_io.images import decode_image, digest_of


def load_portrait(path: str | Path) -> PortraitImage:
    """Return the picture at ``path``, decoded by content; its digest is that of the file's bytes.

    Raises:
        PortraitError: ``portrait_missing`` when there is no such file, otherwise as
            :func:`talking_head.media_io.images.decode_image`.
        ResourceError: the file exists but cannot be read, or ``out_of_memory``.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise PortraitError(
                f"There is no picture “{path.name}”.", code="portrait_missing", hint="Check the file's name and folder."
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise too_many_bytes()
        data = path.read_bytes()
    except OSError as error:
        raise from_os_error(error) from error
    try:
        return PortraitImage(rgb=decode_image(data).rgb, digest=digest_of(data))
    except PortraitError as error:
        if isinstance(error.__cause__, MemoryError):  # an upload must be smaller then; this one was accepted
            raise out_of_memory() from error
        raise


def portrait_to_source(
    face_engine: FaceEngine[SourceT, MotionT], portrait: PortraitImage | None, framing: Framing
) -> SourceT:
    """Return what ``face_engine`` prepares from the picture, with even ``width_px`` and ``height_px``.

    Raises:
        PortraitError: the engine finds nothing to animate; ``no_portrait`` when it needs a picture and there is none.
    """
    if portrait is None and face_engine.name != "still":
        raise PortraitError(
            "No portrait was chosen.", code="no_portrait", hint="Choose a portrait, or use the still face engine."
        )
    return face_engine.prepare(portrait, framing)
