"""What is said in a recording when nobody wrote it down: speech recognition behind one small protocol.

Two recognisers. ``whisper`` (faster-whisper) is used where its package is installed and one of its models lies in
``checkpoints/faster-whisper/``; it knows many languages and sets punctuation. ``pocketsphinx`` is always there, with
the US English model inside its wheel; it hears words and pauses, and its sentences end where the speaker pauses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from talking_head.errors import EngineError, InvalidInput
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample, to_pcm16

RECOGNISER_HZ = 16_000
WHISPER_FOLDER = "faster-whisper"  # in CHECKPOINTS_DIR
SENTENCE_PAUSE_SECONDS = 0.4  # a shorter one is a comma or a breath
MAX_SENTENCE_WORDS = 30  # beyond, a sentence ends at its longest pause: a clip should not last for minutes
LEVEL = 0.5  # peak that the recogniser gets: how loud somebody recorded must not matter

# Pocketsphinx weighs its alternatives per phrase: long ones make its probabilities meaningless and its search slow.
PHRASE_SECONDS = (8.0, 20.0)  # a phrase is cut in its quietest moment between these
_QUIET_SECONDS = 0.2
_FRAME_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as the recogniser writes it, when it sounds, and how sure it is (0..1)."""

    text: str
    start_seconds: float
    end_seconds: float
    probability: float


@dataclass(frozen=True, slots=True)
class HeardSegment:
    """A sentence of the transcript; ``probability`` is the mean of its words'."""

    text: str
    start_seconds: float
    end_seconds: float
    probability: float
    words: tuple[HeardWord, ...]


@dataclass(frozen=True, slots=True)
class TranscriptMetadata:
    """What is known of a transcript beside its text.

    ``language_probability`` is how likely the recording is in ``language``. Pocketsphinx knows English alone, so it is
    how sure it is of the words: about 0.6 for clear English, below 0.3 for other languages and for noise.
    """

    recogniser: str  # "name version"
    language: str
    language_probability: float
    duration_seconds: float  # of the recording
    segments: tuple[HeardSegment, ...]

    @property
    def words(self) -> tuple[HeardWord, ...]:
        return tuple(word for segment in self.segments for word in segment.words)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TranscriptMetadata:
        segments = tuple(
            HeardSegment(**{**segment, "words": tuple(HeardWord(**word) for word in segment["words"])})
            for segment in values["segments"]
        )
        return cls(**{**values, "segments": segments})


class Recogniser(Protocol):
    """Writes down speech; keeps its model. ``name`` and ``version`` go into the metadata."""

    name: str
    version: str

    def segments(self, waveform: Waveform, language: str) -> tuple[Sequence[HeardSegment], str, float]:
        """The sentences of a recording, (samples,) at ``RECOGNISER_HZ``; its language; how likely that is.

        ``language`` is what the recording should be in, "" to find out. No speech gives no segments.
        """


def recognise(
    waveform: Waveform, sample_rate_hz: int, *, checkpoints_dir: Path, language: str = ""
) -> tuple[str, TranscriptMetadata]:
    """Writes down what is said, with the best recogniser there is.

    Returns:
        The text, sentences separated by blanks, and the metadata.

    Raises:
        InvalidInput: ``audio_no_speech``. EngineError: the recogniser cannot be used here.
    """
    recogniser = best_recogniser(checkpoints_dir)
    speech = resample(waveform, sample_rate_hz, RECOGNISER_HZ)
    found, spoken_language, probability = recogniser.segments(speech, language) if np.any(speech) else ((), "", 0.0)
    if not found:
        raise InvalidInput(
            "No speech was heard in the recording.",
            code="audio_no_speech",
            hint="Check that the microphone was on and that somebody speaks, without music in front.",
        )
    metadata = TranscriptMetadata(
        recogniser=f"{recogniser.name} {recogniser.version}",
        language=spoken_language,
        language_probability=round(probability, 4),
        duration_seconds=round(len(waveform) / sample_rate_hz, 3),
        segments=tuple(found),
    )
    return " ".join(segment.text for segment in found), metadata


def best_recogniser(checkpoints_dir: Path) -> Recogniser:
    """Whisper where its package and a model are, otherwise pocketsphinx. Never downloads."""
    model = whisper_model(checkpoints_dir)
    if model is not None:
        try:
            return WhisperRecogniser(model)
        except ImportError:
            pass
    return PocketsphinxRecogniser()


def whisper_model(checkpoints_dir: Path) -> Path | None:
    """The folder of the first complete model in ``checkpoints/faster-whisper/``, by name; None when there is none."""
    return next((path.parent for path in sorted((checkpoints_dir / WHISPER_FOLDER).glob("*/model.bin"))), None)


