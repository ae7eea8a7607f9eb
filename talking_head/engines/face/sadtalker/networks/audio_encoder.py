"""Audio encoder: from a 0.2 s window of the mel spectrogram to an embedding of 512 numbers.

This is the encoder of Wav2Lip (Prajwal et al. 2020, arXiv:2008.10010), used twice by SadTalker with different weights.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

EMBEDDING = 512


class AudioConv(nn.Module):
    """Convolution, batch norm, a skip connection if ``residual``, ReLU."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int = 3,
        stride: int | tuple[int, int] = 1,
        padding: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel, stride, padding), nn.BatchNorm2d(channels_out)
        )
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_block(x)
        return functional.relu(y + x if self.residual else y)


def audio_encoder() -> nn.Sequential:
    """Return the encoder: (n, 1, 80, 16) mel windows -> (n, 512, 1, 1)."""
    return nn.Sequential(
        AudioConv(1, 32),
        AudioConv(32, 32, residual=True),
        AudioConv(32, 32, residual=True),  # (n, 32, 80, 16)
        AudioConv(32, 64, stride=(3, 1)),
        AudioConv(64, 64, residual=True),
        AudioConv(64, 64, residual=True),  # (n, 64, 27, 16)
        AudioConv(64, 128, stride=3),
        AudioConv(128, 128, residual=True),
        AudioConv(128, 128, residual=True),  # (n, 128, 9, 6)
        AudioConv(128, 256, stride=(3, 2)),
        AudioConv(256, 256, residual=True),  # (n, 256, 3, 3)
        AudioConv(256, EMBEDDING, padding=0),  # (n, 512, 1, 1)
        AudioConv(EMBEDDING, EMBEDDING, kernel=1, padding=0),  # (n, 512, 1, 1)
    )
