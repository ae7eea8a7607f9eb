"""The engine: finds the voice, keeps its model warm, says the pieces, finds the times."""

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
from talking_head.engines.speech.coqui.long_text import pieces
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

BREATH_SECONDS = 0.15  # between the pieces of a long sentence
WARM_VITS = 4
WARM_VOICE_PRINTS = 32
Say = Callable[[str], Waveform]
Kept = TypeVar("Kept")


class CoquiSpeech:
    """Speech engine ``coqui``. Made in a moment; a model is loaded when one of its voices first speaks, and stays.

    Raises:
        EngineError: ``engine_unavailable`` without its packages; ``checkpoint_missing``, ``licence_not_accepted`` when
            there is nothing to speak with.
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
        """With the digest of all weights and configurations: other bytes may speak differently."""
        folder = self._settings.checkpoints_dir
        paths = [one.path_in(folder) for one in catalogue.xtts_files()]
        paths += [one / file for one in catalogue.vits_folders(folder) for file in catalogue.VITS_FILES]
        there = [path for path in paths if path.is_file()]
        return f"{package_version('coqui-tts')}-1.{READING_VERSION}.{digest_of(there)}"

    def voices(self) -> tuple[Voice, ...]:
        return catalogue.voices(self._settings.checkpoints_dir)

    def cloned_voice(self, name: str) -> Voice | None:
        """The voice of a sample that is here; None when the name is not that of a sample, or it is gone."""
        voice, folder = parsed(name), self._settings.voice_samples_dir
        if not isinstance(voice, SampleVoice) or folder is None or voice.language not in catalogue.languages():
            return None
        if catalogue.xtts_problem(self._settings.checkpoints_dir) or not sample_file(folder, voice.digest).is_file():
            return None
        return Voice(name, voice.language, f"Cloned voice, {catalogue.XTTS_LANGUAGES[voice.language]}")

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        """Says one utterance; the same arguments give the same samples on the same machine.

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
        waveform, places = _said(say, spoken, max_characters, sample_rate_hz)
        times = word_times(self._aligner, waveform, sample_rate_hz, places, spoken, written, language)
        return Speech(waveform, sample_rate_hz, times.phonemes, times.words, ALPHABET, times.times_from)

    def _speaker(self, name: str, speed: float) -> tuple[Say, int, int, str]:
        """What says a text, how much of it at once, at which rate, in which language."""
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
        return _kept(self._vits, folder_name, WARM_VITS)

    def _xtts_model(self) -> XttsModel:
        from talking_head.engines.speech.coqui.models import XttsModel, best_device

        if self._xtts is None:
            self._xtts = XttsModel(self._settings.checkpoints_dir, best_device())
        return self._xtts

    def _voice_print(self, xtts: XttsModel, voice: SpeakerVoice | SampleVoice) -> VoicePrint:
        """Computed once. Kept in memory alone, so that nothing of a voice is left when its sample is deleted; and the
        sample is asked for every time, so that a warm process stops with it."""
        if isinstance(voice, SpeakerVoice):
            return xtts.speaker(voice.speaker)
        try:
            sample = read_sample(self._settings.voice_samples_dir, voice.digest)
        except Exception:
            self._prints.pop(voice.digest, None)
            raise
        if voice.digest not in self._prints:
            self._prints[voice.digest] = xtts.voice_print(*sample)
        return _kept(self._prints, voice.digest, WARM_VOICE_PRINTS)

    def _unknown(self, name: str) -> OptionError:
        known = ", ".join(voice.name for voice in self.voices())
        return OptionError(f"There is no voice “{name}”.", code="unknown_voice", hint=f"Choose one of: {known}.")


def _said(say: Say, spoken: str, max_characters: int, sample_rate_hz: int) -> tuple[Waveform, list[SpokenRun]]:
    """The pieces of a text one after the other, with a breath between them."""
    breath = np.zeros(round(BREATH_SECONDS * sample_rate_hz), np.float32)
    parts: list[Waveform] = []
    places: list[SpokenRun] = []
    samples = 0
    for start, end in pieces(spoken, max_characters):
        if not any(character.isalnum() for character in spoken[start:end]):
            continue
        if parts:
            parts.append(breath)
            samples += len(breath)
        part = say(spoken[start:end].strip())
        places.append(SpokenRun(start, end, samples / sample_rate_hz, (samples + len(part)) / sample_rate_hz))
        parts.append(part)
        samples += len(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32), places


def _fix_random_numbers(text: str) -> None:
    """These models draw lots for their melody: the same sentence in the same voice draws the same."""
    import torch

    torch.manual_seed(int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8]) >> 1)


def _kept(warm: OrderedDict[str, Kept], key: str, most: int) -> Kept:
    warm.move_to_end(key)
    if len(warm) > most:
        warm.popitem(last=False)
    return warm[key]
