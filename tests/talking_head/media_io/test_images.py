"""Hostile and ordinary pictures: what is let in, what it becomes, and what is refused in which words."""

from __future__ import annotations

import io
import random
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from talking_head.errors import PortraitError
from talking_head.media_io import image_limits, images
from talking_head.media_io.images import decode_image, digest_of, encode_jpeg, encode_png
from tests.hostile_files import jpeg_with_scans, wide_webp

QUADRANTS = {
    "top left": (200, 30, 30),
    "top right": (30, 200, 30),
    "bottom left": (30, 30, 200),
    "bottom right": (220, 220, 40),
}


def quadrant_picture(width_px: int = 160, height_px: int = 120) -> Image.Image:
    """Four plain colours, so that turning, mirroring and colour mistakes show."""
    picture = Image.new("RGB", (width_px, height_px))
    for place, colour in QUADRANTS.items():
        left = 0 if "left" in place else width_px // 2
        top = 0 if "top" in place else height_px // 2
        picture.paste(colour, (left, top, left + width_px // 2, top + height_px // 2))
    return picture


def saved(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    output = io.BytesIO()
    picture.save(output, format=image_format, **options)
    return output.getvalue()


def heic(picture: Image.Image, **options: Any) -> bytes:
    output = io.BytesIO()
    pillow_heif.from_pillow(picture).save(output, format="HEIF", quality=90, **options)
    return output.getvalue()


def assert_shows_quadrants(rgb: np.ndarray, tolerance: int = 12) -> None:
    height_px, width_px, _ = rgb.shape
    for place, colour in QUADRANTS.items():
        x = width_px // 4 if "left" in place else 3 * width_px // 4
        y = height_px // 4 if "top" in place else 3 * height_px // 4
        assert np.abs(rgb[y, x].astype(int) - colour).max() <= tolerance, place


def code_of(data: bytes) -> str:
    with pytest.raises(PortraitError) as caught:
        decode_image(data)
    assert caught.value.message and caught.value.hint
    return caught.value.code


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_claims(width_px: int, height_px: int) -> bytes:
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


# --- what is let in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_ordinary_formats_are_recognised_by_content(image_format: str) -> None:
    decoded = decode_image(saved(quadrant_picture(), image_format))
    assert decoded.source_format == image_format.lower()
    assert decoded.rgb.shape == (120, 160, 3) and decoded.rgb.dtype == np.uint8
    assert_shows_quadrants(decoded.rgb)


def test_heic_from_a_phone_is_decoded() -> None:
    decoded = decode_image(heic(quadrant_picture()))
    assert decoded.source_format == "heif"
    assert_shows_quadrants(decoded.rgb)


def test_real_portrait_keeps_every_pixel(portrait_png: Path) -> None:
    decoded = decode_image(portrait_png.read_bytes())
    assert np.array_equal(decoded.rgb, np.asarray(Image.open(portrait_png).convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how the camera would have stored an upright scene
    upright = quadrant_picture()
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(saved(stored, "JPEG", exif=exif, quality=95))
    assert (decoded.width_px, decoded.height_px) == (160, 120)
    assert (decoded.source_width_px, decoded.source_height_px) == (160, 120)
    assert_shows_quadrants(decoded.rgb)


def test_heic_orientation_is_applied_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = quadrant_picture().transpose(Image.Transpose.ROTATE_90)
    decoded = decode_image(heic(stored, exif=exif.tobytes()))
    assert_shows_quadrants(decoded.rgb)


def test_damaged_exif_does_not_stop_a_good_picture() -> None:
    assert_shows_quadrants(decode_image(saved(quadrant_picture(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")).rgb)


def test_colour_profile_is_converted_to_srgb() -> None:
    lab = ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    picture = ImageCms.applyTransform(quadrant_picture(), to_lab)
    assert picture is not None
    data = saved(picture, "TIFF")
    assert code_of(data) == "image_format"  # the container is refused; the profile is tried in one that is accepted
    swapped = Image.merge("RGB", quadrant_picture().split()[::-1])
    profile = _profile_with_red_and_blue_exchanged()
    decoded = decode_image(saved(swapped, "PNG", icc_profile=profile))
    assert_shows_quadrants(decoded.rgb, tolerance=25)


def _profile_with_red_and_blue_exchanged() -> bytes:
    """The sRGB profile with its red and blue primaries exchanged: exaggerated, so that ignoring it cannot pass."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    positions = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = positions[b"rXYZ"], positions[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_broken_colour_profile_is_left_out() -> None:
    decoded = decode_image(saved(quadrant_picture(), "PNG", icc_profile=b"no profile at all" * 20))
    assert_shows_quadrants(decoded.rgb, tolerance=0)


def test_transparency_lies_on_a_neutral_background() -> None:
    picture = quadrant_picture().convert("RGBA")
    picture.paste((255, 0, 255, 0), (0, 0, 80, 60))
    decoded = decode_image(saved(picture, "PNG"))
    assert tuple(decoded.rgb[30, 40]) == images.BACKGROUND_RGB
    assert tuple(decoded.rgb[30, 120]) == QUADRANTS["top right"]


def test_palette_with_a_transparent_colour() -> None:
    picture = quadrant_picture().quantize(4)
    transparent = picture.getpixel((0, 0))
    decoded = decode_image(saved(picture, "PNG", transparency=transparent))
    assert tuple(decoded.rgb[5, 5]) == images.BACKGROUND_RGB
    assert np.abs(decoded.rgb[100, 140].astype(int) - QUADRANTS["bottom right"]).max() <= 8


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P"])
def test_grey_and_palette_pictures_become_rgb(mode: str) -> None:
    decoded = decode_image(saved(quadrant_picture().convert(mode), "PNG"))
    assert decoded.rgb.shape == (120, 160, 3)
    lightness = np.asarray(Image.fromarray(decoded.rgb).convert("L")).astype(int)
    assert lightness[:60, 80:].mean() > lightness[60:, :80].mean()  # green is lighter than blue


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.tile(np.linspace(0, 65_535, 160).astype(np.uint16), (120, 1))  # (height, width)
    decoded = decode_image(saved(Image.fromarray(ramp), "PNG"))
    assert decoded.rgb[0, 0, 0] == 0 and decoded.rgb[0, -1, 0] == 255
    assert 120 <= decoded.rgb[0, 80, 0] <= 136


def test_cmyk_jpeg_keeps_its_colours() -> None:
    assert_shows_quadrants(
        decode_image(saved(quadrant_picture().convert("CMYK"), "JPEG", quality=95)).rgb, tolerance=20
    )


def test_large_pictures_are_reduced_and_remember_their_size() -> None:
    decoded = decode_image(saved(quadrant_picture(4_600, 3_000), "JPEG"))
    assert max(decoded.rgb.shape) == images.MAX_WORKING_SIDE_PX
    assert (decoded.source_width_px, decoded.source_height_px) == (4_600, 3_000)
    assert_shows_quadrants(decoded.rgb)


# --- what is refused ---------------------------------------------------------------------------------------------

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "data",
    [
        SVG,
        b"<!doctype html><img src=x onerror=alert(1)>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        b"%PDF-1.7\n",
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42",
        b"\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00hevcmsf1",
        b"just text that somebody named face.jpg",
        saved(quadrant_picture(), "TIFF"),
        saved(quadrant_picture(), "BMP"),
        saved(quadrant_picture(), "GIF"),
        saved(quadrant_picture(), "ICO"),
    ],
    ids=["svg", "html", "eps", "pdf", "mp4", "heic sequence", "text", "tiff", "bmp", "gif", "ico"],
)
def test_other_kinds_of_file_are_refused(data: bytes) -> None:
    assert code_of(data) == "image_format"


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "AVIF"])
def test_moving_pictures_are_refused(image_format: str) -> None:
    frames = [quadrant_picture(), quadrant_picture().transpose(Image.Transpose.ROTATE_180)]
    assert code_of(saved(frames[0], image_format, save_all=True, append_images=frames[1:])) == "image_format"


def test_gigantic_png_is_refused_from_its_header() -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert code_of(png_that_claims(50_000, 50_000)) == "image_too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 50_000


@pytest.mark.parametrize(("width_px", "height_px"), [(12_000, 8_000), (30_000, 100), (0xFFFFFFF, 0xFFFFFFF)])
def test_pictures_beyond_the_limits_are_refused(width_px: int, height_px: int) -> None:
    assert code_of(png_that_claims(width_px, height_px)) == "image_too_large"


def test_webp_has_a_lower_limit_because_its_decoder_copies_more() -> None:
    assert code_of(saved(Image.new("RGB", (5_200, 5_000)), "WEBP")) == "image_too_large"
    assert decode_image(saved(Image.new("L", (5_200, 5_000)), "PNG")).source_width_px == 5_200


@pytest.mark.filterwarnings("error")
def test_limits_hold_where_warnings_are_errors() -> None:
    assert code_of(png_that_claims(10_000, 9_500)) == "image_too_large"


def test_heavy_files_are_refused_unread() -> None:
    assert code_of(b"\xff\xd8\xff" + bytes(image_limits.MAX_FILE_BYTES)) == "image_too_large"


def test_tiny_pictures_are_refused() -> None:
    assert code_of(saved(quadrant_picture(60, 200), "PNG")) == "image_too_small"


def test_empty_file_is_unreadable() -> None:
    assert code_of(b"") == "image_unreadable"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIC", "AVIF"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_truncated_pictures_are_unreadable(image_format: str, kept: float, portrait_png: Path) -> None:
    picture = Image.open(portrait_png)
    data = heic(picture) if image_format == "HEIC" else saved(picture, image_format)
    assert code_of(data[: int(len(data) * kept)]) == "image_unreadable"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIC", "AVIF"])
def test_damage_anywhere_never_escapes_as_another_error(image_format: str) -> None:
    picture = quadrant_picture()
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"exif": exif.tobytes(), "icc_profile": profile}
    data = heic(picture, exif=exif.tobytes()) if image_format == "HEIC" else saved(picture, image_format, **options)
    numbers = random.Random(7)
    survivors = 0
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(numbers.choice([1, 3, 20])):
            damaged[numbers.randrange(len(damaged))] = numbers.randrange(256)
        try:
            rgb = decode_image(bytes(damaged)).rgb
        except PortraitError:
            continue
        survivors += 1
        assert rgb.ndim == 3 and rgb.shape[2] == 3
    assert survivors < 150  # otherwise the damage did nothing


# --- what is kept ------------------------------------------------------------------------------------------------


def test_stored_picture_holds_no_place_time_or_camera(portrait_png: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCameraMaker"
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    exif.get_ifd(0x8825)[29] = "2024:05:06"
    upload = saved(Image.open(portrait_png), "JPEG", exif=exif, comment=b"SecretComment") + b"SecretTrailer"
    assert b"Secret" in upload
    stored = encode_png(decode_image(upload).rgb)
    assert b"Secret" not in stored
    reopened = Image.open(io.BytesIO(stored))
    assert not dict(reopened.getexif()) and not reopened.info


def test_same_upload_gives_the_same_digest_and_survives_being_uploaded_again(portrait_png: Path) -> None:
    once = encode_png(decode_image(portrait_png.read_bytes()).rgb)
    again = encode_png(decode_image(once).rgb)
    assert digest_of(once) == digest_of(again)
    assert len(digest_of(once)) == 64


def test_thumbnail_fits_and_is_never_enlarged(portrait_png: Path) -> None:
    rgb = decode_image(portrait_png.read_bytes()).rgb
    assert Image.open(io.BytesIO(encode_jpeg(rgb, max_side_px=160))).size == (160, 160)
    assert Image.open(io.BytesIO(encode_jpeg(rgb, max_side_px=2_000))).size == (512, 512)


@pytest.mark.parametrize("side_px", [200, 3_000])
def test_54_a_jpeg_that_goes_over_its_pixels_again_and_again_is_refused_unread(side_px: int) -> None:
    assert code_of(jpeg_with_scans(1_500, side_px)) == "image_too_complex"


def test_the_scans_of_a_photo_are_no_reason_to_refuse_it() -> None:
    assert decode_image(jpeg_with_scans(60, 400)).source_width_px == 400


def test_pictures_behind_a_photo_are_not_counted() -> None:
    """Telephones append a short video to a photo, in which any two bytes may look like a marker."""
    photo = saved(quadrant_picture(200, 200), "JPEG")
    assert decode_image(photo + b"\xff\xda\0\x08" * 5_000).source_width_px == 200


def test_many_restart_markers_are_no_scans() -> None:
    photo = saved(quadrant_picture(400, 400), "JPEG", restart_marker_blocks=1)
    assert sum(photo.count(bytes([0xFF, 0xD0 + number])) for number in range(8)) > 100
    assert decode_image(photo).source_width_px == 400


def test_a_jpeg_of_empty_segments_is_refused() -> None:
    assert code_of(b"\xff\xd8" + b"\xff\xfe\0\x02" * 20_000 + b"\xff\xd9") == "image_too_complex"


def test_54_a_webp_is_measured_before_its_decoder_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = wide_webp()
    monkeypatch.setattr(images.Image, "open", lambda *_args, **_options: pytest.fail("a decoder has seen it"))
    assert code_of(data) == "image_too_large"


@pytest.mark.parametrize(
    "options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}], ids=["lossy", "lossless", "extended"]
)
def test_every_kind_of_webp_says_its_size(options: dict[str, Any]) -> None:
    assert decode_image(saved(quadrant_picture(120, 300), "WEBP", **options)).source_height_px == 300
    if not options:
        assert code_of(saved(quadrant_picture(120, 300), "WEBP")[:25]) == "image_unreadable"
