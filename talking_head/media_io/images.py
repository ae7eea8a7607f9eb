"""Decoding and encoding of still images; no other module does either.

Every upload is treated as hostile. Its format is detected from its first bytes (its name and declared type are
ignored), only the decoder of that one format sees it, and its size is read from the header before any pixel is decoded.
The result always has the same form: upright 8-bit sRGB without transparency.

The file on disk is not the upload but :func:`encode_png` of the decoded picture, so no other data of the upload (place,
time, camera, embedded previews, trailing data) reaches the media folder. The digest that names a stored picture is the
sha256 of those stored bytes; the same upload gives the same bytes and so the same digest.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from talking_head.errors import PortraitError
from talking_head.media_io.image_limits import (
    MAX_FILE_BYTES,
    max_pixels,
    too_many_bytes,
    too_many_pixels,
    unreadable_picture,
)
from talking_head.media_io.picture_headers import check_header, check_size

Rgb = NDArray[np.uint8]  # (height, width, 3)

MAX_WORKING_SIDE_PX: Final = 2_048  # a face needs 512 px, the widest video 1,280: more detail is never shown
BACKGROUND_RGB: Final = (226, 228, 232)  # behind transparent pixels: a light neutral grey, like a studio wall
ACCEPTED_FORMATS: Final = "JPEG, PNG, WebP, HEIC or AVIF"

_ORIENTATION_TAG: Final = 0x0112  # EXIF 2.32, table 4
_TRANSPOSE_FOR_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2"})
_AVIF_BRANDS: Final = frozenset({b"avif"})
_SEQUENCE_BRANDS: Final = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"msf1", b"avis"})
# What the decoders raise when the bytes are not what they claim to be.
_DECODER_ERRORS: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    Warning,  # where a server has turned warnings into errors
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright sRGB picture whose long side is at most ``MAX_WORKING_SIDE_PX``."""

    rgb: Rgb  # (height, width, 3)
    source_format: str  # "jpeg", "png", "webp", "heif" or "avif"
    source_width_px: int  # as stored in the file, before any reduction, upright
    source_height_px: int

    @property
    def width_px(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.rgb.shape[0])


def decode_image(data: bytes) -> DecodedImage:
    """Decode an untrusted picture to upright 8-bit sRGB.

    The format is detected from the content, limits are checked on the header, and orientation, colour profile, bit
    depth and transparency are resolved.

    Raises:
        PortraitError: ``image_format`` (not an accepted format, or animated), ``image_too_large``,
            ``image_too_small``, ``image_unreadable`` (truncated or damaged), ``image_too_complex``.
    """
    if len(data) > MAX_FILE_BYTES:
        raise too_many_bytes()
    source_format = _recognise(data)
    check_header(data, source_format)
    try:
        with _open(data, source_format) as image:
            width_px, height_px = image.size
            check_size(width_px, height_px, max_pixels(source_format))
            _check_is_still(image, source_format)
            upright, is_rotated = _decode(image)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise too_many_pixels() from error
    except _DECODER_ERRORS as error:
        raise unreadable_picture() from error
    if is_rotated:
        width_px, height_px = height_px, width_px
    return DecodedImage(upright, source_format, width_px, height_px)


def encode_png(rgb: Rgb) -> bytes:
    """Return a PNG without metadata. Lossless and deterministic: the same pixels give the same bytes."""
    output = io.BytesIO()
    # Level 4 is about three times as fast as the default on photographs, for files hardly larger.
    Image.fromarray(np.ascontiguousarray(rgb)).save(output, format="PNG", compress_level=4)
    return output.getvalue()


def encode_jpeg(rgb: Rgb, *, max_side_px: int, quality: int = 85) -> bytes:
    """Return a JPEG without metadata that fits into a square of ``max_side_px``, never enlarged; for thumbnails."""
    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    output = io.BytesIO()
    image.save(output, format="JPEG", quality=quality, optimize=True, progressive=True)
    return output.getvalue()


def digest_of(data: bytes) -> str:
    """Return the name of a stored picture: the sha256 of its bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _recognise(data: bytes) -> str:
    """Return the format by signature: JFIF/EXIF, PNG (RFC 2083), RIFF/WebP, ISO media brands (ISO/IEC 23008-12)."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _recognise_iso_media(data)
    if not data:
        raise PortraitError("The file is empty.", code="image_unreadable", hint="Choose the picture again.")
    raise _wrong_format("This file is not a supported picture.")


