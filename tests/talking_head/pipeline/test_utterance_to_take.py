from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from talking_head.engines.base import EngineSettings, Speech, TimedToken, TimedWord
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.reading.spoken_form import spoken_form
from talking_head.errors import OptionError, ScriptError
from talking_head.media_io.audio import read_flac, write_flac
from talking_head.media_io.loudness import integrated_loudness_lufs
from talking_head.pipeline.requests import ClipRequest
from talking_head.pipeline.utterance_to_take import CEILING_DBTP, TARGET_LUFS, speech_to_take, utterance_to_take
from talking_head.timebase import AAC_FRAME_SAMPLES, AUDIO_HZ, CLIP_QUANTUM_SAMPLES
from tests.media import true_peak_dbtp
from tests.talking_head.fakes import FakeSpeech

LESSON = [
    "Hello, and welcome.",
    "Peter Piper picked a peck of pickled peppers.",
    "In 1857 they sold 1,250 books at $9.99 each.",
    "She sells sea shells by the sea shore.",
    "Is it really true that light is both a wave and a particle?",
    "Mitochondria are the powerhouse of the cell, and they have their own DNA.",
    "No!",
    "We choose to go to the Moon, not because it is easy, but because it is hard.",
    "What a day it was.",
    "Thank you for listening, and see you next week.",
]


@pytest.fixture(scope="module")
def hibari() -> HibariSpeech:
    return HibariSpeech(EngineSettings(Path("checkpoints")))


def request(text: str, **values: object) -> ClipRequest:
    return ClipRequest.from_json({"text": text, "spoken": spoken_form(text).text, **values})


def tone(seconds: float, *, lead_seconds: float = 0.0, amplitude: float = 0.1, rate_hz: int = 24_000) -> Speech:
    """A tone with near-silence before and after, a word and phonemes over the whole of it."""
    count = round(seconds * rate_hz)
    sound = amplitude * np.sin(2 * np.pi * 300 * np.arange(count) / rate_hz)
    quiet = np.full(round(lead_seconds * rate_hz), 1e-5)
    waveform = np.concatenate([quiet, sound, quiet]).astype(np.float32)
    start, end = lead_seconds, lead_seconds + seconds
    phonemes = (TimedToken(" ", 0.0, start), TimedToken("a", start, end), TimedToken(".", end, end + lead_seconds))
    return Speech(waveform, rate_hz, phonemes, (TimedWord("tone", start, end, 0, 4),), "misaki")


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 2.71])
@pytest.mark.parametrize("pause_seconds", [0.0, 1.5])
def test_a_take_is_whole_quanta_with_digital_silence_at_both_ends(seconds: float, pause_seconds: float) -> None:
    take = speech_to_take(tone(seconds), pause_seconds)
    assert len(take.waveform) % CLIP_QUANTUM_SAMPLES == 0
    heard = np.flatnonzero(take.waveform)
    assert heard[0] >= 2 * AAC_FRAME_SAMPLES
    silent_tail = len(take.waveform) - 1 - heard[-1]
    assert silent_tail >= max(2 * AAC_FRAME_SAMPLES, pause_seconds * AUDIO_HZ)
    assert silent_tail < (0.2 + pause_seconds) * AUDIO_HZ + CLIP_QUANTUM_SAMPLES + 100


def test_silence_around_the_speech_is_cut_and_times_move_with_the_sound() -> None:
    take = speech_to_take(tone(1.0, lead_seconds=0.8))
    assert len(take.waveform) < 1.7 * AUDIO_HZ
    (word,) = take.words
    first_loud = np.flatnonzero(np.abs(take.waveform) > 0.02)[0] / AUDIO_HZ
    assert word.start_seconds == pytest.approx(first_loud, abs=0.01)
    assert word.end_seconds - word.start_seconds == pytest.approx(1.0, abs=0.01)
    sounding = [phoneme for phoneme in take.phonemes if phoneme.text == "a"]
    assert sounding[0].start_seconds == pytest.approx(word.start_seconds, abs=0.001)
    assert all(0 <= phoneme.start_seconds < phoneme.end_seconds for phoneme in take.phonemes)


@pytest.mark.parametrize("amplitude", [0.002, 0.05, 0.9])
def test_every_take_arrives_at_the_same_loudness(amplitude: float) -> None:
    take = speech_to_take(tone(2.0, amplitude=amplitude))
    assert integrated_loudness_lufs(take.waveform) == pytest.approx(TARGET_LUFS, abs=0.5)


def test_a_joined_lesson_is_as_loud_as_promised_and_never_clips(hibari: HibariSpeech) -> None:
    takes = [utterance_to_take(hibari, request(text)) for text in LESSON]
    lesson = np.concatenate([take.waveform for take in takes])
    assert integrated_loudness_lufs(lesson) == pytest.approx(TARGET_LUFS, abs=1.0)
    assert true_peak_dbtp(lesson) <= CEILING_DBTP
    silent = np.abs(lesson) < 1e-4
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8))))[::2]
    assert runs.max() / AUDIO_HZ < 1.2  # natural between two sentences


def test_a_take_survives_the_cache_unchanged(hibari: HibariSpeech, tmp_path: Path) -> None:
    take = utterance_to_take(hibari, request("Hello there."))
    write_flac(tmp_path / "take.flac", take.waveform, AUDIO_HZ)
    assert np.array_equal(read_flac(tmp_path / "take.flac")[0], take.waveform)


def test_the_same_request_gives_the_same_take(hibari: HibariSpeech) -> None:
    first, second = (utterance_to_take(hibari, request("The same again, please.")) for _ in range(2))
    assert np.array_equal(first.waveform, second.waveform)
    assert (first.words, first.phonemes) == (second.words, second.phonemes)


def test_words_slice_to_themselves_and_lie_within_the_sound(hibari: HibariSpeech) -> None:
    text = "Dr. Smith paid $9.99 — for 3 “books”."
    take = utterance_to_take(hibari, request(text))
    assert [word.text for word in take.words] == ["Dr.", "Smith", "paid", "$9.99", "for", "3", "books"]
    heard = np.flatnonzero(take.waveform) / AUDIO_HZ
    for word in take.words:
        assert text[word.start : word.end] == word.text
        assert heard[0] - 0.01 <= word.start_seconds < word.end_seconds <= heard[-1] + 0.01


def test_a_pause_without_words_is_silence_of_its_length() -> None:
    take = utterance_to_take(FakeSpeech(EngineSettings(Path())), ClipRequest("[pause 2s]", "", pause_seconds=2.0))
    assert not take.waveform.any()
    assert 2.0 <= len(take.waveform) / AUDIO_HZ < 2.33
    assert (take.words, take.phonemes) == ((), ())


@pytest.mark.parametrize(("language", "voice"), [("de", ""), ("fr-CA", "beep")])
def test_a_voice_of_another_language_is_refused(language: str, voice: str) -> None:
    with pytest.raises(ScriptError) as caught:
        utterance_to_take(FakeSpeech(EngineSettings(Path())), request("Hallo", language=language, voice=voice))
    assert caught.value.code == "unsupported_language"


def test_an_unknown_voice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionError, match="beep, boop") as caught:
        utterance_to_take(FakeSpeech(EngineSettings(Path())), request("Hello", voice="nobody"))
    assert caught.value.code == "unknown_voice"


def test_a_voice_that_stays_silent_is_an_error() -> None:
    with pytest.raises(ScriptError) as caught:
        utterance_to_take(FakeSpeech(EngineSettings(Path())), ClipRequest("…", "something"))
    assert caught.value.code == "nothing_speakable"