class PocketsphinxRecogniser:
    """The recogniser inside the pocketsphinx wheel.

    Raises:
        EngineError: pocketsphinx is not installed.
    """

    name = "pocketsphinx"
    version = "1"

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise EngineError(
                "Recognising speech needs the package pocketsphinx.", hint="Install requirements.txt again."
            ) from error
        self._decoder = pocketsphinx.Decoder(samprate=RECOGNISER_HZ, dither=False, loglevel="FATAL")

    def segments(self, waveform: Waveform, language: str) -> tuple[Sequence[HeardSegment], str, float]:
        words = [word for start, end in _phrases(waveform) for word in self._words(waveform[start:end], start)]
        mean = float(np.mean([word.probability for word in words])) if words else 0.0
        return [_sentence(part) for part in _by_pauses(words)], "en", mean

    def _words(self, phrase: Waveform, offset: int) -> list[HeardWord]:
        peak = float(np.abs(phrase).max(initial=0.0))
        if not peak:
            return []
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(to_pcm16(phrase * (LEVEL / peak)).tobytes(), full_utt=True)
        decoder.end_utt()
        offset_seconds = offset / RECOGNISER_HZ
        return [
            HeardWord(
                found.word.partition("(")[0],  # "the(2)" is the second way to say "the"
                round(offset_seconds + found.start_frame / 100, 3),
                round(offset_seconds + (found.end_frame + 1) / 100, 3),
                round(min(1.0, found.prob), 4),
            )
            for found in decoder.seg() or ()
            if found.word[0] not in "<["  # silence, noises
        ]


class WhisperRecogniser:
    """A faster-whisper model from a folder of this machine.

    Raises:
        ImportError: the package is not installed. EngineError: ``checkpoint_corrupt``.
    """

    name = "whisper"

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        self.version = folder.name
        try:
            self._model = WhisperModel(str(folder), device="auto", compute_type="default", local_files_only=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(
                f"The speech recognition model “{folder.name}” cannot be read.",
                code="checkpoint_corrupt",
                hint=f"Fetch it again, or remove it from {WHISPER_FOLDER}/ to use the smaller recogniser.",
            ) from error

    def segments(self, waveform: Waveform, language: str) -> tuple[Sequence[HeardSegment], str, float]:
        found, info = self._model.transcribe(
            waveform, language=language.partition("-")[0] or None, word_timestamps=True, vad_filter=False
        )
        segments = []
        for segment in found:
            words = tuple(
                HeardWord(word.word.strip(), round(word.start, 3), round(word.end, 3), round(word.probability, 4))
                for word in segment.words or ()
            )
            if words:
                segments.append(replace(_sentence(words), text=segment.text.strip()))
        return segments, info.language, float(info.language_probability)


def _phrases(waveform: Waveform) -> list[tuple[int, int]]:
    """Sample ranges that cover the recording, cut where it is quietest."""
    frame = round(_FRAME_SECONDS * RECOGNISER_HZ)
    frames = len(waveform) // frame
    if frames * _FRAME_SECONDS <= PHRASE_SECONDS[1]:
        return [(0, len(waveform))]
    power = np.mean(waveform[: frames * frame].reshape(frames, frame) ** 2, axis=1)  # (frames,)
    width = round(_QUIET_SECONDS / _FRAME_SECONDS)
    quiet = np.convolve(power, np.ones(width), "same")
    least, most = (round(seconds / _FRAME_SECONDS) for seconds in PHRASE_SECONDS)
    cuts = [0]
    while frames - cuts[-1] > most:
        cuts.append(cuts[-1] + least + int(np.argmin(quiet[cuts[-1] + least : cuts[-1] + most])))
    return list(pairwise([*(cut * frame for cut in cuts), len(waveform)]))


def _by_pauses(words: Sequence[HeardWord]) -> list[tuple[HeardWord, ...]]:
    """Words to sentences: a pause ends one, and the longest pause divides one that would be too long."""
    cuts = [0, *(i + 1 for i, pause in enumerate(_pauses(words)) if pause >= SENTENCE_PAUSE_SECONDS), len(words)]
    return [part for start, end in pairwise(cuts) if start < end for part in _divided(tuple(words[start:end]))]


def _divided(words: tuple[HeardWord, ...]) -> list[tuple[HeardWord, ...]]:
    if len(words) <= MAX_SENTENCE_WORDS:
        return [words]
    margin = len(words) // 4  # from the middle half, so that both parts are worth a clip
    pauses = _pauses(words)[margin : len(words) - margin]
    cut = margin + int(np.argmax(pauses)) + 1
    return [*_divided(words[:cut]), *_divided(words[cut:])]


def _pauses(words: Sequence[HeardWord]) -> list[float]:
    return [after.start_seconds - before.end_seconds for before, after in pairwise(words)]


def _sentence(words: Sequence[HeardWord]) -> HeardSegment:
    """Words as a written sentence: a capital letter, a full stop, and the pronoun I."""
    text = " ".join(re.sub(r"^i(?=$|')", "I", word.text) for word in words)
    probability = round(float(np.mean([word.probability for word in words])), 4)
    return HeardSegment(
        f"{text[:1].upper()}{text[1:]}.", words[0].start_seconds, words[-1].end_seconds, probability, tuple(words)
    )
