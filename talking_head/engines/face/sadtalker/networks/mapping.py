"""Mapping net: from coefficients of the morphable model to the keypoint model's head pose and offsets.

Source: PIRenderer (Ren et al. 2021, arXiv:2109.08379); section 3.4 of the SadTalker paper. The input is a window of 27
frames, the output its middle frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as functional
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.sizes import HEAD_ANGLE_BINS, KEYPOINTS

LEAKY_SLOPE = 0.1
CROPPED_PER_LAYER = 3  # frames a dilated layer loses at either end


@dataclass(frozen=True, slots=True)
class MappingOutput:
    """Logits of the angle bins, and offsets in the units of the keypoints (-1..1 across the picture)."""

    yaw: Tensor  # (n, 66)
    pitch: Tensor  # (n, 66)
    roll: Tensor  # (n, 66)
    translation: Tensor  # (n, 3)
    expression: Tensor  # (n, 45)


class MappingNet(nn.Module):
    """The mapping network; ``channels`` is 70 for the cropping modes and 73 for the full modes."""

    def __init__(self, channels: int, width: int = 1024) -> None:
        super().__init__()
        self.channels = channels
        self.first = nn.Sequential(nn.Conv1d(channels, width, 7))
        for layer in range(3):
            block = nn.Sequential(nn.LeakyReLU(LEAKY_SLOPE), nn.Conv1d(width, width, 3, dilation=3))
            self.add_module(f"encoder{layer}", block)
        self.fc_yaw = nn.Linear(width, HEAD_ANGLE_BINS)
        self.fc_pitch = nn.Linear(width, HEAD_ANGLE_BINS)
        self.fc_roll = nn.Linear(width, HEAD_ANGLE_BINS)
        self.fc_t = nn.Linear(width, 3)
        self.fc_exp = nn.Linear(width, KEYPOINTS * 3)

    def forward(self, windows: Tensor) -> MappingOutput:
        """Return pose and offsets of the middle frames of ``windows`` (n, channels, 27)."""
        x = self.first(windows)  # (n, 1024, 21)
        for layer in range(3):
            shortcut = x[..., CROPPED_PER_LAYER:-CROPPED_PER_LAYER]
            x = self.get_submodule(f"encoder{layer}")(x) + shortcut  # (n, 1024, 15), then 9, then 3
        x = functional.adaptive_avg_pool1d(x, 1).flatten(1)  # (n, 1024)
        return MappingOutput(self.fc_yaw(x), self.fc_pitch(x), self.fc_roll(x), self.fc_t(x), self.fc_exp(x))
