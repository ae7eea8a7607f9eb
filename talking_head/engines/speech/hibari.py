"""The embedded voice: hibari-tts, a small neural voice whose model comes inside its package. No network, one thread.

The package returns sound only, but its ONNX graph contains a tensor with the duration of each symbol. A copy of the
model with that tensor among its outputs is built in memory, so the times are those used for the synthesis. The name of
the tensor belongs to one version of the package, which is why the requirements pin it.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version as package_version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from hibari import dsp, tts
from hibari.voices import DEFAULT, VOICES, voice_path
from numpy.typing import NDArray

from talking_head.engines.base import EngineSettings, Speech, TimedToken, TimedWord, Voice
from talking_head.engines.packaged_models import check_packaged_model, missing_model
from talking_head.engines.speech.pace import check_speed
from talking_head.engines.speech.reading.offsets import aligned, word_ranges
from talking_head.engines.speech.reading.spoken_form import READING_VERSION, spoken_form
from talking_head.errors import EngineError, OptionError, ScriptError
from talking_head.media_io.arrays import Waveform

DISTRIBUTION = "hibari-tts"
MAX_SYMBOLS = tts.MAX_PHONEMES  # longer runs lose their melody
DURATIONS_TENSOR = "/Round_output_0"  # hibari-tts 0.2.1: 25 ms steps for each symbol, padding at both ends included
# The steps lag behind the sound, the more the slower the speech: measured against the lip closures (where the voice
# falls silent) of 35 "p"s at each of five speeds, and confirmed by forced alignment.
LATENESS_SECONDS, LATENESS_AT_SPEED_1_SECONDS = 0.030, 0.025
_LEVEL_SECONDS = 0.01  # resolution of the loudness measurement
_SOUNDING_DB = 32.0  # below the loud parts: a quieter part is the end of a sound
_LEAST_SOUND_SECONDS = 0.04
_LONGEST_CLOSURE_SECONDS = 0.09

_BASE_LETTER = re.compile(r"LATIN (SMALL|CAPITAL) LETTER (?:SHARP )?([A-Z])")
_ACCENTED_WORD = re.compile(r"[^\W\d_]{3,40}")
_TELLING_ACCENT = re.compile(r"é(?:e?s?)$|[ñÑß]")
_NAME_OF_A = "ˈA"
_PAUSES = frozenset(' ;:,.!?—…"()“”')
_CLAUSE_ENDS = frozenset(";:,.!?—…")
_GRAPH_FIELD, _OUTPUT_FIELD, _NAME_FIELD = (
    7,
    12,
    1,
)  # onnx.proto: ModelProto.graph, GraphProto.output, ValueInfoProto.name


@dataclass(frozen=True, slots=True)
class _Symbol:
    """One letter of the model's alphabet and its range in the spoken text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _TimedSymbol:
    symbol: _Symbol
    start_seconds: float
    end_seconds: float


class HibariSpeech:
    """Speech engine ``hibari``. A voice's model (8 MB) and the dictionaries (1 s) are loaded when it first speaks."""

    name = "hibari"
    version = f"{package_version('hibari-tts')}-1.{READING_VERSION}"

    def __init__(self, settings: EngineSettings) -> None:
        self._threads = max(1, settings.threads)
        self._loaded: dict[str, _LoadedVoice] = {}

    def voices(self) -> tuple[Voice, ...]:
        """Return the voices whose files are on this machine, not those that the package would have to download."""
        names = [name for name in VOICES if _model_file(name) is not None]
        names.sort(key=lambda name: name != DEFAULT)
        return tuple(Voice(name, VOICES[name]["language"], _label(name)) for name in names)

    def speak(self, spoken: str, written: str, *, voice: str, speed: float) -> Speech:
        """Return the speech of one utterance; the same arguments give the same samples.

        Raises:
            OptionError: ``unknown_voice``, ``speed_out_of_range``. ScriptError: ``nothing_speakable``.
            EngineError: ``engine_unavailable`` when the package's model is not the one this engine expects,
                ``checkpoint_missing`` or ``checkpoint_corrupt`` when its file is not what was installed.
        """
        check_speed(speed)
        loaded = self._voice(voice or DEFAULT)
        symbols = loaded.symbols(spoken, aligned(spoken, spoken_form(written), written).letters)
        if all(symbol.text in _PAUSES for symbol in symbols):
            raise ScriptError(
                f"There is nothing in “{written[:60]}” that this voice can say.",
                code="nothing_speakable",
                hint="Write it in words, or leave it out.",
            )
        waveform, timed = _synthesize(loaded, symbols, speed, _seed(loaded.name, spoken))
        phonemes = tuple(TimedToken(item.symbol.text, item.start_seconds, item.end_seconds) for item in timed)
        return Speech(waveform, dsp.SR, phonemes, _words(timed, spoken, written), "misaki")

    def _voice(self, name: str) -> _LoadedVoice:
        if name not in self._loaded:
            model_file = _model_file(name)
            if model_file is None and name == DEFAULT:
                raise missing_model(DISTRIBUTION)
            if model_file is None:
                raise OptionError(
                    f"There is no voice “{name}”.",
                    code="unknown_voice",
                    hint=f"Choose one of: {', '.join(voice.name for voice in self.voices())}.",
                )
            self._loaded[name] = _LoadedVoice(name, model_file, self._threads)
        return self._loaded[name]


