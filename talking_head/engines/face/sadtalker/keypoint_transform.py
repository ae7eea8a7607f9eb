"""Keypoint transform: canonical keypoints, rotated, translated and deformed (Wang et al. 2021, arXiv:2011.15126)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from talking_head.engines.face.sadtalker.networks.mapping import MappingOutput
from talking_head.engines.face.sadtalker.networks.sizes import KEYPOINTS

DEGREES_PER_BIN = 3
LOWEST_DEGREES = -99
ORIGINAL_PI = 3.14  # the networks were trained with this value


@dataclass(frozen=True, slots=True)
class HeadMotion:
    """Head pose and expression of t frames, which move the keypoints. Angles in degrees: yaw, pitch, roll."""

    degrees: Tensor  # (t, 3)
    translation: Tensor  # (t, 3)
    expression: Tensor  # (t, 15, 3)

    def __len__(self) -> int:
        return len(self.degrees)


def degrees_of(logits: Tensor) -> Tensor:
    """Return the expected angle of 66 bins of three degrees (Ruiz et al. 2018, arXiv:1710.00925); (n, 66) -> (n,)."""
    bins = torch.arange(logits.shape[1], dtype=logits.dtype, device=logits.device)
    return (torch.softmax(logits, dim=1) * bins).sum(dim=1) * DEGREES_PER_BIN + LOWEST_DEGREES


def head_motion(mapped: MappingOutput) -> HeadMotion:
    """Return the head motion that the mapping net's output encodes."""
    degrees = torch.stack([degrees_of(logits) for logits in (mapped.yaw, mapped.pitch, mapped.roll)], dim=1)
    return HeadMotion(degrees, mapped.translation, mapped.expression.unflatten(1, (KEYPOINTS, 3)))


def rotation_matrices(degrees: Tensor) -> Tensor:
    """Return the rotations (t, 3, 3), pitch times yaw times roll, of ``degrees`` (t, 3) as yaw, pitch, roll."""
    yaw, pitch, roll = (degrees / 180 * ORIGINAL_PI).unbind(dim=1)
    one, zero = torch.ones_like(yaw), torch.zeros_like(yaw)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=1).unflatten(1, (3, 3))  # (t, 3, 3)

    about_x = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    about_y = matrix(yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos())
    about_z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return torch.einsum("tij,tjk,tkm->tim", about_x, about_y, about_z)  # (t, 3, 3)


def transform_keypoints(canonical: Tensor, motion: HeadMotion) -> Tensor:
    """Move ``canonical`` (15, 3) to (t, 15, 3); only y of the translation counts, as in the networks' training."""
    rotated = torch.einsum("tij,kj->tki", rotation_matrices(motion.degrees), canonical)  # (t, 15, 3)
    only_y = torch.tensor([0.0, 1.0, 0.0], dtype=rotated.dtype, device=rotated.device)
    return rotated + (motion.translation * only_y)[:, None] + motion.expression  # (t, 15, 3)
