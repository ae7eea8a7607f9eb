"""The two kinds of warm model, which turn text into sound. The caller has seeded the random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from talking_head.engines.speech.coqui.catalogue import VITS_FILES, XTTS_FOLDER
from talking_head.engines.speech.coqui.library import loaded, tts_class
from talking_head.engines.speech.coqui.voice_names import speaker_voice
from talking_head.engines.speech.coqui.weights import check_vits_config, check_xtts
from talking_head.errors import EngineError, ScriptError
from talking_head.media_io.arrays import Waveform

VITS_CHARACTERS = 400  # it has no limit of its own, but its memory grows with the square of the length
# The model's own recommended settings; how much of a sample is used is in its configuration.
_XTTS_SETTINGS = ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


class VitsModel:
    """A single-speaker VITS model from a local folder."""

    max_characters = VITS_CHARACTERS

    def __init__(self, folder: Path, device: str) -> None:
        check_vits_config(folder)
        tts = tts_class()
        config, weights = (str(folder / file) for file in VITS_FILES)
        self._tts = loaded(
            folder.name, lambda: tts(model_path=weights, config_path=config, progress_bar=False).to(device).eval()
        )
        self._model = self._tts.synthesizer.tts_model
        # The library would end an utterance at its first long pause; silence at the ends is trimmed later anyway.
        self._tts.synthesizer.tts_config.audio.do_trim_silence = False
        self._length_scale = float(self._model.length_scale)
        self.sample_rate_hz = int(self._tts.synthesizer.output_sample_rate)

    def say(self, text: str, speed: float) -> Waveform:
        """Return sound, (samples,) at ``sample_rate_hz``, without characters that the model never learned.

        Raises:
            ScriptError: ``nothing_speakable`` when nothing is left.
        """
        blank = self._model.tokenizer.text_to_ids("")
        if self._model.tokenizer.text_to_ids(text) == blank:
            raise ScriptError(
                f"There is nothing in “{text[:60]}” that this voice can say.",
                code="nothing_speakable",
                hint="Write it in words, or leave it out.",
            )
        self._model.length_scale = self._length_scale / speed
        waveform = np.asarray(self._tts.tts(text, split_sentences=False), np.float32)
        return np.trim_zeros(waveform, "b")  # the library appends half a second of silence


@dataclass(frozen=True, slots=True)
class VoicePrint:
    """XTTS's representation of a voice, computed once for a sample in about a second."""

    conditioning: Any  # (1, tokens, channels) for the network that chooses sounds
    embedding: Any  # (1, 512, 1) for the one that makes the wave


class XttsModel:
    """XTTS v2: many languages, and voices from samples."""

    def __init__(self, checkpoints_dir: Path, device: str) -> None:
        check_xtts(checkpoints_dir)
        folder = checkpoints_dir / XTTS_FOLDER
        tts = tts_class()
        self._tts = loaded(
            XTTS_FOLDER,
            lambda: tts(model_path=str(folder), config_path=str(folder / "config.json"), progress_bar=False).to(device),
        )
        self._model = self._tts.synthesizer.tts_model
        self.sample_rate_hz = int(self._tts.synthesizer.output_sample_rate)
        self.settings = {name: self._model.config[name] for name in _XTTS_SETTINGS}

    def max_characters(self, language: str) -> int:
        """Return the maximum number of characters: the end of a longer text is lost."""
        return int(self._model.tokenizer.char_limits[language])

    def speaker(self, name: str) -> VoicePrint:
        """Return a speaker that comes with the model, by the speaker part of a voice's name.

        Raises:
            EngineError: ``checkpoint_foreign`` when these weights do not include it.
        """
        speakers = self._model.speaker_manager.speakers if self._model.speaker_manager else {}
        for full_name, latents in speakers.items():
            if speaker_voice("", full_name) == speaker_voice("", name):
                return VoicePrint(*latents.values())
        raise EngineError(f"XTTS has no speaker “{name}”.", code="checkpoint_foreign", hint="Choose another voice.")

    def voice_print(self, waveform: Waveform, sample_rate_hz: int) -> VoicePrint:
        """Return the voice print of a sample, (samples,)."""
        config = self._model.config
        sound = torch.from_numpy(waveform[: config.max_ref_len * sample_rate_hz])[None]  # (1, samples)
        conditioning = self._model.get_gpt_cond_latents(
            sound, sample_rate_hz, length=config.gpt_cond_len, chunk_length=config.gpt_cond_chunk_len
        )
        return VoicePrint(conditioning, self._model.get_speaker_embedding(sound, sample_rate_hz))

    def say(self, text: str, language: str, voice: VoicePrint, speed: float) -> Waveform:
        """Return sound, (samples,) at ``sample_rate_hz``.

        Raises:
            ScriptError: ``nothing_speakable`` for digits in a language in which the library cannot read them (Hindi).
        """
        try:
            output = self._model.inference(
                text, language, voice.conditioning, voice.embedding, speed=speed, **self.settings
            )
        except NotImplementedError as error:
            raise ScriptError(
                f"The digits in “{text[:60]}” cannot be read in this language.",
                code="nothing_speakable",
                hint="Write the numbers in words.",
            ) from error
        return np.asarray(output["wav"], np.float32)