class _LoadedVoice:
    """One voice in memory: its dictionaries and its model."""

    def __init__(self, name: str, model_file: Path, threads: int) -> None:
        from hibari.g2p import G2P

        self.name = name
        self._vocabulary: dict[str, int] = json.loads((Path(tts.ASSETS) / "vocab.json").read_text(encoding="utf-8"))
        self._g2p = G2P(british=VOICES[name]["british"])
        letters = json.loads(
            (Path(tts.ASSETS) / ("oov_gb.json" if VOICES[name]["british"] else "oov.json")).read_text("utf-8")
        )
        self._known_letters = frozenset(letters["in"])
        self._session = _session_with_durations(model_file, threads)

    def symbols(self, spoken: str, letters: frozenset[int] = frozenset()) -> list[_Symbol]:
        """Return the utterance in the model's alphabet, without the package's number reading (it is in words)."""
        spoken = _ACCENTED_WORD.sub(self._familiar_word, spoken)  # one character for each
        spoken = "".join(map(self._known_letter, spoken))
        symbols: list[_Symbol] = []
        position = 0
        for token in self._g2p.phonemize_tokens(self._tokens(spoken, letters)):
            start = _token_start(spoken, token.text, position)
            end = position = start + len(token.text)
            symbols += [_Symbol(letter, start, end) for letter in token.phonemes or "" if letter in self._vocabulary]
            if token.whitespace and symbols and symbols[-1].text != " ":
                symbols.append(_Symbol(" ", end, end))
        while symbols and symbols[-1].text == " ":
            symbols.pop()
        return symbols

    def _familiar_word(self, match: re.Match[str]) -> str:
        """Return the word as the dictionaries have it, which is without accents: "début" as "debut". Where the accent
        tells words apart ("résumé", "señor") its letters say more."""
        word = match.group()
        if word.isascii():
            return word
        plain = "".join(map(_base_letter, word))
        lexicon = self._g2p.lexicon
        is_known = plain in lexicon.golds or plain in lexicon.silvers
        return plain if is_known and not _TELLING_ACCENT.search(word) else word

    def _known_letter(self, character: str) -> str:
        """Return the letter without the marks that the dictionaries would drop it for: "ễ" as "e"."""
        if character.isascii() or character in self._known_letters:
            return character
        return _base_letter(character)

    def _tokens(self, spoken: str, letters: frozenset[int]) -> list[Any]:
        """Return the tokens of the dictionaries; "a" where it is the name of a letter has its sound already."""
        tokens: list[Any] = self._g2p.tokenize(spoken)
        position = 0
        for token in tokens:
            start = _token_start(spoken, token.text, position)
            position = start + len(token.text)
            if start in letters and token.text in ("a", "A"):
                token.phonemes, token.rating = _NAME_OF_A, 5
        return tokens

    def synthesize(
        self, symbols: list[_Symbol], speed: float, generator: np.random.Generator
    ) -> tuple[Waveform, NDArray[np.float64]]:
        """Return sound, (samples,), and the start of each symbol in seconds, (symbols + 1,): the last is the end."""
        ids = [0, *(self._vocabulary[symbol.text] for symbol in symbols), 0]
        inputs = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([speed], np.float32)}
        *spectra, durations = self._session.run(None, inputs)
        steps = np.asarray(durations, np.float64).reshape(-1)
        if len(steps) != len(ids) or not steps.sum():
            raise _other_model()
        waveform: Waveform = dsp.synth(*(each[0] for each in spectra), generator)
        step_seconds = len(waveform) / dsp.SR / steps.sum()
        return waveform, np.cumsum(steps)[:-1] * step_seconds


def _synthesize(
    voice: _LoadedVoice, symbols: list[_Symbol], speed: float, seed: int
) -> tuple[Waveform, list[_TimedSymbol]]:
    generator = np.random.default_rng(seed)
    waveforms: list[Waveform] = []
    timed: list[_TimedSymbol] = []
    offset_seconds = 0.0
    lateness_seconds = LATENESS_SECONDS + LATENESS_AT_SPEED_1_SECONDS / speed
    for run in _runs(symbols):
        waveform, bounds = voice.synthesize(run, speed, generator)
        bounds = offset_seconds + np.maximum(0.0, bounds - lateness_seconds)
        timed += [
            _TimedSymbol(symbol, float(start), float(end))
            for symbol, (start, end) in zip(run, pairwise(bounds), strict=True)
        ]
        waveforms.append(waveform)
        offset_seconds += len(waveform) / dsp.SR
    whole = np.concatenate(waveforms)
    return whole, _ended_at_silence(timed, whole)


