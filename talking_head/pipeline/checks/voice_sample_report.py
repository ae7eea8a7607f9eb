"""The report on a voice sample: whether a recording is good enough to clone a voice from.

The checks are those of every recording, and those of a sample: it needs enough speech, and not too much, because the
model uses half a minute at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pocketsphinx

from talking_head.engines.speech.coqui.samples import LEAST_SECONDS, LONGEST_SECONDS
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import resample, to_pcm16
from talking_head.media_io.recordings import RecordingStats
from talking_head.pipeline.checks.problem import Problem
from talking_head.pipeline.checks.recording_report import NarrationReport, report_on_recording

SPEECH_SHARE = 0.5  # of the sample; the rest is breathing and pauses
_DETECTOR_HZ = 16_000
_DETECTOR_LEVEL = 0.5  # peak: the recording's level must not matter
_STRICT = 3  # of 0..3: the fewest noises taken for speech
# A cloned voice copies the room it was recorded in, so noise that a lesson tolerates is too much for a sample.
_FATAL_CODES = frozenset({"audio_very_noisy"})
_IRRELEVANT_CODES = frozenset({"audio_long_silence"})  # its hint says that silence does not matter


def report_on_sample(figures: RecordingStats, waveform: Waveform, sample_rate_hz: int) -> NarrationReport:
    """Return the report on a voice sample, (samples,), based on what was measured while it was read."""
    report = report_on_recording(figures)
    problems = [_stricter(problem) for problem in report.problems if problem.code not in _IRRELEVANT_CODES]
    if report.is_usable:
        problems += _speech_problems(figures.duration_seconds, waveform, sample_rate_hz)
    problems.sort(key=lambda problem: problem.severity != "stop")
    return replace(report, problems=tuple(problems))


def speech_share(waveform: Waveform, sample_rate_hz: int) -> float:
    """Return how much of it is speech, 0..1, according to WebRTC's voice activity detector."""
    detector = pocketsphinx.Vad(mode=_STRICT, sample_rate=_DETECTOR_HZ)
    peak = float(np.abs(waveform).max(initial=0.0))
    if not peak:
        return 0.0
    pcm = to_pcm16(resample(waveform, sample_rate_hz, _DETECTOR_HZ) * (_DETECTOR_LEVEL / peak)).tobytes()
    frames = [
        pcm[start : start + detector.frame_bytes]
        for start in range(0, len(pcm) - detector.frame_bytes + 1, detector.frame_bytes)
    ]
    return sum(detector.is_speech(frame) for frame in frames) / max(1, len(frames))


def _stricter(problem: Problem) -> Problem:
    return replace(problem, severity="stop") if problem.code in _FATAL_CODES else problem


def _speech_problems(seconds: float, waveform: Waveform, sample_rate_hz: int) -> Iterator[Problem]:
    if seconds < LEAST_SECONDS:
        yield Problem(
            "sample_too_short",
            "stop",
            f"The sample lasts {seconds:.0f} seconds; at least {LEAST_SECONDS:.0f} are needed.",
            "Read four or five sentences aloud, the way you speak in class.",
        )
    elif seconds > LONGEST_SECONDS:
        yield Problem(
            "sample_too_long",
            "stop",
            f"The sample lasts {seconds:.0f} seconds; no more than {LONGEST_SECONDS:.0f} can be used.",
            f"Cut it to the best {LONGEST_SECONDS:.0f} seconds.",
        )
    elif speech_share(waveform, sample_rate_hz) < SPEECH_SHARE:
        yield Problem(
            "sample_without_speech",
            "stop",
            "There is too little speech in this sample.",
            "Speak without long pauses, and without other sounds: no music, no second voice.",
        )
