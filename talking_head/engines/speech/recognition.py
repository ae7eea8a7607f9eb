"""Transcription of recordings: speech recognition behind one small protocol.

Two recognisers. ``whisper`` (faster-whisper) is used where its package is installed and one of its models lies in
``checkpoints/faster-whisper/``; it knows many languages and sets punctuation. ``pocketsphinx`` is always there, with
the US English model inside its wheel; it recognises words and pauses, and its sentences end where the speaker pauses.
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
MAX_SENTENCE_WORDS = 30  # a longer one is split at its longest pause: a clip should not last for minutes
LEVEL = 0.5  # peak of the input, so that the recording level does not matter

# Pocketsphinx ranks its alternatives per phrase: long phrases make its probabilities meaningless and its search slow.
PHRASE_SECONDS = (8.0, 20.0)  # a phrase is cut at its quietest moment between these
_QUIET_SECONDS = 0.2
_FRAME_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A word as the recogniser writes it, with its times and its probability (0..1)."""

    text: str
    start_seconds: float
    end_seconds: float
    probability: float


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A sentence of the transcript; ``probability`` is the mean of its words'."""

    text: str
    start_seconds: float
    end_seconds: float
    probability: float
    words: tuple[RecognisedWord, ...]


@dataclass(frozen=True, slots=True)
class TranscriptMetadata:
    """The metadata of a transcript.

    ``language_probability`` is how likely the recording is in ``language``. Pocketsphinx supports only English, so
    there it is the mean probability of the words: about 0.6 for clear English, below 0.3 for other languages and noise.
    """

    recogniser: str  # "name version"
    language: str
    language_probability: float
    duration_seconds: float  # of the recording
    segments: tuple[TranscriptSegment, ...]

    @property
    def words(self) -> tuple[RecognisedWord, ...]:
        return tuple(word for segment in self.segments for word in segment.words)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TranscriptMetadata:
        segments = tuple(
            TranscriptSegment(**{**segment, "words": tuple(RecognisedWord(**word) for word in segment["words"])})
            for segment in values["segments"]
        )
        return cls(**{**values, "segments": segments})


class Recogniser(Protocol):
    """Transcribes speech with a warm model. ``name`` and ``version`` go into the metadata."""

    name: str
    version: str

    def segments(self, waveform: Waveform, language: str) -> tuple[Sequence[TranscriptSegment], str, float]:
        """Return the sentences of a recording, (samples,) at ``RECOGNISER_HZ``, its language and the probability of it.

        ``language`` is the expected language, "" to detect it. Without speech there are no segments.
        """


def recognise(
    waveform: Waveform, sample_rate_hz: int, *, checkpoints_dir: Path, language: str = ""
) -> tuple[str, TranscriptMetadata]:
    """Transcribe a recording with the best available recogniser.

    Returns:
        The text, its sentences separated by spaces, and the metadata.

    Raises:
        InvalidInput: ``audio_no_speech``. EngineError: the recogniser cannot be used here.
    """
    recogniser = best_recogniser(checkpoints_dir)
    speech = resample(waveform, sample_rate_hz, RECOGNISER_HZ)
    segments, spoken_language, probability = recogniser.segments(speech, language) if np.any(speech) else ((), "", 0.0)
    if not segments:
        raise InvalidInput(
            "No speech was recognised in the recording.",
            code="audio_no_speech",
            hint="Check that the microphone was on and that no music covers the speech.",
        )
    metadata = TranscriptMetadata(
        recogniser=f"{recogniser.name} {recogniser.version}",
        language=spoken_language,
        language_probability=round(probability, 4),
        duration_seconds=round(len(waveform) / sample_rate_hz, 3),
        segments=tuple(segments),
    )
    return " ".join(segment.text for segment in segments), metadata


def best_recogniser(checkpoints_dir: Path) -> Recogniser:
    """Return Whisper if its package and a model are installed, otherwise pocketsphinx; never download."""
    model = whisper_model(checkpoints_dir)
    if model is not None:
        try:
            return WhisperRecogniser(model)
        except ImportError:
            pass
    return PocketsphinxRecogniser()


