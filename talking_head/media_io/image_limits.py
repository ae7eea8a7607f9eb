"""Size limits of uploaded pictures, separate from the decoder so that reading a limit loads no image library."""

from __future__ import annotations

from typing import Final

from talking_head.errors import PortraitError

MAX_FILE_BYTES: Final = 20_000_000
MAX_SIDE_PX: Final = 12_000
MAX_PIXELS: Final = 50_000_000  # the largest pictures that phones take by default have 48 to 50 million
MAX_WEBP_PIXELS: Final = 25_000_000  # Pillow decodes WebP through two more copies of the picture: 15 bytes a pixel
MIN_SIDE_PX: Final = 64
GOOD_FACE_PX: Final = (
    80  # from forehead to chin: in a 256 px video the face is about this large, so nothing has to be invented
)
MAX_SCANS: Final = 100  # of a progressive JPEG; cameras and programs write about ten
# Each scan goes over the whole picture, even one that adds nothing: this is a few seconds of work.
MAX_SCANNED_PIXELS: Final = 1_000_000_000


def too_many_bytes() -> PortraitError:
    """Return the error for a file above ``MAX_FILE_BYTES``, also for callers that know the size before reading."""
    return PortraitError(
        f"The picture is larger than {MAX_FILE_BYTES // 1_000_000} MB.",
        code="image_too_large",
        hint="Save it as a JPEG or reduce its size, then try again.",
    )


def max_pixels(source_format: str) -> int:
    """Return the pixel limit of that format: 50 million take about 0.4 GB while they are decoded."""
    return MAX_WEBP_PIXELS if source_format == "webp" else MAX_PIXELS


def too_many_pixels(limit: int = MAX_PIXELS) -> PortraitError:
    return PortraitError(
        f"The picture has more than {limit // 1_000_000} million pixels.",
        code="image_too_large",
        hint="Reduce its size (2,000 pixels on the long side are plenty), then try again.",
    )


def too_long_a_side(width_px: int, height_px: int) -> PortraitError:
    return PortraitError(
        f"The picture is {width_px} x {height_px} pixels; one side may have {MAX_SIDE_PX:,} at most.",
        code="image_too_large",
        hint="Cut out the part with the person, then try again.",
    )


def too_few_pixels(width_px: int, height_px: int) -> PortraitError:
    return PortraitError(
        f"The picture is only {width_px} x {height_px} pixels.",
        code="image_too_small",
        hint=f"Use a picture in which the face alone is at least {GOOD_FACE_PX} pixels high.",
    )


def unreadable_picture() -> PortraitError:
    """Return the error for a picture that no decoder can read."""
    return PortraitError(
        "The picture is damaged or incomplete.",
        code="image_unreadable",
        hint="Open it on your computer, save it again as a JPEG or PNG, then upload that file.",
    )


def too_complex_picture() -> PortraitError:
    """Return the error for a picture that takes more time or memory than a decoder is given."""
    return PortraitError(
        "The picture takes too long to open.",
        code="image_too_complex",
        hint="Open it on your computer, save it again as a JPEG or PNG, then upload that file.",
    )
