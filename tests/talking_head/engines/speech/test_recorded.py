"""A narration cut into its utterances. The recordings are made with the embedded voice, so the right cuts are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from talking_head.engines.base import EngineSettings, Speech
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.reading.spoken_form import spoken_form
from talking_head.engines.speech.recorded import RecordedSpeech
from talking_head.errors import InvalidInput, OptionError, ScriptError
from talking_head.media_io.arrays import Waveform

WRITTEN = (
    "Plants make their own food from light.",
    "In 1779 somebody saw 42 small bubbles on a water plant.",
    "Plants make their own food from light.",  # read twice: two passages
    "The Xanthoplex catches mostly red and blue light.",  # not in any dictionary
)
SPOKEN = tuple(spoken_form(text).text for text in WRITTEN)
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Narration:
    waveform: Waveform
    sample_rate_hz: int
    starts_seconds: tuple[float, ...]  # of the first sound of each utterance
    speeches: tuple[Speech, ...]


@pytest.fixture(scope="module")
def narration(tmp_path_factory: pytest.TempPathFactory) -> Narration:
    engine = HibariSpeech(EngineSettings(checkpoints_dir=tmp_path_factory.mktemp("checkpoints")))
    speeches = tuple(
        engine.speak(spoken, written, voice="", speed=1.0) for spoken, written in zip(SPOKEN, WRITTEN, strict=True)
    )
    rate_hz = speeches[0].sample_rate_hz
    parts, starts, samples = [], [], 0
    for speech in speeches:
        starts.append(samples / rate_hz + speech.words[0].start_seconds)
        parts += [speech.waveform, np.zeros(round(PAUSE_SECONDS * rate_hz), np.float32)]
        samples += len(parts[-1]) + len(parts[-2])
    hiss = np.random.default_rng(0).normal(0, 1e-4, samples).astype(np.float32)
    waveform = (0.3 * np.concatenate(parts) + hiss).astype(np.float32)
    return Narration(waveform, rate_hz, tuple(starts), speeches)


@pytest.fixture(scope="module")
def engine(narration: Narration) -> RecordedSpeech:
    return RecordedSpeech(narration.waveform, narration.sample_rate_hz, SPOKEN, "en")


def speak(engine: RecordedSpeech, index: int) -> Speech:
    return engine.speak(SPOKEN[index], WRITTEN[index], voice=engine.passage(index), speed=1.0)


def test_each_passage_holds_its_utterance_and_nothing_of_its_neighbours(
    engine: RecordedSpeech, narration: Narration
) -> None:
    passages = [speak(engine, index) for index in range(len(SPOKEN))]
    joined = np.concatenate([passage.waveform for passage in passages])
    assert np.array_equal(joined, narration.waveform)  # every sample is in one passage, in order
    begin = 0.0
    for passage, true_start in zip(passages, narration.starts_seconds, strict=True):
        assert begin + passage.words[0].start_seconds == pytest.approx(true_start, abs=0.08)
        begin += len(passage.waveform) / passage.sample_rate_hz


def test_words_are_those_of_the_text_at_the_times_they_sound(engine: RecordedSpeech, narration: Narration) -> None:
    for index, truth in enumerate(narration.speeches):
        heard = speak(engine, index).words
        assert [(word.text, word.start, word.end) for word in heard] == [
            (word.text, word.start, word.end) for word in truth.words
        ]
        shift = heard[0].start_seconds - truth.words[0].start_seconds
        late = [
            mine.start_seconds - theirs.start_seconds - shift for mine, theirs in zip(heard, truth.words, strict=True)
        ]
        assert np.median(np.abs(late)) < 0.06


def test_phonemes_lie_inside_the_passage_in_order(engine: RecordedSpeech) -> None:
    for index in range(len(SPOKEN)):
        speech = speak(engine, index)
        assert speech.phoneme_alphabet == "arpabet"
        assert speech.phonemes[0].start_seconds >= 0
        assert speech.phonemes[-1].end_seconds <= len(speech.waveform) / speech.sample_rate_hz + 0.02
        ends = [token.end_seconds for token in speech.phonemes]
        assert ends == sorted(ends)
    first = [token.text for token in speak(engine, 0).phonemes]
    assert first[:6] == ["P", "L", "AE", "N", "T", "S"]


def test_the_same_sentence_read_twice_is_two_passages(engine: RecordedSpeech) -> None:
    assert WRITTEN[0] == WRITTEN[2]
    assert engine.passage(0) != engine.passage(2)
    assert {voice.name for voice in engine.voices()} == {engine.passage(index) for index in range(4)}


def test_another_recording_has_other_names(engine: RecordedSpeech, narration: Narration) -> None:
    louder = RecordedSpeech(narration.waveform * 1.5, narration.sample_rate_hz, SPOKEN, "en")
    assert louder.passage(0) != engine.passage(0)


def test_utterances_without_words_take_nothing_of_the_recording(narration: Narration) -> None:
    with_pause = RecordedSpeech(narration.waveform, narration.sample_rate_hz, (SPOKEN[0], "", *SPOKEN[1:]), "en")
    spoken = with_pause.speak(SPOKEN[1], WRITTEN[1], voice=with_pause.passage(2), speed=1.0)
    assert spoken.words[0].text == "In"
    with pytest.raises(ScriptError):
        with_pause.speak("", "[pause]", voice=with_pause.passage(1), speed=1.0)


@pytest.mark.parametrize(
    "texts",
    [
        ("Nothing of this is ever said in the recording.", "Nor is this.", "Another one.", "And one more of them."),
        SPOKEN[:2],
        (SPOKEN[0], *SPOKEN[2:]),
        (*SPOKEN, "And this sentence was never recorded by anybody."),
    ],
    ids=["another text", "the end is missing", "one is missing", "one too many"],
)
def test_a_text_that_is_not_what_is_said_is_refused(narration: Narration, texts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        RecordedSpeech(narration.waveform, narration.sample_rate_hz, texts, "en")
    assert caught.value.code == "audio_text_mismatch"


def noisy(narration: Narration) -> Waveform:
    """With a hiss ten decibels below the voice's mean power: told when it is uploaded, but used."""
    voice = narration.waveform
    level = 10 ** (-10 / 20) * float(np.sqrt(np.mean(voice**2)))
    return voice + np.random.default_rng(1).normal(0, level, len(voice)).astype(np.float32)