def whisper_model(checkpoints_dir: Path) -> Path | None:
    """Return the folder of the first complete model in ``checkpoints/faster-whisper/``, by name, or None."""
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

    def segments(self, waveform: Waveform, language: str) -> tuple[Sequence[TranscriptSegment], str, float]:
        words = [word for start, end in _phrases(waveform) for word in self._words(waveform[start:end], start)]
        mean = float(np.mean([word.probability for word in words])) if words else 0.0
        return [_sentence(part) for part in _by_pauses(words)], "en", mean

    def _words(self, phrase: Waveform, offset: int) -> list[RecognisedWord]:
        peak = float(np.abs(phrase).max(initial=0.0))
        if not peak:
            return []
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(to_pcm16(phrase * (LEVEL / peak)).tobytes(), full_utt=True)
        decoder.end_utt()
        offset_seconds = offset / RECOGNISER_HZ
        return [
            RecognisedWord(
                entry.word.partition("(")[0],  # "the(2)" is the second pronunciation of "the"
                round(offset_seconds + entry.start_frame / 100, 3),
                round(offset_seconds + (entry.end_frame + 1) / 100, 3),
                round(min(1.0, entry.prob), 4),
            )
            for entry in decoder.seg() or ()
            if entry.word[0] not in "<["  # silence, noises
        ]


class WhisperRecogniser:
    """A faster-whisper model from a folder on this machine.

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
                hint=f"Download it again, or remove it from {WHISPER_FOLDER}/ to use pocketsphinx instead.",
            ) from error

    def segments(self, waveform: Waveform, language: str) -> tuple[Sequence[TranscriptSegment], str, float]:
        results, info = self._model.transcribe(
            waveform, language=language.partition("-")[0] or None, word_timestamps=True, vad_filter=False
        )
        segments = []
        for segment in results:
            words = tuple(
                RecognisedWord(word.word.strip(), round(word.start, 3), round(word.end, 3), round(word.probability, 4))
                for word in segment.words or ()
            )
            if words:
                segments.append(replace(_sentence(words), text=segment.text.strip()))
        return segments, info.language, float(info.language_probability)


def _phrases(waveform: Waveform) -> list[tuple[int, int]]:
    """Return sample ranges that cover the recording, cut where it is quietest."""
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


def _by_pauses(words: Sequence[RecognisedWord]) -> list[tuple[RecognisedWord, ...]]:
    """Group words into sentences: a pause ends one, and one that would be too long is split at its longest pause."""
    cuts = [0, *(i + 1 for i, pause in enumerate(_pauses(words)) if pause >= SENTENCE_PAUSE_SECONDS), len(words)]
    return [part for start, end in pairwise(cuts) if start < end for part in _split(tuple(words[start:end]))]


def _split(words: tuple[RecognisedWord, ...]) -> list[tuple[RecognisedWord, ...]]:
    if len(words) <= MAX_SENTENCE_WORDS:
        return [words]
    margin = len(words) // 4  # in the middle half, so that both parts are long enough for a clip
    pauses = _pauses(words)[margin : len(words) - margin]
    cut = margin + int(np.argmax(pauses)) + 1
    return [*_split(words[:cut]), *_split(words[cut:])]


def _pauses(words: Sequence[RecognisedWord]) -> list[float]:
    return [after.start_seconds - before.end_seconds for before, after in pairwise(words)]


def _sentence(words: Sequence[RecognisedWord]) -> TranscriptSegment:
    """Return the words as a written sentence with a capital letter, a full stop and the pronoun I."""
    text = " ".join(re.sub(r"^i(?=$|')", "I", word.text) for word in words)
    probability = round(float(np.mean([word.probability for word in words])), 4)
    return TranscriptSegment(
        f"{text[:1].upper()}{text[1:]}.", words[0].start_seconds, words[-1].end_seconds, probability, tuple(words)
    )
