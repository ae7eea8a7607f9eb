"""The emergency fallback: it always gives a picture, says that it is a stand-in, and shows the words."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take, TimedWord
from talking_head.engines.face import mesh, still_text
from talking_head.engines.face.framing import cut_and_scale, faceless_crop
from talking_head.engines.face.mesh import Landmarks
from talking_head.engines.face.puppet.engine import PuppetFace
from talking_head.engines.face.still import StillFace, StillSource
from talking_head.engines.face.still_picture import MARK_RGB, with_mark
from talking_head.engines.face.still_text import BUNDLED_FONT, has_glyph, lay_out
from talking_head.errors import EngineError
from talking_head.pipeline.portrait_to_source import load_portrait
from talking_head.profiles import Preprocess
from talking_head.timebase import CLIP_QUANTUM_FRAMES, SAMPLES_PER_VIDEO_FRAME

SENTENCE = "Photosynthesis turns light, water and carbon dioxide into sugar."
LONG_SENTENCE = " ".join(f"word{number:03d}" for number in range(120)) + "."


@pytest.fixture(scope="module")
def engine() -> StillFace:
    return StillFace(EngineSettings(checkpoints_dir=Path()))


@pytest.fixture
def portrait(portrait_png: Path) -> PortraitImage:
    return load_portrait(portrait_png)


def take(frames: int = CLIP_QUANTUM_FRAMES, words: tuple[TimedWord, ...] = ()) -> Take:
    return Take(np.zeros(frames * SAMPLES_PER_VIDEO_FRAME, np.float32), (), words, "misaki")


def take_of(text: str, frames: int) -> Take:
    """Every word takes the same time."""
    words = text.split()
    starts = [text.index(word) for word in words]
    seconds = frames / 25 / len(words)
    return take(
        frames,
        tuple(
            TimedWord(word, i * seconds, (i + 1) * seconds, start, start + len(word))
            for i, (word, start) in enumerate(zip(words, starts, strict=True))
        ),
    )


def film(engine: StillFace, source: StillSource, take: Take, text: str) -> list[np.ndarray]:
    motion = engine.motion(source, take, text=text, seed=1, expression_scale=1.0)
    return [frame.copy() for frame in engine.frames(source, motion)]


def differing_rows(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.flatnonzero((one != other).any(axis=(1, 2)))


def test_the_registry_offers_it(tmp_path: Path) -> None:
    assert registry.create("face", "still", EngineSettings(tmp_path)).name == "still"


@pytest.mark.parametrize("frames", [8, 16, 48])
def test_as_many_frames_as_the_take_needs(engine: StillFace, portrait: PortraitImage, frames: int) -> None:
    filmed = film(engine, engine.prepare(portrait, Framing("crop", 128)), take(frames), SENTENCE)
    assert len(filmed) == frames
    assert all(frame.shape == (128, 128, 3) and frame.dtype == np.uint8 for frame in filmed)


def test_no_portrait_gives_a_card(engine: StillFace) -> None:
    source = engine.prepare(None, Framing("crop", 256))
    assert (source.width_px, source.height_px) == (256, 256)
    assert source.picture.std() > 10  # something is on it


def test_the_portrait_is_recognisable(engine: StillFace, portrait: PortraitImage) -> None:
    source = engine.prepare(portrait, Framing("full", 512))
    middle = (slice(64, 300), slice(128, 384))
    assert np.array_equal(source.picture[middle], portrait.rgb[middle])


@pytest.mark.parametrize("chosen", [True, False])
def test_every_picture_is_marked_as_a_stand_in(engine: StillFace, portrait: PortraitImage, chosen: bool) -> None:
    source = engine.prepare(portrait if chosen else None, Framing("crop", 256))
    corner = source.picture[:40, :120].reshape(-1, 3).astype(int)
    assert (np.abs(corner - MARK_RGB).max(1) < 6).mean() > 0.2


def test_the_sentence_is_on_the_lower_part_only(engine: StillFace, portrait: PortraitImage) -> None:
    source = engine.prepare(portrait, Framing("crop", 256))
    filmed = film(engine, source, take(), SENTENCE)
    rows = differing_rows(filmed[0], source.picture)
    assert rows.size and rows.min() > 256 * 0.5
    assert filmed[0][rows].max() == 255  # white letters


def test_other_words_give_another_picture(engine: StillFace, portrait: PortraitImage) -> None:
    source = engine.prepare(portrait, Framing("crop", 256))
    one, other = (film(engine, source, take(), text)[0] for text in ("One.", "Two."))
    assert differing_rows(one, other).size


def test_the_picture_holds_still_and_is_deterministic(engine: StillFace, portrait: PortraitImage) -> None:
    source = engine.prepare(portrait, Framing("crop", 256))
    filmed = film(engine, source, take(16), SENTENCE)
    assert all(np.array_equal(frame, filmed[0]) for frame in filmed)
    again = film(engine, engine.prepare(portrait, Framing("crop", 256)), take(16), SENTENCE)
    assert np.array_equal(again[0], filmed[0])


def test_a_pause_has_no_panel(engine: StillFace, portrait: PortraitImage) -> None:
    source = engine.prepare(portrait, Framing("crop", 256))
    assert np.array_equal(film(engine, source, take(), "")[0], source.picture)


def test_long_sentences_turn_pages_with_the_voice(engine: StillFace, portrait: PortraitImage) -> None:
    source = engine.prepare(portrait, Framing("crop", 256))
    spoken = take_of(LONG_SENTENCE, frames=240)
    motion = engine.motion(source, spoken, text=LONG_SENTENCE, seed=1, expression_scale=1.0)
    assert motion.layout is not None and len(motion.layout.pages) > 2
    for page, start in list(zip(motion.layout.pages, motion.page_starts, strict=True))[1:]:
        first_word = next(word for word in spoken.words if word.start == page.start)
        assert start == round(first_word.start_seconds * 25)
    assert len(list(engine.frames(source, motion))) == 240


def test_long_sentences_without_times_turn_pages_evenly(engine: StillFace) -> None:
    source = engine.prepare(None, Framing("crop", 256))
    motion = engine.motion(source, take(240), text=LONG_SENTENCE, seed=1, expression_scale=1.0)
    assert motion.page_starts[0] == 0
    assert list(motion.page_starts) == sorted(motion.page_starts)
    assert max(np.diff([*motion.page_starts, 240])) < 2 * 240 / len(motion.page_starts)


def test_no_word_of_a_long_sentence_is_lost() -> None:
    layout = lay_out(LONG_SENTENCE, width_px=225, height_px=77, largest_px=17, smallest_px=13)
    shown = " ".join(line for page in layout.pages for line in page.lines)
    assert shown == LONG_SENTENCE
    assert all(layout.style.width_of(line) <= 225 for page in layout.pages for line in page.lines)


def test_words_wider_than_the_picture_are_broken() -> None:
    layout = lay_out("x" * 3_000, width_px=225, height_px=77, largest_px=17, smallest_px=13)
    lines = [line for page in layout.pages for line in page.lines]
    assert "".join(lines) == "x" * 3_000
    assert all(layout.style.width_of(line) <= 225 for line in lines)


def test_the_bundled_font_draws_teaching_text() -> None:
    text = "café naïve Łódź Привет αβγδ “quote” – — … × ÷ ± ≤ ≥ → ≈ √ ² ° € − ½ ∑ ∞ ə ʃ مرحبا שלום"
    assert [letter for letter in text if not has_glyph(BUNDLED_FONT, letter)] == []
    assert not has_glyph(BUNDLED_FONT, "語")


def test_signs_that_no_font_has_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still_text, "_system_fonts", lambda: ())
    layout = lay_out("Hello 😀 world", width_px=225, height_px=77, largest_px=17, smallest_px=13)
    assert layout.pages[0].lines == ("Hello world",)


def test_a_script_that_no_font_has_leaves_the_picture_without_boxes(
    engine: StillFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(still_text, "_system_fonts", lambda: ())
    source = engine.prepare(None, Framing("crop", 256))
    assert np.array_equal(film(engine, source, take(), "日本語の文章です。")[0], source.picture)


@pytest.mark.parametrize("preprocess", get_args(Preprocess))
@pytest.mark.parametrize("size_px", [128, 256, 512])
def test_the_size_is_the_puppets(
    engine: StillFace, portrait: PortraitImage, preprocess: Preprocess, size_px: int
) -> None:
    from talking_head.engines.face.mesh import face_mesh, find_faces
    from talking_head.engines.face.puppet.framing import frame_portrait

    framing = Framing(preprocess, size_px)
    odd = PortraitImage(np.ascontiguousarray(portrait.rgb[:-31, :-64]), "odd")  # (481, 448, 3)
    landmarks = face_mesh(odd.rgb, find_faces(odd.rgb)[0])
    expected = frame_portrait(odd.rgb, landmarks.points, framing).rgb
    source = engine.prepare(odd, framing)
    assert source.picture.shape == expected.shape
    faceless = PortraitImage(np.full(odd.rgb.shape, 127, np.uint8), "grey")
    assert engine.prepare(faceless, framing).picture.shape == expected.shape


@pytest.mark.parametrize("preprocess", get_args(Preprocess))
def test_the_picture_does_not_jump_beside_the_puppets(
    engine: StillFace, portrait: PortraitImage, preprocess: Preprocess
) -> None:
    """A small face near the lower edge: a cut in the picture's middle would show something else."""
    wide = np.full((900, 1_400, 3), 120, np.uint8)
    wide[300:812, 760:1_272] = portrait.rgb[:512, :512]
    picture = PortraitImage(wide, "wide")
    puppet = PuppetFace(EngineSettings(checkpoints_dir=Path()))
    framing = Framing(preprocess, 256)
    assert np.array_equal(engine.prepare(picture, framing).picture, with_mark(puppet.prepare(picture, framing).photo))


