"""What is said, written down. The recordings are made with the embedded voice, so the right words are known."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from talking_head.engines.speech import recognition
from talking_head.engines.speech.hibari import HibariSpeech
from talking_head.engines.speech.recognition import (
    PocketsphinxRecogniser,
    RecognisedWord,
    TranscriptMetadata,
    WhisperRecogniser,
    best_recogniser,
    recognise,
)
from talking_head.errors import EngineError, InvalidInput
from talking_head.media_io.arrays import Waveform

SENTENCES = (
    "Plants make their own food from light.",
    "The leaves catch sunlight and take in air from outside.",
    "Water travels up from the roots to every part of the plant.",
    "Without plants there would be no food for people or animals.",
    "Please read the next chapter before our lesson on Monday.",
)
PAUSE_SECONDS = 0.6
MAX_WORD_ERROR_RATE = 0.35


@dataclass(frozen=True)
class Recording:
    waveform: Waveform
    sample_rate_hz: int


@pytest.fixture(scope="module")
def recording(hibari: HibariSpeech) -> Recording:
    parts = []
    for sentence in SENTENCES:
        speech = hibari.speak(sentence, sentence, voice="", speed=1.0)
        parts += [speech.waveform, np.zeros(round(PAUSE_SECONDS * speech.sample_rate_hz), np.float32)]
    return Recording(np.concatenate(parts), speech.sample_rate_hz)


@pytest.fixture(scope="module")
def transcript(recording: Recording) -> tuple[str, TranscriptMetadata]:
    return recognise(recording.waveform, recording.sample_rate_hz, checkpoints_dir=Path("/nowhere"))


def words_of(text: str) -> list[str]:
    return "".join(letter for letter in text.lower() if letter.isalpha() or letter in " '").split()


def word_error_rate(heard: list[str], truth: list[str]) -> float:
    row = list(range(len(heard) + 1))
    for i, true_word in enumerate(truth, 1):
        previous, row[0] = row[0], i
        for j, word in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != true_word))
    return row[-1] / len(truth)


def test_the_words_come_back_with_few_errors(transcript: tuple[str, TranscriptMetadata]) -> None:
    assert word_error_rate(words_of(transcript[0]), words_of(" ".join(SENTENCES))) < MAX_WORD_ERROR_RATE


def test_pauses_end_sentences_that_can_be_read(transcript: tuple[str, TranscriptMetadata]) -> None:
    text, metadata = transcript
    assert len(metadata.segments) == len(SENTENCES)
    assert text == " ".join(segment.text for segment in metadata.segments)
    assert all(segment.text[0].isupper() and segment.text.endswith(".") for segment in metadata.segments)


def test_the_metadata_say_language_length_and_times(
    transcript: tuple[str, TranscriptMetadata], recording: Recording
) -> None:
    _, metadata = transcript
    length_seconds = len(recording.waveform) / recording.sample_rate_hz
    assert metadata.recogniser.startswith("pocketsphinx")
    assert metadata.language == "en"
    assert 0.4 < metadata.language_probability <= 1
    assert metadata.duration_seconds == pytest.approx(length_seconds, abs=0.001)
    times = [time for word in metadata.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert times[-1] <= length_seconds
    for segment in metadata.segments:
        assert (segment.start_seconds, segment.end_seconds) == (
            segment.words[0].start_seconds,
            segment.words[-1].end_seconds,
        )
        assert 0 < segment.probability <= 1


def test_metadata_survive_json(transcript: tuple[str, TranscriptMetadata]) -> None:
    assert TranscriptMetadata.from_json(transcript[1].to_json()) == transcript[1]


def test_what_is_no_english_speech_is_less_probable(
    recording: Recording, transcript: tuple[str, TranscriptMetadata]
) -> None:
    backwards = np.ascontiguousarray(recording.waveform[::-1])
    _, metadata = recognise(backwards, recording.sample_rate_hz, checkpoints_dir=Path("/nowhere"))
    assert metadata.language_probability < 0.6 * transcript[1].language_probability


def music(seconds: float) -> Waveform:
    time = np.arange(round(16_000 * seconds)) / 16_000
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6))
    return (0.1 * chord * (np.sin(2 * np.pi * 2 * time) > 0)).astype(np.float32)


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(32_000, np.float32),
        np.random.default_rng(0).normal(0, 0.1, 64_000).astype(np.float32),
        music(6.0),
        np.zeros(10, np.float32),
        np.ones(10, np.float32),
    ],
    ids=["silence", "noise", "music", "nothing at all", "a click"],
)
def test_sound_without_speech_is_said_to_be_that(waveform: Waveform) -> None:
    with pytest.raises(InvalidInput) as caught:
        recognise(waveform, 16_000, checkpoints_dir=Path("/nowhere"))
    assert caught.value.code == "audio_no_speech"


def test_long_recordings_are_cut_only_where_it_is_quiet(recording: Recording) -> None:
    speech = recognition.resample(recording.waveform, recording.sample_rate_hz, recognition.RECOGNISER_HZ)
    long = np.concatenate([speech, speech])
    phrases = recognition._phrases(long)
    assert (phrases[0][0], phrases[-1][1]) == (0, len(long))
    assert all(before[1] == after[0] for before, after in pairwise(phrases))
    for _, cut in phrases[:-1]:
        assert np.abs(long[cut - 1_600 : cut + 1_600]).max() < 0.05 * np.abs(long).max()


def test_a_sentence_without_end_is_divided_at_its_longest_pause() -> None:
    times = [0.3 * number + (0.2 if number >= 25 else 0.0) for number in range(45)]
    words = [RecognisedWord("word", start, start + 0.25, 1.0) for start in times]
    assert [len(part) for part in recognition._by_pauses(words)] == [25, 20]


def test_the_pronoun_is_written_large() -> None:
    words = [RecognisedWord(text, 0.0, 1.0, 1.0) for text in ("so", "i", "think", "i'm", "in")]
    assert recognition._sentence(words).text == "So I think I'm in."


class FakeWhisper:
    """The part of faster_whisper.WhisperModel that is used."""

    def __init__(self, folder: str, **options: Any) -> None:
        if "broken" in folder:
            raise RuntimeError("Unable to open file 'model.bin'")
        assert options["local_files_only"] is True
        self.folder = folder

    def transcribe(self, waveform: Waveform, **options: Any) -> tuple[Any, Any]:
        words = [
            SimpleNamespace(word=" Grüß", start=0.1, end=0.4, probability=0.9),
            SimpleNamespace(word=" Gott.", start=0.5, end=0.9, probability=0.7),
        ]
        segments = [SimpleNamespace(text=" Grüß Gott.", words=words), SimpleNamespace(text="", words=[])]
        return iter(segments), SimpleNamespace(language=options["language"] or "de", language_probability=0.98)


@pytest.fixture
def whisper_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("faster_whisper")
    module.WhisperModel = FakeWhisper  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)


def model_in(checkpoints: Path, name: str) -> Path:
    folder = checkpoints / "faster-whisper" / name
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    return checkpoints


def test_whisper_is_used_where_package_and_model_are(whisper_installed: None, tmp_path: Path) -> None:
    text, metadata = recognise(np.ones(16_000, np.float32), 16_000, checkpoints_dir=model_in(tmp_path, "small"))
    assert text == "Grüß Gott."
    assert (metadata.recogniser, metadata.language, metadata.language_probability) == ("whisper small", "de", 0.98)
    assert [word.text for word in metadata.words] == ["Grüß", "Gott."]


def test_without_a_model_or_without_the_package_the_small_recogniser_listens(
    whisper_installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(best_recogniser(tmp_path), PocketsphinxRecogniser)
    assert isinstance(best_recogniser(model_in(tmp_path, "small")), WhisperRecogniser)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)  # as if it were not installed
    assert isinstance(best_recogniser(tmp_path), PocketsphinxRecogniser)


def test_a_damaged_model_is_an_error_that_says_what_to_do(whisper_installed: None, tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        best_recogniser(model_in(tmp_path, "broken"))
    assert caught.value.code == "checkpoint_corrupt"
