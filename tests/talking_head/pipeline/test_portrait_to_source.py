"""From a file to what a face engine prepares."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from talking_head.engines.base import EngineSettings, Framing
from talking_head.engines.face.still import StillFace
from talking_head.errors import PortraitError, ResourceError
from talking_head.media_io import image_limits
from talking_head.pipeline.portrait_to_source import load_portrait, portrait_to_source


def code_of(path: Path) -> str:
    with pytest.raises(PortraitError) as caught:
        load_portrait(path)
    return caught.value.code


def test_digest_is_that_of_the_files_bytes(portrait_png: Path) -> None:
    portrait = load_portrait(portrait_png)
    assert portrait.digest == hashlib.sha256(portrait_png.read_bytes()).hexdigest()
    assert portrait.rgb.shape == (512, 512, 3)


def test_heic_that_is_named_jpg_is_read_by_its_content(portrait_png: Path, tmp_path: Path) -> None:
    output = io.BytesIO()
    pillow_heif.from_pillow(Image.open(portrait_png).convert("RGB")).save(output, format="HEIF", quality=80)
    mislabelled = tmp_path / "holiday.jpg"
    mislabelled.write_bytes(output.getvalue())
    original = load_portrait(portrait_png).rgb.astype(int)
    assert np.abs(load_portrait(mislabelled).rgb - original).mean() < 8


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nobody.png") == "portrait_missing"
    assert code_of(tmp_path) == "portrait_missing"


def test_text_named_png_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    path.write_text("not a picture")
    assert code_of(path) == "image_format"


def test_heavy_files_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "heavy.jpg"
    path.write_bytes(b"")
    with path.open("r+b") as file:
        file.truncate(image_limits.MAX_FILE_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _path: pytest.fail("the file was read"))
    assert code_of(path) == "image_too_large"


def test_unreadable_files_are_a_fault_of_the_machine(portrait_png: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(ResourceError):
        load_portrait(portrait_png)


def test_the_engine_prepares_the_portrait(portrait_png: Path) -> None:
    engine = StillFace(EngineSettings(Path()))
    source = portrait_to_source(engine, load_portrait(portrait_png), Framing("crop", 128))
    assert (source.width_px, source.height_px) == (128, 128)


def test_only_the_still_engine_works_without_a_portrait() -> None:
    engine = StillFace(EngineSettings(Path()))
    assert portrait_to_source(engine, None, Framing("crop", 128)).width_px == 128
    engine.name = "puppet"
    with pytest.raises(PortraitError) as caught:
        portrait_to_source(engine, None, Framing("crop", 128))
    assert caught.value.code == "no_portrait"