def test_a_face_that_the_mesh_denies_does_not_set_the_cut(
    engine: StillFace, portrait: PortraitImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The puppet refuses such a picture; what is then shown of it must not hang on points that are nowhere."""
    framing = Framing("crop", 256)
    nowhere = Landmarks(np.zeros((468, 3), np.float32), score=0.1)
    monkeypatch.setattr(mesh.FaceMesh, "face_mesh", lambda _self, _rgb, _box: nowhere)
    middle = faceless_crop(portrait.rgb.shape[1], portrait.rgb.shape[0], "crop")
    expected = with_mark(cut_and_scale(portrait.rgb, middle, (256, 256)))
    assert np.array_equal(engine.prepare(portrait, framing).picture, expected)


def test_it_works_without_face_networks(
    engine: StillFace, portrait: PortraitImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_self: mesh.FaceDetector, _rgb: np.ndarray) -> list[mesh.FaceBox]:
        raise EngineError("The face detection models are not installed.")

    monkeypatch.setattr(mesh.FaceDetector, "findings", missing)
    assert engine.prepare(portrait, Framing("crop", 256)).width_px == 256


@pytest.mark.parametrize("shape", [(64, 2_048, 3), (2_048, 64, 3), (64, 64, 3)])
@pytest.mark.parametrize("preprocess", get_args(Preprocess))
def test_odd_shapes_are_no_obstacle(engine: StillFace, shape: tuple[int, ...], preprocess: Preprocess) -> None:
    source = engine.prepare(PortraitImage(np.full(shape, 90, np.uint8), "x"), Framing(preprocess, 256))
    filmed = film(engine, source, take(), SENTENCE)
    assert filmed[0].shape == (source.height_px, source.width_px, 3)
