"""The engine: finds the voice, keeps its model warm, speaks the text in chunks, and finds the times of the words."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from talking_head.engines.base import EngineSettings, Speech, Voice
from talking_head.engines.speech.alignment import Aligner
from talking_head.engines.speech.coqui import catalogue
from talking_head.engines.speech.coqui.long_text import text_chunks
from talking_head.engines.speech.coqui.samples import read_sample, sample_file
from talking_head.engines.speech.coqui.voice_names import PREFIX, VITS, SampleVoice, SpeakerVoice, VitsVoice, parsed
from talking_head.engines.speech.coqui.weights import digest_of
from talking_head.engines.speech.coqui.word_times import ALPHABET, SpokenRun, word_times
from talking_head.engines.speech.pace import check_speed
from talking_head.engines.speech.reading.spoken_form import READING_VERSION
from talking_head.errors import OptionError
from talking_head.media_io.arrays import Waveform

if TYPE_CHECKING:
    from talking_head.engines.speech.coqui.models import VitsModel, VoicePrint, XttsModel

BREATH_SECONDS = 0.15  # between the chunks of a long sentence
WARM_VITS = 4
WARM_VOICE_PRINTS = 32
Say = Callable[[str], Waveform]
Cached = TypeVar("Cached")


class CoquiSpeech:
    """Speech engine ``coqui``. Quick to create; a model is loaded when one of its voices first speaks, and stays warm.

    Raises:
        EngineError: ``engine_unavailable`` without its packages; ``checkpoint_missing``, ``licence_not_accepted`` when
            it has no usable voice.
    """

    name = PREFIX

    def __init__(self, settings: EngineSettings) -> None:
        problem = catalogue.package_problem()
        if problem is not None:
            raise problem
        self._settings = settings
        if not self.voices():
            raise catalogue.no_voice(settings.checkpoints_dir)
        self._vits: OrderedDict[str, VitsModel] = OrderedDict()
        self._xtts: XttsModel | None = None
        self._prints: OrderedDict[str, VoicePrint] = OrderedDict()
        self._aligner = Aligner()

    @property
    def version(self) -> str:
        """Return the version with a digest of all weights and configurations: other bytes may speak differently."""
        folder = self._settings.checkpoints_dir
        paths = [checkpoint.path_in(folder) for checkpoint in catalogue.xtts_files()]
        paths += [parent / file for parent in catalogue.vits_folders(folder) for file in catalogue.VITS_FILES]
        existing = [path for path in paths if path.is_file()]
        return f"{package_version('coqui-tts')}-1.{READING_VERSION}.{digest_of(existing)}"

    def voices(self) -> tuple[Voice, ...]:
        return catalogue.voices(self._settings.checkpoints_dir)

    def cloned_voice(self, name: str) -> Voice | None:
        """Return the voice of an existing sample; None when the name is not a sample's or the sample was deleted."""
        voice, folder = parsed(name), self._settings.voice_samples_dir
        if not isinstance(voice, SampleVoice) or folder is None or voice.language not in catalogue.languages():
            return None
        if catalogue.xtts_problem(self._settings.checkpoints_dir) or not sample_file(folder, voice.digest).is_file():
            return None
        return Voice(name, voice.language, f"Cloned voice, {catalogue.XTTS_LANGUAGES[voice.language]}")

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        """Return the speech of one utterance; the same arguments give the same samples on the same machine.

        Raises:
            OptionError: ``unknown_voice``, ``speed_out_of_range``. ScriptError: ``nothing_speakable``.
            InvalidInput: ``voice_withdrawn``, ``sample_too_short``.
            EngineError: ``checkpoint_missing``, ``checkpoint_corrupt``, ``checkpoint_foreign``,
                ``licence_not_accepted``, ``engine_unavailable``. ResourceError: ``out_of_memory``.
        """
        check_speed(speed)
        voice = voice or self.voices()[0].name
        say, max_characters, sample_rate_hz, language = self._speaker(voice, speed)
        _fix_random_numbers(f"{voice}\n{spoken}")
        waveform, runs = _speak_chunks(say, spoken, max_characters, sample_rate_hz)
        times = word_times(self._aligner, waveform, sample_rate_hz, runs, spoken, written, language)
        return Speech(waveform, sample_rate_hz, times.phonemes, times.words, ALPHABET, times.times_from)

    def _speaker(self, name: str, speed: float) -> tuple[Say, int, int, str]:
        """Return the function that speaks a text, its maximum characters, the sample rate and the language."""
        voice = parsed(name)
        folder = self._settings.checkpoints_dir
        if isinstance(voice, VitsVoice) and folder / VITS / voice.folder in catalogue.vits_folders(folder):
            vits = self._vits_model(voice.folder)
            language = catalogue.vits_language(folder / VITS / voice.folder)
            return lambda text: vits.say(text, speed), vits.max_characters, vits.sample_rate_hz, language
        if not isinstance(voice, SpeakerVoice | SampleVoice) or voice.language not in catalogue.languages():
            raise self._unknown(name)
        if problem := catalogue.xtts_problem(folder):
            raise problem
        xtts = self._xtts_model()
        voice_print, language = self._voice_print(xtts, voice), voice.language
        return (
            lambda text: xtts.say(text, language, voice_print, speed),
            xtts.max_characters(language),
            xtts.sample_rate_hz,
            language,
        )

    def _vits_model(self, folder_name: str) -> VitsModel:
        from talking_head.engines.speech.coqui.models import VitsModel, best_device

        if folder_name not in self._vits:
            folder = self._settings.checkpoints_dir / VITS / folder_name
            self._vits[folder_name] = VitsModel(folder, best_device())
        return _most_recent(self._vits, folder_name, WARM_VITS)

    def _xtts_model(self) -> XttsModel:
        from talking_head.engines.speech.coqui.models import XttsModel, best_device

        if self._xtts is None:
            self._xtts = XttsModel(self._settings.checkpoints_dir, best_device())
        return self._xtts

    def _voice_print(self, xtts: XttsModel, voice: SpeakerVoice | SampleVoice) -> VoicePrint:
        """Return the voice print, computed once.

        It is cached only in memory, so that no trace of a voice remains after its sample is deleted; and the sample is
        read every time, so that a warm process stops using a deleted one.
        """
        if isinstance(voice, SpeakerVoice):
            return xtts.speaker(voice.speaker)
        try:
            sample = read_sample(self._settings.voice_samples_dir, voice.digest)
        except Exception:
            self._prints.pop(voice.digest, None)
            raise
        if voice.digest not in self._prints:
            self._prints[voice.digest] = xtts.voice_print(*sample)
        return _most_recent(self._prints, voice.digest, WARM_VOICE_PRINTS)

    def _unknown(self, name: str) -> OptionError:
        names = ", ".join(voice.name for voice in self.voices())
        return OptionError(f"There is no voice “{name}”.", code="unknown_voice", hint=f"Choose one of: {names}.")


def _speak_chunks(say: Say, spoken: str, max_characters: int, sample_rate_hz: int) -> tuple[Waveform, list[SpokenRun]]:
    """Speak the chunks of a text one after the other, with a breath between them; return sound and runs."""
    breath = np.zeros(round(BREATH_SECONDS * sample_rate_hz), np.float32)
    parts: list[Waveform] = []
    runs: list[SpokenRun] = []
    samples = 0
    for start, end in text_chunks(spoken, max_characters):
        if not any(character.isalnum() for character in spoken[start:end]):
            continue
        if parts:
            parts.append(breath)
            samples += len(breath)
        part = say(spoken[start:end].strip())
        runs.append(SpokenRun(start, end, samples / sample_rate_hz, (samples + len(part)) / sample_rate_hz))
        parts.append(part)
        samples += len(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), runs


def _fix_random_numbers(text: str) -> None:
    """Seed the models' random melody, so that the same sentence in the same voice always sounds the same."""
    import torch

    torch.manual_seed(int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8]) >> 1)


def _most_recent(warm: OrderedDict[str, Cached], key: str, max_items: int) -> Cached:
    warm.move_to_end(key)
    if len(warm) > max_items:
        warm.popitem(last=False)
    return warm[key]