def test_noise_behind_the_voice_is_not_taken_for_words(narration: Narration, engine: RecordedSpeech) -> None:
    found = RecordedSpeech(noisy(narration), narration.sample_rate_hz, SPOKEN, "en")
    for index in range(len(SPOKEN)):
        clean, heard = (speak(each, index).words for each in (engine, found))
        late = [mine.start_seconds - theirs.start_seconds for mine, theirs in zip(heard, clean, strict=True)]
        assert np.median(np.abs(np.subtract(late, late[0]))) < 0.06


def test_a_sentence_that_is_missing_is_noticed_in_noise_too(narration: Narration) -> None:
    with pytest.raises(InvalidInput) as caught:
        RecordedSpeech(noisy(narration), narration.sample_rate_hz, (SPOKEN[0], *SPOKEN[2:]), "en")
    assert caught.value.code == "audio_text_mismatch"


def test_silence_does_not_fit_any_text() -> None:
    with pytest.raises(InvalidInput):
        RecordedSpeech(np.zeros(32_000, np.float32), 16_000, ("Hello there.",), "en")


def test_languages_that_the_aligner_does_not_know_are_refused(narration: Narration) -> None:
    with pytest.raises(ScriptError) as caught:
        RecordedSpeech(narration.waveform, narration.sample_rate_hz, SPOKEN, "de")
    assert caught.value.code == "unsupported_language"


def test_a_recording_keeps_its_speed_and_its_passages(engine: RecordedSpeech) -> None:
    with pytest.raises(OptionError) as caught:
        engine.speak(SPOKEN[0], WRITTEN[0], voice=engine.passage(0), speed=1.2)
    assert caught.value.code == "speed_out_of_range"
    with pytest.raises(OptionError) as caught:
        engine.speak(SPOKEN[0], WRITTEN[0], voice="somebody", speed=1.0)
    assert caught.value.code == "unknown_voice"


def test_long_recordings_are_walked_through_in_windows(
    narration: Narration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from talking_head.engines.speech import recorded

    whole = RecordedSpeech(narration.waveform, narration.sample_rate_hz, SPOKEN, "en")
    monkeypatch.setattr(recorded, "WINDOW_SECONDS", 4.0)
    stepwise = RecordedSpeech(narration.waveform, narration.sample_rate_hz, SPOKEN, "en")
    for index in range(len(SPOKEN)):
        lengths = [len(speak(engine, index).waveform) / narration.sample_rate_hz for engine in (whole, stepwise)]
        assert lengths[0] == pytest.approx(lengths[1], abs=0.1)
