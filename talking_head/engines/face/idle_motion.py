"""Idle motion that the phonemes do not dictate: blinks, breathing, and a head that moves along with the speech.

Every curve is a function of the seed and the take and is at rest in the first and the last frame, so clips of one
portrait join. The window that enforces this leaves rest at full speed instead of easing out of it: a head that glides
through its rest pose at a joint does not seem to stop, whereas one that brakes and starts again does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from talking_head.engines.face.visemes import Curve
from talking_head.timebase import VIDEO_FPS

_WINDOW_SECONDS = 0.45
_DRIFT_KNOT_SECONDS = 0.95  # a new random direction about once a second
_BREATH_SECONDS = 3.8
_ACCENT_SECONDS = 0.16  # smoothing of the loudness that the head follows

_YAW_DEGREES, _PITCH_DEGREES, _ROLL_DEGREES = 2.6, 1.2, 0.8
_SHIFT_X, _SHIFT_Y = 0.5, 0.35  # tenths of a mouth width
_NOD_DEGREES = 1.3  # towards the listener on loud syllables
_PHRASE_LIFT_DEGREES = 0.7  # up at the start of a phrase, sinking along it
_BROW_LIFT = 0.35

_BLINK_GAP_SECONDS = (2.0, 4.8)
_BLINK_SHAPE = (0.45, 1.0, 1.0, 0.72, 0.38, 0.12)  # 80 ms down, 40 ms shut, 130 ms up, at 25 frames a second
_BLINK_TO_PAUSE_SECONDS = 0.8  # people blink at the ends of phrases


@dataclass(frozen=True, slots=True)
class IdleMotion:
    """Curves with one value per frame, (frames,): degrees, shifts in tenths of a mouth width, the rest 0..1."""

    yaw: Curve
    pitch: Curve
    roll: Curve
    shift_x: Curve
    shift_y: Curve
    breath: Curve
    brow: Curve
    blink: Curve


def idle_motion(loudness: Curve, pauses: list[tuple[float, float]], seed: int) -> IdleMotion:
    """Return the idle motion of a take of ``len(loudness)`` frames, silent during ``pauses`` (start, end seconds)."""
    rng = np.random.default_rng(seed)
    count = len(loudness)
    window = rest_window(count)
    drift = {name: _drift(rng, count) for name in ("yaw", "pitch", "roll", "shift_x", "shift_y", "brow")}
    accent = _smooth(loudness, _ACCENT_SECONDS) - float(np.mean(loudness))
    phrase = _phrase_arc(pauses, count)
    breath_phase = 2 * np.pi * np.arange(count) / VIDEO_FPS / _BREATH_SECONDS
    # A head turn adds a little roll in the same direction.
    yaw = _YAW_DEGREES * drift["yaw"]
    roll = _ROLL_DEGREES * (0.75 * drift["roll"] + 0.35 * drift["yaw"])
    pitch = _PITCH_DEGREES * drift["pitch"] + _NOD_DEGREES * accent - _PHRASE_LIFT_DEGREES * phrase
    brow = _BROW_LIFT * np.clip(0.9 * phrase + 0.5 * drift["brow"] + 0.5 * np.clip(accent, 0, None), -0.2, 1.3)
    curves = {
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "shift_x": _SHIFT_X * drift["shift_x"],
        "shift_y": _SHIFT_Y * drift["shift_y"] + 0.35 * accent,
        "breath": 0.5 - 0.5 * np.cos(breath_phase),
        "brow": brow,
    }
    windowed = {name: np.asarray(curve * window, np.float32) for name, curve in curves.items()}
    return IdleMotion(**windowed, blink=_blinks(rng, count, pauses))


def rest_window(count: int) -> Curve:
    """Return (count,) 0 in the first and last frame, 1 in between, with ramps that leave 0 steeply (a quarter sine)."""
    frame = np.arange(count)
    to_end = np.minimum(frame, count - 1 - frame) / (_WINDOW_SECONDS * VIDEO_FPS)
    return np.asarray(np.sin(np.pi / 2 * np.clip(to_end, 0, 1)), np.float32)


def _drift(rng: np.random.Generator, count: int) -> Curve:
    """Return slow random drift within about -1..1: random knots at random spacing, eased into each other."""
    knots = int(count / VIDEO_FPS / _DRIFT_KNOT_SECONDS) + 5
    times = np.cumsum(_DRIFT_KNOT_SECONDS * rng.uniform(0.6, 1.4, knots))
    times -= times[1] + rng.uniform(0, 1) * (times[2] - times[1])
    # Alternating halves of the range keep it travelling; independent values would often hover around the middle.
    side = np.where(np.arange(knots) % 2 == rng.integers(2), 1.0, -1.0)
    values = side * rng.uniform(0.15, 1.0, knots)
    frames = np.arange(count) / VIDEO_FPS
    index = np.clip(np.searchsorted(times, frames, side="right") - 1, 1, knots - 3)
    t = np.clip((frames - times[index]) / (times[index + 1] - times[index]), 0, 1)
    eased = t * t * t * (t * (t * 6 - 15) + 10)
    return np.asarray(values[index] + (values[index + 1] - values[index]) * eased, np.float32)


def _phrase_arc(pauses: list[tuple[float, float]], count: int) -> Curve:
    """Return 1 where a phrase begins, falling to about -0.4 at its end: the head comes up with a new thought."""
    arc = np.zeros(count)
    frames = np.arange(count) / VIDEO_FPS
    starts = [end for _, end in pauses]
    ends = [*[start for start, _ in pauses][1:], count / VIDEO_FPS]
    for start, end in zip(starts, ends, strict=True):
        inside = (frames >= start) & (frames < end)
        arc[inside] = np.exp(-(frames[inside] - start) / 0.7) * 1.4 - 0.4
    return _smooth(np.asarray(arc, np.float32), 0.2)


def _smooth(curve: Curve, seconds: float) -> Curve:
    """Return ``curve`` smoothed by a Gaussian of that standard deviation, edges repeated."""
    sigma = seconds * VIDEO_FPS
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(np.convolve(np.pad(curve, reach, mode="edge"), kernel / kernel.sum(), mode="valid"), np.float32)


def _blinks(rng: np.random.Generator, count: int, pauses: list[tuple[float, float]]) -> Curve:
    """Return random blinks, attracted to nearby pauses.

    The first comes at a random time within one gap, so that a lesson of many short takes blinks as often as one long
    take, although some of the takes have no blink.
    """
    curve = np.zeros(count, np.float32)
    length = len(_BLINK_SHAPE)
    next_blink = rng.uniform(0, float(np.mean(_BLINK_GAP_SECONDS)))
    last_end = 0
    while True:
        moment = next_blink
        for start, end in pauses:
            middle = (start + end) / 2
            if abs(middle - next_blink) < _BLINK_TO_PAUSE_SECONDS and 0.3 < middle < count / VIDEO_FPS - 0.3:
                moment = middle
        first = round(moment * VIDEO_FPS)
        if first + length >= count:
            return curve
        if first > last_end + VIDEO_FPS // 4 or (first > 0 and last_end == 0):
            curve[first : first + length] = _BLINK_SHAPE
            last_end = first + length
        next_blink += rng.uniform(*_BLINK_GAP_SECONDS)
