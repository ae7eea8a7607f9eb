"""Dense motion: the motion of every cell of the feature volume, from source and driving keypoints.

Wang et al. 2021 (arXiv:2011.15126), section 3.2: every keypoint proposes to shift the whole volume by its own shift; a
network takes the shifted volumes and blends the proposals cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.blocks import DownBlock3d, UpBlock3d
from talking_head.engines.face.sadtalker.networks.keypoints import identity_grid
from talking_head.engines.face.sadtalker.networks.sizes import DEPTH, KEYPOINTS, OFFICIAL, NetworkSizes

PROPOSALS = KEYPOINTS + 1  # the first one: nothing moves
HEATMAP_VARIANCE = 0.01
SMALLEST_MASK = 1e-3  # weaker proposals are dropped, and the others are not normalised again


@dataclass(frozen=True, slots=True)
class Motion:
    """The source position of every cell of the volume, and the visibility of the picture's parts."""

    deformation: Tensor  # (n, d, h, w, 3): x, y, z in -1..1
    occlusion: Tensor  # (n, 1, h, w) in 0..1
    mask_logits: Tensor  # (n, 16, d, h, w)


def sparse_motions(kp_source: Tensor, kp_driving: Tensor, volume: Tensor) -> Tensor:
    """Return one shifted identity grid per proposal; (n, 15, 3) twice -> (n, 16, d, h, w, 3)."""
    identity = identity_grid(*volume.shape[2:], like=volume)  # (d, h, w, 3)
    shifts = functional.pad(kp_source - kp_driving, (0, 0, 1, 0))  # (n, 16, 3), no shift in front
    return identity + shifts[:, :, None, None, None]  # (n, 16, d, h, w, 3)


def heat_maps(keypoints: Tensor, volume: Tensor) -> Tensor:
    """Return a Gaussian around every keypoint; (n, 15, 3) -> (n, 15, d, h, w)."""
    identity = identity_grid(*volume.shape[2:], like=volume)  # (d, h, w, 3)
    squared = (identity - keypoints[:, :, None, None, None]).pow(2).sum(dim=-1)  # (n, 15, d, h, w)
    return torch.exp(-0.5 * squared / HEATMAP_VARIANCE)


def blend(mask: Tensor, motions: Tensor) -> Tensor:
    """Blend ``motions`` (n, 16, d, h, w, 3) by ``mask`` (n, 16, d, h, w) after softmax; -> (n, d, h, w, 3)."""
    kept = torch.where(mask < SMALLEST_MASK, torch.zeros_like(mask), mask)
    return (kept[..., None] * motions).sum(dim=1)


class HourglassEncoder(nn.Module):
    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.down_blocks = nn.ModuleList(DownBlock3d(*pair) for pair in pairwise(channels))

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class HourglassDecoder(nn.Module):
    """The upward half; at every level the encoder's output of that level is concatenated."""

    def __init__(self, down: tuple[int, ...], up: tuple[int, ...]) -> None:
        super().__init__()
        skips = (0, *reversed(down[1:-1]), down[0])
        channels_in = [previous + skip for previous, skip in zip((down[-1], *up), skips, strict=True)]
        self.up_blocks = nn.ModuleList(UpBlock3d(*pair) for pair in zip(channels_in, up, strict=False))
        self.out_channels = channels_in[-1]
        self.conv = nn.Conv3d(self.out_channels, self.out_channels, 3, padding=1)
        self.norm = nn.BatchNorm3d(self.out_channels)

    def forward(self, levels: list[Tensor]) -> Tensor:
        x = levels[-1]
        for block, skip in zip(self.up_blocks, reversed(levels[:-1]), strict=True):
            x = torch.cat([block(x), skip], dim=1)
        return functional.relu(self.norm(self.conv(x)))  # (n, 112, d, h, w)


class Hourglass(nn.Module):
    def __init__(self, channels_in: int, sizes: NetworkSizes) -> None:
        super().__init__()
        down = (channels_in, *sizes.hourglass_down)
        self.encoder = HourglassEncoder(down)
        self.decoder = HourglassDecoder(down, sizes.hourglass_up)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class DenseMotion(nn.Module):
    """From feature volume and keypoints to :class:`Motion`."""

    def __init__(self, sizes: NetworkSizes = OFFICIAL) -> None:
        super().__init__()
        self.compress = nn.Conv3d(sizes.volume, sizes.compressed, 1)
        self.norm = nn.BatchNorm3d(sizes.compressed)
        self.hourglass = Hourglass(PROPOSALS * (1 + sizes.compressed), sizes)
        prediction = self.hourglass.decoder.out_channels  # 112
        self.mask = nn.Conv3d(prediction, PROPOSALS, 7, padding=3)
        self.occlusion = nn.Conv2d(prediction * DEPTH, 1, 7, padding=3)

    def compressed(self, volume: Tensor) -> Tensor:
        """Return the compressed volume, which depends on the source alone; (n, 32, d, h, w) -> (n, 4, d, h, w)."""
        return functional.relu(self.norm(self.compress(volume)))

    def hourglass_input(self, compressed: Tensor, motions: Tensor, heat: Tensor) -> Tensor:
        """Return each proposal's heat map with the volume shifted by the proposal; -> (n, 80, d, h, w).

        ``compressed`` (1 or n, 4, d, h, w), ``motions`` (n, 16, d, h, w, 3), ``heat`` (n, 15, d, h, w).
        """
        depth = compressed.shape[2]
        # One deep grid instead of sixteen copies of the volume. It runs from -1 to 1 inclusive but is sampled as if it
        # ran between cell borders: the networks were trained that way, so even the proposal without a shift is not a
        # copy.
        volumes = compressed.expand(len(motions), -1, -1, -1, -1)
        shifted = functional.grid_sample(volumes, motions.flatten(1, 2), align_corners=False)  # (n, 4, 16 * d, h, w)
        shifted = shifted.unflatten(2, (PROPOSALS, depth)).transpose(1, 2)  # (n, 16, 4, d, h, w)
        heat = functional.pad(heat, (0, 0, 0, 0, 0, 0, 1, 0))  # (n, 16, d, h, w), nothing for the first proposal
        return torch.cat([heat[:, :, None], shifted], dim=2).flatten(1, 2)  # (n, 80, d, h, w)

    def forward(
        self, compressed: Tensor, kp_source: Tensor, kp_driving: Tensor, heat_source: Tensor | None = None
    ) -> Motion:
        """Return the motion from the source to the driving keypoints.

        ``compressed`` (1 or n, 4, d, h, w), ``kp_source`` (1 or n, 15, 3), ``kp_driving`` (n, 15, 3). ``heat_source``
        may be passed where the source's :func:`heat_maps` are already known.
        """
        motions = sparse_motions(kp_source, kp_driving, compressed)  # (n, 16, d, h, w, 3)
        if heat_source is None:
            heat_source = heat_maps(kp_source, compressed)
        heat = heat_maps(kp_driving, compressed) - heat_source  # (n, 15, d, h, w)
        prediction = self.hourglass(self.hourglass_input(compressed, motions, heat))  # (n, 112, d, h, w)
        mask_logits = self.mask(prediction)  # (n, 16, d, h, w)
        deformation = blend(torch.softmax(mask_logits, dim=1), motions)  # (n, d, h, w, 3)
        occlusion = torch.sigmoid(self.occlusion(prediction.flatten(1, 2)))  # (n, 1, h, w)
        return Motion(deformation, occlusion, mask_logits)
