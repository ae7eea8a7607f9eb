"""Audio to expression (ExpNet, section 3.2 of the paper): the mouth and the lids of every frame.

The 64 numbers are expression coefficients of the 3-D morphable model. Frames are independent of each other, so any
batch size gives the same result.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.audio_encoder import EMBEDDING, audio_encoder
from talking_head.engines.face.sadtalker.networks.sizes import EXPRESSION_COEFFICIENTS

FRAMES_PER_BATCH = 64  # memory must not grow with a long sentence


class AudioToExpression(nn.Module):
    """From the mel window, the face's expression at rest and the lids' closure to the expression of that frame."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = audio_encoder()
        self.mapping1 = nn.Linear(EMBEDDING + EXPRESSION_COEFFICIENTS + 1, EXPRESSION_COEFFICIENTS)

    def forward(self, mel_windows: Tensor, rest_expression: Tensor, blink: Tensor) -> Tensor:
        """Return the expression (t, 64).

        ``mel_windows`` (t, 80, 16), ``rest_expression`` (t, 64) or (1, 64), ``blink`` (t,) in 0..1.
        """
        frames = len(mel_windows)
        rest = rest_expression.expand(frames, -1)  # (t, 64)
        chunks = []
        for start in range(0, frames, FRAMES_PER_BATCH):
            part = slice(start, start + FRAMES_PER_BATCH)
            embedding = self.audio_encoder(mel_windows[part, None]).flatten(1)  # (b, 512)
            chunks.append(self.mapping1(torch.cat([embedding, rest[part], blink[part, None]], dim=1)))  # (b, 64)
        return torch.cat(chunks)  # (t, 64)
