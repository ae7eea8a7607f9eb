"""The report on a recorded narration: its problems in words that a teacher understands, each with a hint.

``stop`` means that no lesson can be made of it; ``warn`` means that the video will sound worse than it could. The
limits were set on the embedded voice with hiss, mains hum, clipping and silence added in known amounts
(tests/talking_head/pipeline/test_narration_report.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from talking_head.errors import InvalidInput
from talking_head.media_io.recordings import BLOCK_SECONDS, RecordingStats
from talking_head.pipeline.checks.problem import Problem
from talking_head.pipeline.checks.reports import NarrationReport

SHORTEST_SECONDS = 1.0
SILENT_DB = -60.0  # of full scale: the loudest parts of any voice are far above
QUIET_DB = -42.0
NOISY_DB, VERY_NOISY_DB = 25.0, 12.0  # how far the voice is above its background
HUM_SHARE = 0.6  # of the noise: frequencies below all voices
HISS_SHARE = 0.6  # of the noise: frequencies above most of them
CLIPPED_SHARE = 0.01  # of the blocks with voice
CANCELLED_DB = 7.0  # lost when the channels are mixed, beside what unrelated channels lose
LONG_SILENCE_SECONDS = 3.0  # before or after the voice; it is trimmed anyway
LOW_RATE_HZ = 16_000
_VOICE_PERCENTILE, _NOISE_PERCENTILE = 90, 10
_FLOOR = 1e-10  # -100 dB: below 16 bit


def report_on_recording(figures: RecordingStats) -> NarrationReport:
    """Return the report on a recording, based on what was measured while it was read."""
    powers = np.maximum(figures.powers, _FLOOR)
    voice = float(np.percentile(powers, _VOICE_PERCENTILE))
    noise = float(np.percentile(powers, _NOISE_PERCENTILE))
    problems = list(_voice_problems(figures, voice))
    if not problems:  # otherwise the rest would be noise
        problems = [*_noise_problems(figures, powers, voice, noise), *_other_problems(figures, powers, voice)]
    problems.sort(key=lambda problem: problem.severity != "stop")  # stable: keeps the order within each
    return NarrationReport(
        tuple(problems), figures.duration_seconds, round(_db(voice), 1), round(_db(noise), 1), figures.channels
    )


def refuse_unusable_recording(report: NarrationReport) -> None:
    """Raise the report's first ``stop`` problem, if it has one.

    Raises:
        InvalidInput: the problem, with its code and hint.
    """
    for problem in report.problems:
        if problem.severity == "stop":
            raise InvalidInput(problem.message, code=problem.code, hint=problem.hint)


def _voice_problems(figures: RecordingStats, voice: float) -> Iterator[Problem]:
    if figures.duration_seconds < SHORTEST_SECONDS:
        yield Problem(
            "audio_too_short",
            "stop",
            "The recording is shorter than a second.",
            "Record a whole sentence, and stop a moment after the last word.",
        )
    elif figures.mix_power < figures.separate_power / 10 ** (CANCELLED_DB / 10):
        yield Problem(
            "audio_cancelled",
            "stop",
            "The channels of this recording cancel each other out.",
            "Record in mono, or swap the wires of one microphone.",
        )
    elif _db(voice) < SILENT_DB:
        yield Problem(
            "audio_silent",
            "stop",
            "The recording is silent.",
            "Check that the right microphone is chosen and not muted, then record again.",
        )


def _noise_problems(figures: RecordingStats, powers: np.ndarray, voice: float, noise: float) -> Iterator[Problem]:
    distance_db = _db(voice) - _db(noise)
    if distance_db >= NOISY_DB:
        return
    noise_name, hint = _kind_of_noise(figures, powers, noise)
    if distance_db >= VERY_NOISY_DB:
        yield Problem("audio_noisy", "warn", f"There is {noise_name} behind your voice.", hint)
    else:
        yield Problem(
            "audio_very_noisy",
            "warn",
            f"There is {noise_name} behind your voice, nearly as loud as the voice itself.",
            hint,
        )


def _kind_of_noise(figures: RecordingStats, powers: np.ndarray, noise: float) -> tuple[str, str]:
    quiet = powers <= noise * 1.26  # within a decibel of the quietest parts
    total = float(powers[quiet].sum())
    if float(figures.low_powers[quiet].sum()) > HUM_SHARE * total:
        return (
            "a steady hum",
            "Move the microphone away from power supplies, lamps and fans, or try again in a quieter room.",
        )
    if float(figures.high_powers[quiet].sum()) > HISS_SHARE * total:
        return "a hiss", "Turn the microphone's gain down, speak closer to it, and try again."
    return "noise", "Try again in a quieter room, or closer to the microphone."


def _other_problems(figures: RecordingStats, powers: np.ndarray, voice: float) -> Iterator[Problem]:
    speaking = np.flatnonzero(powers > voice / 100)  # within 20 dB of the louder parts
    if figures.clipped_blocks > CLIPPED_SHARE * len(speaking):
        yield Problem(
            "audio_clipped",
            "warn",
            "The voice is so loud in places that it is distorted.",
            "Speak a little further from the microphone or turn its level down, then record again.",
        )
    if _db(voice) < QUIET_DB:
        yield Problem(
            "audio_quiet",
            "warn",
            "The voice is very quiet. It will be amplified, and the noise with it.",
            "Speak closer to the microphone or turn its level up.",
        )
    if figures.sample_rate_hz < LOW_RATE_HZ:
        yield Problem(
            "audio_muffled",
            "warn",
            "The recording sounds like a telephone call.",
            "Record with a computer or a recording app instead of a call.",
        )
    before, after = speaking[0] * BLOCK_SECONDS, (len(powers) - 1 - speaking[-1]) * BLOCK_SECONDS
    if max(before, after) > LONG_SILENCE_SECONDS:
        where = "before the first" if before > after else "after the last"
        yield Problem(
            "audio_long_silence",
            "warn",
            f"There are {max(before, after):.0f} seconds of silence {where} word.",
            "You do not need to do anything: silence at both ends is removed.",
        )


def _db(power: float) -> float:
    return 10 * float(np.log10(max(power, _FLOOR)))