def _recognise_iso_media(data: bytes) -> str:
    """Return HEIC or AVIF by the brands of the leading ``ftyp`` box; refuse sequences and videos."""
    box_bytes = min(int.from_bytes(data[:4], "big"), 256)
    major = data[8:12]
    brands = {major, *(data[start : start + 4] for start in range(16, box_bytes, 4))}
    if major in _SEQUENCE_BRANDS:
        raise _wrong_format("Animated pictures cannot be used as a portrait.")
    if brands & _AVIF_BRANDS:
        return "avif"
    if brands & _HEIC_BRANDS:
        return "heif"
    raise _wrong_format("This file is a video or an unknown picture format.")


def _open(data: bytes, source_format: str) -> Image.Image:
    """Open the picture with the decoder of its format, reading only the header.

    Pillow warns of huge pictures, and a server may have turned the warning into an error: both mean the same here.
    (Filtering warnings instead would change the state of all threads.)
    """
    if source_format == "heif":
        pillow_heif.register_heif_opener()
    try:
        return Image.open(io.BytesIO(data), formats=[source_format.upper()])
    except Image.DecompressionBombWarning as warning:
        raise too_many_pixels() from warning
    except UnidentifiedImageError as error:
        raise unreadable_picture() from error


def _check_is_still(image: Image.Image, source_format: str) -> None:
    """Refuse animations.

    JPEG and HEIC files may contain several pictures (depth maps, second views): the first, or the one marked as
    primary, is the photo.
    """
    if source_format in ("png", "webp", "avif") and getattr(image, "n_frames", 1) > 1:
        raise _wrong_format("Animated pictures cannot be used as a portrait.")


def _decode(image: Image.Image) -> tuple[Rgb, bool]:
    """Return the pixels and whether width and height were swapped.

    The picture is reduced early, so that memory stays near the file's own pixel count however many conversions follow.
    """
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (MAX_WORKING_SIDE_PX, MAX_WORKING_SIDE_PX))  # libjpeg reduces while it decodes
    image.load()
    orientation = _orientation_of(image)
    profile = image.info.get("icc_profile")
    plain = _to_smooth_mode(image)
    plain.thumbnail((MAX_WORKING_SIDE_PX, MAX_WORKING_SIDE_PX), Image.Resampling.LANCZOS)
    flat = _over_background(_to_srgb(plain, profile))
    if orientation in _TRANSPOSE_FOR_ORIENTATION:
        flat = flat.transpose(_TRANSPOSE_FOR_ORIENTATION[orientation])
    rgb = np.array(flat, dtype=np.uint8)  # (height, width, 3), a copy that owns its memory
    return rgb, orientation in (5, 6, 7, 8)


def _orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 when there is none or the EXIF block is damaged.

    (libheif has already rotated HEIC, and pillow-heif resets the tag.)
    """
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _DECODER_ERRORS:
        return 1


def _to_smooth_mode(image: Image.Image) -> Image.Image:
    """Convert to RGB, RGBA, L, LA, CMYK or LAB, the modes in which neighbouring pixels may be averaged."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip to 255 instead of scaling
        grey = np.asarray(image).astype(np.int64)  # (height, width)
        return Image.fromarray((np.clip(grey, 0, 65_535) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        return image.convert("RGBA")
    if image.mode in ("RGB", "RGBA", "L", "LA", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to RGB or RGBA in sRGB. Like in browsers, a damaged or unsuitable colour profile is ignored."""
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    colours = image.convert(image.mode.removesuffix("A")) if alpha is not None else image
    rgb = _apply_profile(colours, profile) if profile else None
    if rgb is None:
        rgb = colours.convert("RGB")
    if alpha is not None:
        rgb.putalpha(alpha)
    return rgb


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in (ImageCms.getProfileDescription(source) or "").lower():
            return image  # converting would only add rounding
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _over_background(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    background = Image.new("RGBA", image.size, (*BACKGROUND_RGB, 255))
    return Image.alpha_composite(background, image).convert("RGB")


def _wrong_format(message: str) -> PortraitError:
    return PortraitError(message, code="image_format", hint=f"Use a photo or drawing saved as {ACCEPTED_FORMATS}.")
