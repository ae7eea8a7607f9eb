"""Turns speech into a take: one level, silence at both ends, and a length that fits both video and AAC frames.

Loudness: -16 LUFS integrated (what AES TD1008 recommends for speech in streams heard on small devices), for every take
by itself, so that a lesson of joined takes has it too and a changed sentence does not change its neighbours.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from talking_head.engines.base import CloningSpeechEngine, Speech, SpeechEngine, Take, TimedToken, TimedWord, Voice
from talking_head.engines.speech.reading.spoken_form import primary_language
from talking_head.errors import EngineError, OptionError, ScriptError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import from_pcm16, resample, to_pcm16
from talking_head.media_io.loudness import normalised, without_rumble
from talking_head.pipeline.requests import ClipRequest
from talking_head.timebase import AUDIO_HZ, round_up_to_quantum

# Part of the takes' cache keys: increase it whenever the same speech would give a different take.
TAKE_VERSION = "1"

TARGET_LUFS = -16.0
CEILING_DBTP = -1.5  # AAC may overshoot by about a decibel
# Joined clips share one AAC window (2,048 samples) of silence on either side of the joint; both of these are longer.
LEAD_IN_SECONDS = 0.100
TAIL_SECONDS = 0.200

_FRAME_SAMPLES = AUDIO_HZ // 100  # 10 ms
_SPEECH_RANGE_DB = 42.0  # quieter than the loud parts by more than this is not speech
_KEPT_BEFORE_SECONDS = 0.020  # the breath of an f or h is quieter still
_KEPT_AFTER_SECONDS = 0.050
_FADE_IN_SECONDS = 0.005
_FADE_OUT_SECONDS = 0.025


def utterance_to_take(speech_engine: SpeechEngine, request: ClipRequest) -> Take:
    """Speak one utterance and return its take. An utterance without words is silence of its pause's length.

    Raises:
        ScriptError: ``unsupported_language``, ``nothing_speakable``. OptionError: ``unknown_voice``.
        EngineError: ``engine_unavailable``.
    """
    if not request.spoken.strip():
        return silent_take(request.pause_seconds)
    voice = _voice_for(speech_engine, request)
    speech = speech_engine.speak(request.spoken, request.text, voice=voice.name, speed=request.speed)
    if not np.any(speech.waveform):
        raise ScriptError(
            f"The voice produces no sound for “{request.text[:60]}”.",
            code="nothing_speakable",
            hint="Write it in words, or leave it out.",
        )
    return speech_to_take(speech, request.pause_seconds)


def silent_take(pause_seconds: float) -> Take:
    """Return the take of an utterance without words."""
    return Take(_silence(pause_seconds), (), (), "")


def speech_to_take(speech: Speech, pause_seconds: float = 0.0) -> Take:
    """Return the speech resampled, trimmed to its audible part, levelled and set into digital silence, times included.

    The samples are whole 16-bit steps, so a take that was stored as FLAC is the take that was made.
    """
    whole = without_rumble(resample(np.nan_to_num(speech.waveform), speech.sample_rate_hz, AUDIO_HZ))
    start, end = _audible_span(whole)
    loud = from_pcm16(to_pcm16(_faded(normalised(whole[start:end], TARGET_LUFS, CEILING_DBTP))))
    lead_in = round(LEAD_IN_SECONDS * AUDIO_HZ)
    tail = math.ceil((TAIL_SECONDS + pause_seconds) * AUDIO_HZ)
    waveform = np.zeros(round_up_to_quantum(lead_in + len(loud) + tail), np.float32)
    waveform[lead_in : lead_in + len(loud)] = loud
    shift_seconds = (lead_in - start) / AUDIO_HZ
    bounds_seconds = (lead_in / AUDIO_HZ, (lead_in + len(loud)) / AUDIO_HZ)
    return Take(
        waveform,
        _shifted_phonemes(speech.phonemes, shift_seconds, bounds_seconds),
        _shifted_words(speech.words, shift_seconds, bounds_seconds),
        speech.phoneme_alphabet,
        speech.times_from,
    )


def _voice_for(engine: SpeechEngine, request: ClipRequest) -> Voice:
    voices = engine.voices()
    if not voices:
        raise EngineError(
            f"The speech engine “{engine.name}” has no voice on this machine.", hint="Choose another engine."
        )
    voice = next((each for each in voices if each.name == request.voice), None) if request.voice else voices[0]
    if voice is None and isinstance(engine, CloningSpeechEngine):
        voice = engine.cloned_voice(request.voice)
    if voice is None:
        raise OptionError(
            f"There is no voice “{request.voice}”.",
            code="unknown_voice",
            hint=f"Choose one of: {', '.join(each.name for each in voices)}.",
        )
    if request.language and primary_language(request.language) != primary_language(voice.language):
        raise ScriptError(
            f"The voice {voice.label} speaks {voice.language}, but the lesson is in “{request.language}”.",
            code="unsupported_language",
            hint="Choose a voice for the lesson's language, or correct the language.",
        )
    return voice


def _silence(seconds: float) -> Waveform:
    return np.zeros(round_up_to_quantum(math.ceil(seconds * AUDIO_HZ)), np.float32)


def _audible_span(waveform: Waveform) -> tuple[int, int]:
    """Return the span of samples from the first to the last audible sound, with a small margin around it."""
    frames = max(1, -(-len(waveform) // _FRAME_SAMPLES))
    padded = np.zeros(frames * _FRAME_SAMPLES, np.float64)
    padded[: len(waveform)] = waveform
    power = np.mean(padded.reshape(frames, _FRAME_SAMPLES) ** 2, axis=1)  # (frames,)
    loud = np.percentile(power[power > 0], 90) if power.any() else 0.0
    audible = np.flatnonzero(power > loud * 10 ** (-_SPEECH_RANGE_DB / 10))
    if not len(audible):
        return 0, len(waveform)
    start = int(audible[0]) * _FRAME_SAMPLES - round(_KEPT_BEFORE_SECONDS * AUDIO_HZ)
    end = (int(audible[-1]) + 1) * _FRAME_SAMPLES + round(_KEPT_AFTER_SECONDS * AUDIO_HZ)
    return max(0, start), min(len(waveform), end)


def _faded(waveform: Waveform) -> Waveform:
    faded = waveform.copy()
    rise = min(len(faded), round(_FADE_IN_SECONDS * AUDIO_HZ))
    fall = min(len(faded), round(_FADE_OUT_SECONDS * AUDIO_HZ))
    faded[:rise] *= _half_cosine(rise)
    faded[len(faded) - fall :] *= _half_cosine(fall)[::-1]
    return faded


def _half_cosine(samples: int) -> Waveform:
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(samples) / max(1, samples))).astype(np.float32)


def _shifted_phonemes(
    tokens: tuple[TimedToken, ...], shift_seconds: float, bounds_seconds: tuple[float, float]
) -> tuple[TimedToken, ...]:
    """Return the tokens with their new times; those that lie wholly in what was trimmed away (pauses) are left out."""
    shifted = (
        replace(
            token,
            start_seconds=_clamped(token.start_seconds + shift_seconds, bounds_seconds),
            end_seconds=_clamped(token.end_seconds + shift_seconds, bounds_seconds),
        )
        for token in tokens
    )
    return tuple(token for token in shifted if token.start_seconds < token.end_seconds)


def _shifted_words(
    words: tuple[TimedWord, ...], shift_seconds: float, bounds_seconds: tuple[float, float]
) -> tuple[TimedWord, ...]:
    return tuple(
        replace(
            word,
            start_seconds=_clamped(word.start_seconds + shift_seconds, bounds_seconds),
            end_seconds=_clamped(word.end_seconds + shift_seconds, bounds_seconds),
        )
        for word in words
    )


def _clamped(seconds: float, bounds_seconds: tuple[float, float]) -> float:
    """Return a time within the bounds in tenths of a millisecond: finer than any engine knows, short in JSON."""
    return round(min(max(seconds, bounds_seconds[0]), bounds_seconds[1]), 4)
