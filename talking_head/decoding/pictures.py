"""What the child does with pictures. Each function writes its files into ``folder`` and returns a JSON object."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, BinaryIO

import cv2

from talking_head.decoding.results import PICTURE_JPEG, PORTRAIT_PNG
from talking_head.engines.face import mesh
from talking_head.errors import EngineError
from talking_head.media_io.image_limits import MAX_FILE_BYTES
from talking_head.media_io.images import decode_image, encode_jpeg, encode_png
from talking_head.pipeline.checks.portrait_report import CheckedPortrait, check_portrait, refuse_unusable


def preload() -> None:
    """Load what every portrait needs; starts no threads, which would not survive a fork."""
    cv2.setNumThreads(1)
    with contextlib.suppress(EngineError):  # not installed: the first request says so
        mesh.load_networks()


def portrait(source: BinaryIO, folder: Path) -> dict[str, Any]:
    """Write the picture as it is to be stored, if a talking face can be made of it.

    Raises:
        PortraitError: it is not a picture, or the report says stop. EngineError: the face models are missing.
    """
    checked = _checked(source)
    refuse_unusable(checked.report)
    (folder / PORTRAIT_PNG).write_bytes(encode_png(checked.rgb))
    return _described(checked)


def portrait_preview(source: BinaryIO, folder: Path, max_side_px: int) -> dict[str, Any]:
    """Write a small JPEG of what would be stored, also when the report says stop.

    Raises:
        PortraitError: it is not a picture. EngineError: the face models are missing.
    """
    checked = _checked(source)
    (folder / PICTURE_JPEG).write_bytes(encode_jpeg(checked.rgb, max_side_px=max_side_px))
    return _described(checked)


def thumbnail(source: BinaryIO, folder: Path, max_side_px: int) -> dict[str, Any]:
    """Write a small JPEG of the picture.

    Raises:
        PortraitError: it is not a picture.
    """
    (folder / PICTURE_JPEG).write_bytes(encode_jpeg(decode_image(_read(source)).rgb, max_side_px=max_side_px))
    return {}


def _checked(source: BinaryIO) -> CheckedPortrait:
    return check_portrait(decode_image(_read(source)).rgb)


def _read(source: BinaryIO) -> bytes:
    return source.read(MAX_FILE_BYTES + 1)  # one more, so that a larger file is refused for its size


def _described(checked: CheckedPortrait) -> dict[str, Any]:
    height_px, width_px = checked.rgb.shape[:2]
    return {"width_px": width_px, "height_px": height_px, "report": checked.report.to_json()}
