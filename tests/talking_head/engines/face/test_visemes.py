"""Phonemes become mouth shapes: every sound has one, lips that must close do, and at the right time."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hibari.tts import ASSETS

from talking_head.engines.base import TimedToken
from talking_head.engines.face import visemes
from talking_head.engines.face.visemes import (
    ARPABET,
    MISAKI,
    MOUTH_CHANNELS,
    SILENCE,
    VISEME_SHAPES,
    VisemeEvent,
    loudness_curve,
    mouth_curves,
    mouth_curves_from_loudness,
    pauses,
    phonemes_to_visemes,
)
from talking_head.timebase import AUDIO_HZ, VIDEO_FPS

CMU_PHONES = [
    *(
        "AA",
        "AE",
        "AH",
        "AO",
        "AW",
        "AY",
        "B",
        "CH",
        "D",
        "DH",
        "EH",
        "ER",
        "EY",
        "F",
        "G",
        "HH",
        "IH",
        "IY",
        "JH",
        "K",
    ),
    *("L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
]


def spaced(text: str, seconds_each: float = 0.1, start: float = 0.2) -> list[TimedToken]:
    """One token a letter, all of the same length."""
    return [
        TimedToken(letter, start + i * seconds_each, start + (i + 1) * seconds_each) for i, letter in enumerate(text)
    ]


def names(events: list[VisemeEvent]) -> list[str]:
    return [event.viseme for event in events]


def test_every_letter_of_the_voice_has_a_meaning() -> None:
    vocabulary = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
    unknown = [
        letter
        for letter in vocabulary
        if letter not in MISAKI
        and letter not in visemes._MISAKI_BEFORE | visemes._MISAKI_AFTER | visemes._MISAKI_SILENT
    ]
    assert unknown == []


@pytest.mark.parametrize("phone", CMU_PHONES)
def test_every_arpabet_phone_has_a_viseme_with_and_without_stress(phone: str) -> None:
    plain = phonemes_to_visemes([TimedToken(phone, 0.0, 0.1)], "arpabet")
    stressed = phonemes_to_visemes([TimedToken(phone.lower() + "1", 0.0, 0.1)], "arpabet")
    assert names(plain) == names(stressed)
    assert SILENCE not in names(plain)


def test_every_named_viseme_has_a_shape_within_its_range() -> None:
    for targets in (*MISAKI.values(), *ARPABET.values()):
        assert set(targets) <= set(VISEME_SHAPES)
    for shape in VISEME_SHAPES.values():
        assert all(0 <= value <= 1 for value in astuple(shape))
        assert shape.jaw <= 0.62


def test_both_alphabets_agree_about_the_same_words() -> None:
    misaki = phonemes_to_visemes(spaced("pumθ"), "misaki")
    arpabet = phonemes_to_visemes(
        [TimedToken(p, 0.2 + i * 0.1, 0.3 + i * 0.1) for i, p in enumerate(["P", "UW1", "M", "TH"])], "arpabet"
    )
    assert names(misaki) == names(arpabet) == ["PP", "U", "PP", "TH"]
    assert [e.start_seconds for e in misaki] == pytest.approx([e.start_seconds for e in arpabet])


def test_stress_gives_its_time_to_the_following_vowel_and_length_to_the_one_before() -> None:
    events = phonemes_to_visemes(spaced("tˈiːp"), "misaki")
    assert names(events) == ["DD", "I", "PP"]
    assert events[1].start_seconds == pytest.approx(0.3)
    assert events[1].end_seconds == pytest.approx(0.6)


def test_diphthongs_glide_through_two_shapes() -> None:
    events = phonemes_to_visemes(spaced("Y"), "misaki")
    assert names(events) == ["O", "I"]
    assert events[0].end_seconds == events[1].start_seconds


def test_short_gaps_between_words_are_no_pauses_and_long_ones_are() -> None:
    short = [TimedToken("m", 0.0, 0.1), TimedToken(" ", 0.1, 0.15), TimedToken("ɑ", 0.15, 0.3)]
    assert names(phonemes_to_visemes(short, "misaki")) == ["PP", "aa"]
    long = [TimedToken("m", 0.0, 0.1), TimedToken(",", 0.1, 0.5), TimedToken("ɑ", 0.5, 0.6)]
    events = phonemes_to_visemes(long, "misaki")
    assert names(events) == ["PP", SILENCE, "aa"]
    assert pauses(events, 1.0) == [(0.1, 0.5), (0.6, 1.0)]


def test_tokens_of_several_letters_share_their_time() -> None:
    events = phonemes_to_visemes([TimedToken("mɑ", 0.0, 0.2)], "misaki")
    assert [(e.viseme, e.start_seconds, e.end_seconds) for e in events] == [("PP", 0.0, 0.1), ("aa", 0.1, 0.2)]


def test_an_unknown_alphabet_is_refused() -> None:
    with pytest.raises(ValueError, match="sampa"):
        phonemes_to_visemes([], "sampa")


@pytest.mark.parametrize("start", np.arange(0.2, 0.24, 0.005))
def test_the_shortest_closure_still_shuts_the_lips_in_some_frame(start: float) -> None:
    phonemes = [
        TimedToken("ɑ", start - 0.1, start),
        TimedToken("b", start, start + 0.04),
        TimedToken("ɑ", start + 0.04, start + 0.2),
    ]
    curves = mouth_curves(phonemes_to_visemes(phonemes, "misaki"), np.ones(20, np.float32))
    shut = curves["press"].argmax()
    assert curves["press"][shut] == pytest.approx(1.0)
    assert curves["jaw"][shut] == pytest.approx(0.0, abs=1e-6)
    assert abs((shut + 0.5) / VIDEO_FPS - (start + 0.02)) <= 0.041


def test_open_vowels_open_and_rounded_ones_round() -> None:
    curves = mouth_curves(phonemes_to_visemes(spaced("ɑsu", 0.2), "misaki"), np.ones(30, np.float32))
    middle = {letter: round((0.3 + i * 0.2) * VIDEO_FPS) for i, letter in enumerate("ɑsu")}
    assert curves["jaw"][middle["ɑ"]] > 0.5 > 2 * curves["jaw"][middle["s"]]
    assert curves["pucker"][middle["u"]] > 0.8 > 10 * curves["pucker"][middle["ɑ"]]


def test_silence_leaves_the_mouth_at_rest() -> None:
    curves = mouth_curves([], np.zeros(10, np.float32))
    assert set(curves) == set(MOUTH_CHANNELS)
    assert all(np.allclose(curve, 0) and len(curve) == 10 for curve in curves.values())


def test_quiet_vowels_open_less_than_loud_ones() -> None:
    events = phonemes_to_visemes(spaced("ɑɑɑ"), "misaki")
    quiet, loud = (mouth_curves(events, np.full(20, level, np.float32))["jaw"].max() for level in (0.0, 1.0))
    assert quiet < 0.8 * loud


def test_loudness_is_relative_to_the_take_and_follows_it() -> None:
    seconds = np.arange(AUDIO_HZ * 2) / AUDIO_HZ
    tone = np.sin(2 * np.pi * 200 * seconds) * (seconds > 1.0)
    for gain in (0.05, 0.8):
        curve = loudness_curve((tone * gain).astype(np.float32), 2 * VIDEO_FPS)
        assert curve[:23].max() < 0.05
        assert curve[27:].min() > 0.9
    assert loudness_curve(np.zeros(AUDIO_HZ, np.float32), VIDEO_FPS).max() == 0


def test_untimed_speech_moves_the_jaw_with_its_loudness() -> None:
    loudness = np.array([0, 0, 1, 1, 0, 0], np.float32)
    jaw = mouth_curves_from_loudness(loudness)["jaw"]
    assert jaw[[0, 1, 4, 5]].max() == 0
    assert jaw[[2, 3]].min() > 0.3
