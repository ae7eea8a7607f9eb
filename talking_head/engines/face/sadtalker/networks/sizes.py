"""Widths of the networks: :data:`OFFICIAL` for the official files; tests use narrow networks of the same structure."""

from __future__ import annotations

from dataclasses import dataclass

KEYPOINTS = 15
DEPTH = 16  # slices of the feature volume
HEAD_ANGLE_BINS = 66
EXPRESSION_COEFFICIENTS = 64
POSE_COEFFICIENTS = 6  # three angles, three translations
MAPPING_WINDOW_FRAMES = 27


@dataclass(frozen=True, slots=True)
class NetworkSizes:
    """Channel counts that are not tied to an input or an output."""

    reconstruction: int = 64  # first ResNet stage
    keypoint_down: tuple[int, ...] = (64, 128, 256, 512, 1024)
    keypoint_up: tuple[int, ...] = (512, 256, 128, 64, 32)
    mapping: int = 1024
    encoder: tuple[int, ...] = (64, 128, 256)
    volume: int = 32  # channels of the feature volume; times DEPTH = channels of the flat feature
    compressed: int = 4
    hourglass_down: tuple[int, ...] = (64, 128, 256, 512, 1024)
    hourglass_up: tuple[int, ...] = (512, 256, 128, 64, 32)
    segmentation: int = 256  # the map that conditions the SPADE decoder
    decoder: tuple[int, int, int] = (512, 256, 64)
    modulation: int = 128  # hidden channels of a SPADE norm

    @property
    def flat_feature(self) -> int:
        return self.volume * DEPTH


OFFICIAL = NetworkSizes()
