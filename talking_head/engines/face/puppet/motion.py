"""From a take to weights: how far each channel is driven in each frame, without any pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from talking_head.engines.base import Take
from talking_head.engines.face.idle_motion import idle_motion
from talking_head.engines.face.puppet.expressions import EXPRESSION_CHANNELS, JAW_DROP_UNITS
from talking_head.engines.face.puppet.geometry import FaceGeometry, FloatField
from talking_head.engines.face.puppet.head_pose import POSE_CHANNELS
from talking_head.engines.face.visemes import (
    Curve,
    loudness_curve,
    mouth_curves,
    mouth_curves_from_loudness,
    pauses,
    phonemes_to_visemes,
)
from talking_head.timebase import VIDEO_FPS

# The channels that move pixels come first, in the order of the fields' bases.
CHANNELS = (*EXPRESSION_CHANNELS, *POSE_CHANNELS, "blink", "tongue", "lower_teeth")

_SCALED_BY_EXPRESSION = ("jaw", "wide", "pucker", "upper", "brow")  # closures stay closures
_RELAX_SHARE = 0.5
_RELAX_SECONDS = 0.25
_FASTEST_JAW = 0.36  # per frame: about 9 mm in 40 ms on an adult's face; a faster jaw looks like a cut
_PARTED_OPENS_WIDER = 1.25  # where teeth show at rest, the same vowel must open further to look open


@dataclass(frozen=True, slots=True)
class PuppetMotion:
    """Weights of a whole clip; 60 kB per minute."""

    weights: FloatField  # (frames, CHANNELS)


def build_motion(face: FaceGeometry, take: Take, *, seed: int, expression_scale: float) -> PuppetMotion:
    """Return weights for lips (phonemes or else loudness) and idle motion (from the seed), at rest at both ends."""
    loudness = loudness_curve(take.waveform, take.frame_count)
    duration = take.frame_count / VIDEO_FPS
    if take.phonemes:
        events = phonemes_to_visemes(take.phonemes, take.phoneme_alphabet)
        mouth, silences = mouth_curves(events, loudness), pauses(events, duration)
    else:
        mouth, silences = mouth_curves_from_loudness(loudness), [(0.0, 0.0), (duration, duration)]
    idle = idle_motion(loudness, silences, seed)

    curves: dict[str, Curve] = {**mouth, "relax": _relax(silences, take.frame_count)}
    curves.update({name: getattr(idle, name) for name in (*POSE_CHANNELS, "brow", "blink")})
    for name in _SCALED_BY_EXPRESSION:
        curves[name] = curves[name] * np.float32(expression_scale)
    curves["relax"] = curves["relax"] * (1 - np.clip(curves["pucker"], 0, 1))
    if face.lips_parted:
        _subtract_parted_gap(curves, face)
    curves["jaw"] = _limit_speed(curves["jaw"])
    weights = np.stack([curves[name] for name in CHANNELS], axis=1).astype(np.float32)
    weights[[0, -1]] = 0.0
    return PuppetMotion(weights)


def _relax(silences: list[tuple[float, float]], count: int) -> Curve:
    """Return how far the photo's smile gives way to talking: up during speech, back in longer pauses."""
    frames = np.arange(count) / VIDEO_FPS
    talking = np.ones(count)
    for start, end in silences:
        into_pause = np.minimum(frames - start, end - frames)
        talking = np.minimum(talking, 1 - np.clip(into_pause / _RELAX_SECONDS, 0, 1))
    ends = np.minimum(frames, frames[-1] - frames) / _RELAX_SECONDS
    return np.asarray(_RELAX_SHARE * np.minimum(talking, np.clip(ends, 0, 1)), np.float32)


def _limit_speed(jaw: Curve) -> Curve:
    """Return ``jaw`` (frames,) lowered where it opens or closes faster than jaws do; a closed jaw stays closed."""
    limited = jaw.copy()
    for frame in range(1, len(limited)):
        limited[frame] = min(limited[frame], max(0.0, limited[frame - 1]) + _FASTEST_JAW)
    for frame in range(len(limited) - 2, -1, -1):
        limited[frame] = min(limited[frame], max(0.0, limited[frame + 1]) + _FASTEST_JAW)
    return limited


def _subtract_parted_gap(curves: dict[str, Curve], face: FaceGeometry) -> None:
    """Reduce ``jaw`` by the photo's gap between parted lips, and press the lips where the opening is smaller."""
    gap_units = face.lip_gap_px / face.unit_px
    opening = np.maximum(0, curves["jaw"]) * JAW_DROP_UNITS * _PARTED_OPENS_WIDER
    speaking = np.clip(curves["relax"] / _RELAX_SHARE * 2, 0, 1)
    closing = 0.9 * np.clip(1 - opening / gap_units, 0, 1) * speaking
    closing *= 1 - curves["tuck"]  # a lower lip at the teeth is already in place
    curves["press"] = np.maximum(curves["press"], closing).astype(np.float32)
    curves["jaw"] = (np.maximum(0.0, opening - gap_units) / JAW_DROP_UNITS).astype(np.float32)
