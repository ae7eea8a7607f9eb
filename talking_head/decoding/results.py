"""The names of the files that the operations write into a request's folder."""

from __future__ import annotations

from typing import Final

PORTRAIT_PNG: Final = "portrait.png"
PICTURE_JPEG: Final = "picture.jpg"
PLAIN_FLAC: Final = "plain.flac"