def _ended_at_silence(timed: list[_TimedSymbol], waveform: Waveform) -> list[_TimedSymbol]:
    """End each sound before a pause where it falls silent: the model's times would keep the mouth open too long."""
    hop = round(_LEVEL_SECONDS * dsp.SR)
    hops = len(waveform) // hop
    power = np.mean(waveform[: hops * hop].reshape(hops, hop).astype(np.float64) ** 2, axis=1)  # (hops,)
    sounding = power > np.percentile(power, 95) * 10 ** (-_SOUNDING_DB / 10) if hops else np.zeros(0, bool)
    corrected = list(timed)
    for index, current in enumerate(timed):
        following = timed[index + 1] if index + 1 < len(timed) else None
        if current.symbol.text in _PAUSES or (following and following.symbol.text not in _PAUSES):
            continue
        first, last = (int(seconds / _LEVEL_SECONDS) for seconds in (current.start_seconds, current.end_seconds))
        audible = np.flatnonzero(sounding[first : last + 1])
        silent_from = (first + int(audible[-1]) + 1) * _LEVEL_SECONDS if len(audible) else 0.0
        end_seconds = min(current.end_seconds, max(silent_from, current.start_seconds + _LEAST_SOUND_SECONDS))
        if following and following.symbol.text == " " and current.end_seconds - end_seconds < _LONGEST_CLOSURE_SECONDS:
            continue  # not a pause, but the lips or the tongue closing for the next word
        corrected[index] = replace(current, end_seconds=end_seconds)
        if following:
            corrected[index + 1] = replace(corrected[index + 1], start_seconds=end_seconds)
    return corrected


def _runs(symbols: list[_Symbol]) -> Iterator[list[_Symbol]]:
    """Yield runs of up to ``MAX_SYMBOLS`` for one synthesis, cut after a clause if possible, else after a word."""
    while len(symbols) > MAX_SYMBOLS:
        spaces = [index for index in range(1, MAX_SYMBOLS) if symbols[index].text == " "]
        after_clauses = [index for index in spaces if symbols[index - 1].text in _CLAUSE_ENDS]
        cut = (after_clauses or spaces or [MAX_SYMBOLS])[-1]
        yield symbols[:cut]
        symbols = symbols[cut:]
    if symbols:
        yield symbols


def _words(timed: list[_TimedSymbol], spoken: str, written: str) -> tuple[TimedWord, ...]:
    """Return the written words with their times, without silent words."""
    form = aligned(spoken, spoken_form(written), written)
    sounding = [item for item in timed if item.symbol.text not in _PAUSES]
    words: list[TimedWord] = []
    position = 0
    for spoken_start, spoken_end, start, end in word_ranges(form, written):
        while position < len(sounding) and sounding[position].symbol.end <= spoken_start:
            position += 1
        first = position
        while position < len(sounding) and sounding[position].symbol.start < spoken_end:
            position += 1
        if first < position:
            spans = sounding[first:position]
            words.append(TimedWord(written[start:end], spans[0].start_seconds, spans[-1].end_seconds, start, end))
    return tuple(words)


def _base_letter(character: str) -> str:
    """Return a Latin letter without its marks, any other character as it is."""
    base = None if character.isascii() else _BASE_LETTER.match(unicodedata.name(character, ""))
    if base is None:
        return character
    return base[2] if base[1] == "CAPITAL" else base[2].lower()


def _token_start(spoken: str, token: str, position: int) -> int:
    """Return where a token begins, else ``position``: the tokenizer keeps all letters, but a miss must do no harm."""
    start = spoken.find(token, position)
    return position if start < 0 else start


def _model_file(name: str) -> Path | None:
    if name not in VOICES:
        return None
    try:
        path = Path(voice_path(name, download_missing=False))
    except FileNotFoundError:
        return None
    return path if path.is_file() else None


def _label(name: str) -> str:
    voice = VOICES[name]
    return f"{name.capitalize()} ({voice['accent']} English, {voice['gender']})"


def _seed(voice: str, spoken: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{voice}\n{spoken}".encode("utf-8", "replace")).digest()[:8])


def _session_with_durations(model_file: Path, threads: int) -> Any:
    """Return a session of the model with one more output.

    In protobuf's wire format a message that occurs twice is merged, and a repeated field occurring again is appended
    (developers.google.com/protocol-buffers/docs/encoding, "Last One Wins"). So a second, tiny ``graph`` message with
    one ``output`` in it, appended to the file's bytes, adds an output and needs no ONNX library.
    """
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf

    check_packaged_model(DISTRIBUTION, model_file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    output = _field(_OUTPUT_FIELD, _field(_NAME_FIELD, DURATIONS_TENSOR.encode()))
    model = model_file.read_bytes() + _field(_GRAPH_FIELD, output)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidGraph, InvalidProtobuf) as error:
        raise _other_model() from error


def _field(number: int, payload: bytes) -> bytes:
    """Return a length-delimited protobuf field; number and length fit into one byte each."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def _other_model() -> EngineError:
    return EngineError(
        "The model of the voice does not output the duration of its sounds.",
        hint="Install the version of hibari-tts in requirements.txt.",
    )
