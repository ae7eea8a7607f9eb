"""Is a recording good enough to clone a voice from? What is true of every recording, and what a sample needs besides:
enough speech, and not too much of it, because the model listens to half a minute at most.
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
_DETECTOR_LEVEL = 0.5  # peak: how loud somebody recorded must not matter
_STRICT = 3  # of 0..3: the fewest noises taken for speech
# A voice copies the room it was recorded in, so what a lesson could bear a sample cannot.
_NO_LONGER_BEARABLE = frozenset({"audio_very_noisy"})
_NOT_TRUE_HERE = frozenset({"audio_long_silence"})  # its hint says that silence does not matter


def report_on_sample(figures: RecordingStats, waveform: Waveform, sample_rate_hz: int) -> NarrationReport:
    """Judges a voice sample, (samples,), with what was measured while it was read."""
    report = report_on_recording(figures)
    problems = [_sharper(problem) for problem in report.problems if problem.code not in _NOT_TRUE_HERE]
    if report.is_usable:
        problems += _about_the_speech(figures.duration_seconds, waveform, sample_rate_hz)
    problems.sort(key=lambda problem: problem.severity != "stop")
    return replace(report, problems=tuple(problems))


def speech_share(waveform: Waveform, sample_rate_hz: int) -> float:
    """How much of it is speech, 0..1, by WebRTC's voice activity detector."""
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


def _sharper(problem: Problem) -> Problem:
    return replace(problem, severity="stop") if problem.code in _NO_LONGER_BEARABLE else problem


def _about_the_speech(seconds: float, waveform: Waveform, sample_rate_hz: int) -> Iterator[Problem]:
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
            f"The sample lasts {seconds:.0f} seconds; more than {LONGEST_SECONDS:.0f} are of no use.",
            f"Cut it to the best {LONGEST_SECONDS:.0f} seconds.",
        )
    elif speech_share(waveform, sample_rate_hz) < SPEECH_SHARE:
        yield Problem(
            "sample_without_speech",
            "stop",
            "There is too little speech in this sample.",
            "Speak without long pauses, with nothing else to be heard: no music, no second voice.",
        )
