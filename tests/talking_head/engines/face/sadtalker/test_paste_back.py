"""The animated square back into the whole picture."""

from __future__ import annotations

import numpy as np

from talking_head.engines.face.framing import PixelBox
from talking_head.engines.face.sadtalker.face.paste_back import PasteBack, feathered_mask

RNG = np.random.default_rng(2)


def test_the_middle_is_the_face_and_the_outside_is_the_picture() -> None:
    canvas = RNG.integers(0, 255, (120, 160, 3), np.uint8)
    square = np.full((64, 64, 3), 77, np.uint8)

    frame = PasteBack(canvas, PixelBox(40, 20, 120, 100))(square)

    outside = np.ones((120, 160), bool)
    outside[20:100, 40:120] = False
    assert np.array_equal(frame[outside], canvas[outside])
    assert (frame[40:80, 60:100] == 77).all()


def test_there_is_no_step_at_the_border() -> None:
    canvas = np.full((100, 100, 3), 200, np.uint8)
    frame = PasteBack(canvas, PixelBox(10, 10, 90, 90))(np.zeros((64, 64, 3), np.uint8))
    steps = np.abs(np.diff(frame[50, :, 0].astype(int)))
    assert steps.max() <= 200 / 8 * 1.6  # the feather is eight pixels wide


def test_a_square_at_the_picture_s_edge_does_not_fade_there() -> None:
    mask = feathered_mask(PixelBox(0, 0, 50, 40), (50, 200))[..., 0]
    assert (mask[:20, 10:40] == 1).all()
    assert mask[20, 0] == 1
    assert mask[20, 49] == 1
    assert mask[39].max() < 0.1


def test_frames_do_not_share_memory() -> None:
    paste = PasteBack(np.zeros((40, 40, 3), np.uint8), PixelBox(4, 4, 36, 36))
    first = paste(np.full((16, 16, 3), 10, np.uint8))
    paste(np.full((16, 16, 3), 200, np.uint8))
    assert first.max() == 10
