from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from talking_head.engines.base import Speech, TimedToken
from talking_head.engines.speech import hibari as hibari_module
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.reading.spoken_form import spoken_form
from talking_head.errors import EngineError, OptionError, ScriptError

WRITTEN = "In 1857 Dr. Smith paid $9.99 for well-known “books” — in the U.S.!"


def speak(engine: HibariSpeech, written: str, *, voice: str = "", speed: float = 1.0) -> Speech:
    return engine.speak(spoken_form(written).text, written, voice=voice, speed=speed)


def test_only_the_packaged_voice_is_offered_and_nothing_is_fetched(
    hibari: HibariSpeech, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "voices"
    monkeypatch.setenv("HIBARI_HOME", str(home))
    assert [(voice.name, voice.language) for voice in hibari.voices()] == [("heart", "en-US")]
    with pytest.raises(OptionError) as caught:
        speak(hibari, "Hello.", voice="emma")
    assert caught.value.code == "unknown_voice"
    assert "heart" in caught.value.hint
    assert not home.exists()


def test_a_voice_whose_file_was_brought_is_offered_after_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hibari: HibariSpeech
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    (tmp_path / "bf_emma.int8.onnx").write_bytes(b"model")
    assert [(voice.name, voice.language) for voice in hibari.voices()] == [("heart", "en-US"), ("emma", "en-GB")]


def test_every_written_word_has_its_time_and_place(hibari: HibariSpeech) -> None:
    speech = speak(hibari, WRITTEN)
    assert [word.text for word in speech.words] == [
        "In", "1857", "Dr.", "Smith", "paid", "$9.99", "for", "well-known", "books", "in", "the", "U.S.",
    ]  # fmt: skip
    assert all(WRITTEN[word.start : word.end] == word.text for word in speech.words)
    times = [time for word in speech.words for time in (word.start_seconds, word.end_seconds)]
    assert all(before <= after for before, after in pairwise(times))
    assert times[0] >= 0
    assert times[-1] <= len(speech.waveform) / speech.sample_rate_hz
    assert all(word.end_seconds > word.start_seconds for word in speech.words)


def test_phonemes_follow_each_other_without_holes(hibari: HibariSpeech) -> None:
    speech = speak(hibari, "Hello there.")
    assert speech.phoneme_alphabet == "misaki"
    assert "".join(phoneme.text for phoneme in speech.phonemes) == "həlˈO ðˈɛɹ."
    assert all(before.end_seconds == after.start_seconds for before, after in pairwise(speech.phonemes))


def test_lips_close_when_the_sound_of_a_p_is_silent(hibari: HibariSpeech) -> None:
    """The model's own clock is late; what comes out must fit the sound: in a "p" the voice is nearly still."""
    speech = speak(hibari, "Papa, the happy puppy, hopped upon a paper.")
    level = np.abs(speech.waveform)
    stops = [phoneme for phoneme in speech.phonemes if phoneme.text == "p"]
    vowels = [phoneme for phoneme in speech.phonemes if phoneme.text in "æɑʌAiə"]

    def mean_level(phoneme: TimedToken, delay_seconds: float) -> float:
        start, end = (round((time + delay_seconds) * 24_000) for time in (phoneme.start_seconds, phoneme.end_seconds))
        return float(level[start:end].mean())

    def contrast(delay_seconds: float) -> float:
        quiet = np.median([mean_level(stop, delay_seconds) for stop in stops])
        return float(np.median([mean_level(vowel, delay_seconds) for vowel in vowels]) / quiet)

    assert contrast(0.0) > 3
    assert contrast(0.0) > contrast(0.05)


def test_the_same_words_give_the_same_samples(hibari: HibariSpeech) -> None:
    first, second = speak(hibari, WRITTEN), speak(hibari, WRITTEN)
    assert np.array_equal(first.waveform, second.waveform)
    assert first.words == second.words
    assert first.phonemes == second.phonemes


def test_speed_shortens_the_speech_and_its_times(hibari: HibariSpeech) -> None:
    slow, plain, fast = (speak(hibari, WRITTEN, speed=speed) for speed in (0.5, 1.0, 2.0))
    assert len(slow.waveform) > 1.5 * len(plain.waveform) > 2.0 * len(fast.waveform)
    assert fast.words[-1].end_seconds <= len(fast.waveform) / fast.sample_rate_hz


@pytest.mark.parametrize("speed", [0.0, 0.49, 2.01, float("nan")])
def test_a_speed_it_was_not_made_for_is_refused(hibari: HibariSpeech, speed: float) -> None:
    with pytest.raises(OptionError) as caught:
        speak(hibari, "Hello.", speed=speed)
    assert caught.value.code == "speed_out_of_range"


@pytest.mark.parametrize("text", ["…", "?!", "—"])
def test_text_without_a_sound_is_refused(hibari: HibariSpeech, text: str) -> None:
    with pytest.raises(ScriptError) as caught:
        hibari.speak(text, text, voice="", speed=1.0)
    assert caught.value.code == "nothing_speakable"


def test_what_is_too_long_for_one_breath_is_said_in_several(hibari: HibariSpeech) -> None:
    written = "one two three, " * 40
    speech = speak(hibari, written)
    assert len(speech.phonemes) > 400
    assert [word.text for word in speech.words] == ["one", "two", "three"] * 40
    starts = [word.start_seconds for word in speech.words]
    assert starts == sorted(starts)
    assert speech.words[-1].end_seconds <= len(speech.waveform) / speech.sample_rate_hz


def test_a_model_without_durations_is_named_as_the_cause(hibari: HibariSpeech, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hibari_module, "DURATIONS_TENSOR", "/Not_there")
    model = hibari_module._model_file("heart")
    assert model is not None
    with pytest.raises(EngineError, match="hibari-tts") as caught:
        hibari_module._session_with_durations(model, threads=1)
    assert caught.value.code == "engine_unavailable"


def test_a_sound_before_a_pause_ends_when_it_is_no_longer_heard(hibari: HibariSpeech) -> None:
    speech = speak(hibari, "Now I see, and you see.")
    level = np.sqrt(np.convolve(speech.waveform**2, np.ones(480) / 480, "same"))
    audible = np.flatnonzero(level > 0.02 * level.max()) / speech.sample_rate_hz
    comma, full_stop = (phoneme for phoneme in speech.phonemes if phoneme.text in ",.")
    first_end, last_end = (word.end_seconds for word in speech.words if word.text == "see")
    assert comma.start_seconds == first_end
    assert full_stop.start_seconds == last_end
    assert last_end == pytest.approx(audible[-1], abs=0.04)
    assert first_end == pytest.approx(audible[audible < comma.end_seconds - 0.03][-1], abs=0.06)
