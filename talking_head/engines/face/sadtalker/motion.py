"""From a take to keypoints: the motion of the face, frame by frame, before any picture is drawn."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from talking_head.engines.base import Take
from talking_head.engines.face.sadtalker import coefficients, mel, semantics
from talking_head.engines.face.sadtalker.blink import blink_ratio
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion, head_motion, transform_keypoints
from talking_head.engines.face.sadtalker.networks import audio_to_pose
from talking_head.engines.face.sadtalker.networks.load import Networks
from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
from talking_head.engines.face.sadtalker.reference_motion import ReferenceMotion
from talking_head.engines.face.sadtalker.source import SadTalkerSource
from talking_head.timebase import AUDIO_HZ

FRAMES_PER_BATCH = 64
EASE_FRAMES = 8  # 0.32 s; takes begin and end with at least as much silence


@dataclass(frozen=True, slots=True)
class MotionOptions:
    """Options of the original. Angles are stations in degrees that the head passes at constant speed."""

    pose_style: int = 0  # 0..45
    # The head rests and only the face moves. None means True in the full modes, where the body could not follow the
    # head, unless there is a pose video.
    still: bool | None = None
    yaw_degrees: tuple[float, ...] = ()
    pitch_degrees: tuple[float, ...] = ()
    roll_degrees: tuple[float, ...] = ()
    pose_video: Path | None = None  # a video of a person whose head motion is added
    blink_video: Path | None = None  # a video of a person whose blinks replace the engine's own

    def digest(self, reference: ReferenceMotion) -> str:
        """Return eight hex digits for cache keys; videos count by the motion read from them, not by their names."""
        plain = replace(self, pose_video=None, blink_video=None)
        parts = [repr(plain).encode()]
        parts += [b"-" if values is None else values.tobytes() for values in (reference.pose, reference.blink)]
        return hashlib.sha256(b"|".join(parts)).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class SadTalkerMotion:
    """Keypoints of every frame; those of the first and the last frame are the source's own."""

    keypoints: Tensor  # (t, 15, 3), on the CPU


@torch.inference_mode()
def build_motion(
    source: SadTalkerSource,
    take: Take,
    *,
    seed: int,
    expression_scale: float,
    options: MotionOptions,
    reference: ReferenceMotion,
    networks: Networks,
    mapping: MappingNet,
) -> SadTalkerMotion:
    """Return the motion of ``take``; the same arguments give the same motion."""
    frames = take.frame_count
    driven = _driven_coefficients(source, take, seed, options.pose_style, reference, networks)  # (t, 70)
    still = options.still
    if still is None:
        still = source.layout is coefficients.CoefficientLayout.WITH_CROP and reference.pose is None
    sequence = semantics.target_sequence(
        driven, source.coefficients, source.layout, expression_scale=expression_scale, still=still
    )
    moving = _with_schedules(_map(semantics.windows(sequence), mapping), options)
    eased = blend_to_rest(moving, source.rest, rest_weights(frames))
    return SadTalkerMotion(transform_keypoints(source.canonical, eased))


def waveform_16k(take: Take) -> NDArray[np.float32]:
    """Return the take at the networks' rate of 16 kHz, exactly 640 samples per frame."""
    samples = take.frame_count * mel.SAMPLES_PER_FRAME
    resampled = soxr.resample(take.waveform, AUDIO_HZ, mel.SAMPLE_RATE_HZ)[:samples]
    return np.pad(resampled, (0, samples - len(resampled))).astype(np.float32)


def _driven_coefficients(
    source: SadTalkerSource, take: Take, seed: int, style: int, reference: ReferenceMotion, networks: Networks
) -> NDArray[np.float32]:
    frames = take.frame_count
    windows = torch.from_numpy(mel.mel_windows(mel.mel_spectrogram(waveform_16k(take)), frames))  # (t, 80, 16)
    lids = reference.blink_expression(frames)
    if lids is None:
        blink = blink_ratio(frames, random.Random(seed))  # noqa: S311 - a seeded sequence, not a secret
        lids = source.coefficients[None, coefficients.EXPRESSION]  # (1, 64)
    else:
        blink = np.zeros(frames, np.float32)
    expression = networks.expression(windows, torch.from_numpy(lids), torch.from_numpy(blink)).numpy()  # (t, 64)
    noise = np.random.default_rng(seed).standard_normal((audio_to_pose.noise_chunks(frames), audio_to_pose.NOISE))
    rest_pose = source.coefficients[coefficients.POSE]  # (6,)
    moved = networks.pose(windows, torch.from_numpy(rest_pose), style, torch.from_numpy(noise.astype(np.float32)))
    pose = audio_to_pose.smooth_pose(rest_pose + moved.numpy())  # (t, 6)
    if reference.pose is not None:
        pose = audio_to_pose.add_reference_pose(pose, reference.pose[:, coefficients.POSE])
    return np.hstack([expression, pose])


def _map(windows: NDArray[np.float32], mapping: MappingNet) -> HeadMotion:
    """Return the head motion of t frames for ``windows`` (t, c, 27)."""
    parts = [head_motion(mapping(part)) for part in torch.from_numpy(windows).split(FRAMES_PER_BATCH)]
    return HeadMotion(
        torch.cat([part.degrees for part in parts]),
        torch.cat([part.translation for part in parts]),
        torch.cat([part.expression for part in parts]),
    )


def _with_schedules(motion: HeadMotion, options: MotionOptions) -> HeadMotion:
    degrees = motion.degrees.clone()
    for column, stations in enumerate((options.yaw_degrees, options.pitch_degrees, options.roll_degrees)):
        if stations:
            degrees[:, column] = torch.from_numpy(semantics.angle_schedule(stations, len(motion)))
    return HeadMotion(degrees, motion.translation, motion.expression)


def rest_weights(frames: int) -> NDArray[np.float32]:
    """Return the motion's weight: 0 in the first and the last frame, smoothly up to 1 in between; (frames,)."""
    to_end = np.minimum(np.arange(frames), np.arange(frames)[::-1])
    share = np.clip(to_end / EASE_FRAMES, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def blend_to_rest(motion: HeadMotion, rest: HeadMotion, weights: NDArray[np.float32]) -> HeadMotion:
    """Blend from ``rest`` (one frame) where a weight is 0 to ``motion`` where it is 1.

    Angles are blended, not keypoints, so that the head turns instead of shrinking in between.
    """
    w = torch.from_numpy(weights)[:, None]  # (t, 1)
    return HeadMotion(
        torch.lerp(rest.degrees.expand_as(motion.degrees), motion.degrees, w),
        torch.lerp(rest.translation.expand_as(motion.translation), motion.translation, w),
        torch.lerp(rest.expression.expand_as(motion.expression), motion.expression, w[..., None]),
    )
