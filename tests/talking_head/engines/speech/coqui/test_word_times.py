"""Times of words: aligned for English, estimated from letters and sound for the rest."""

from __future__ import annotations

import numpy as np
import pytest

from talking_head.engines.speech.alignment import Aligner, MisfitError
from talking_head.engines.speech.coqui.word_times import SpokenRun, WordTimes, word_times
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.reading.spoken_form import spoken_form

RATE_HZ = 16_000
ENGLISH = "In 1969, two people walked on the moon."


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


def estimated(
    written: str, language: str = "de", *, silence_seconds: float = 0.5, sound_seconds: float = 2.0
) -> WordTimes:
    """Times in a hum between two silences."""
    spoken = spoken_form(written, language).text
    hum = np.sin(np.arange(round(sound_seconds * RATE_HZ)) * 0.1)
    silence = np.zeros(round(silence_seconds * RATE_HZ))
    waveform = (0.3 * np.concatenate([silence, hum, silence])).astype(np.float32)
    piece = SpokenRun(0, len(spoken), 0.0, len(waveform) / RATE_HZ)
    return word_times(Aligner(), waveform, RATE_HZ, [piece], spoken, written, language)


def test_english_words_are_found_where_another_model_says_they_are(hibari: HibariSpeech, aligner: Aligner) -> None:
    spoken = spoken_form(ENGLISH).text
    speech = hibari.speak(spoken, ENGLISH, voice="", speed=1.0)
    piece = SpokenRun(0, len(spoken), 0.0, len(speech.waveform) / speech.sample_rate_hz)
    found = word_times(aligner, speech.waveform, speech.sample_rate_hz, [piece], spoken, ENGLISH, "en-US")
    assert found.times_from == "alignment"
    assert [word.text for word in found.words] == [word.text for word in speech.words]
    apart = [abs(a.start_seconds - b.start_seconds) for a, b in zip(found.words, speech.words, strict=True)]
    assert float(np.median(apart)) < 0.06 and max(apart) < 0.2
    assert found.phonemes[0].text == "IH"


def test_english_that_is_not_heard_is_estimated(aligner: Aligner, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(*_: object) -> None:
        raise MisfitError

    monkeypatch.setattr(Aligner, "align", deaf)
    assert estimated("Water boils.", "en").times_from == "estimate"


def test_estimates_fill_the_sound_and_nothing_else() -> None:
    times = estimated("Wasser kocht bei hundert Grad.")
    assert times.times_from == "estimate"
    assert times.words[0].start_seconds == pytest.approx(0.5, abs=0.02)
    assert times.words[-1].end_seconds == pytest.approx(2.5, abs=0.02)
    assert all(a.end_seconds <= b.start_seconds for a, b in zip(times.words, times.words[1:], strict=False))


def test_longer_words_last_longer_and_a_comma_is_a_pause() -> None:
    oh, temperature, rises = estimated("Oh, Temperatur steigt").words
    assert temperature.end_seconds - temperature.start_seconds > 3 * (oh.end_seconds - oh.start_seconds)
    assert temperature.start_seconds - oh.end_seconds > 5 * (rises.start_seconds - temperature.end_seconds)


def test_a_number_is_one_word_as_written() -> None:
    written = "Es sind 42 Grad"
    times = estimated(written)
    assert [written[word.start : word.end] for word in times.words] == ["Es", "sind", "42", "Grad"]


def test_lips_close_for_p_b_and_m() -> None:
    times = estimated("Papa")
    assert [token.text for token in times.phonemes] == ["P", "AA", "P", "AA"]
    assert times.phonemes[-1].end_seconds == pytest.approx(times.words[-1].end_seconds)


def test_accents_are_letters_too() -> None:
    assert [token.text for token in estimated("Mère", "fr").phonemes] == ["M", "EH", "R", "EH"]


def test_other_scripts_move_the_lips_too() -> None:
    pytest.importorskip("anyascii")
    assert [token.text for token in estimated("мама", "ru").phonemes] == ["M", "AA", "M", "AA"]
    assert len(estimated("水很热", "zh").phonemes) > 3


@pytest.mark.parametrize("written", ["…", "—"])
def test_text_without_words_has_no_times(written: str) -> None:
    assert estimated(written).words == ()


def test_silence_is_shared_out_too() -> None:
    times = estimated("Wasser kocht", sound_seconds=0.0)
    assert times.words[-1].end_seconds == pytest.approx(1.0)
