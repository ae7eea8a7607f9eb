"""Whole batches of frames as one recorded launch on a GPU.

A frame is about four hundred small kernels; launching them one by one from Python takes longer than running them. A
CUDA graph records the launches of one batch once and replays them with new keypoints (CUDA programming guide, section
"CUDA graphs"). Shapes are fixed, so the caller pads the last batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from talking_head.engines.face.sadtalker.fast.generator import FastGenerator, SourceFeatures

WARM_UP_RUNS = 3  # cuDNN chooses its algorithms in the first runs


class GraphedGenerator:
    """A graph that draws batches of exactly ``batch`` frames; another source of the same size is copied into place."""

    def __init__(self, generator: FastGenerator, source: SourceFeatures, batch: int) -> None:
        self._source = SourceFeatures(
            source.volume.clone(), source.compressed.clone(), source.heat.clone(), source.keypoints.clone()
        )
        self._current = source
        self._keypoints = source.keypoints.expand(batch, -1, -1).clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_RUNS):
                generator.draw(self._source, self._keypoints)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._levels = to_levels(generator.draw(self._source, self._keypoints).picture)

    def fits(self, source: SourceFeatures, batch: int) -> bool:
        return source.volume.shape == self._source.volume.shape and batch == len(self._keypoints)

    def draw(self, source: SourceFeatures, keypoints: Tensor) -> Tensor:
        """Return levels (batch, s, s, 3) for ``keypoints`` (batch, 15, 3), in memory that the next call reuses."""
        if source is not self._current:
            self._source.volume.copy_(source.volume)
            self._source.compressed.copy_(source.compressed)
            self._source.heat.copy_(source.heat)
            self._source.keypoints.copy_(source.keypoints)
            self._current = source
        self._keypoints.copy_(keypoints)
        self._graph.replay()
        return self._levels


def to_levels(pictures: Tensor) -> Tensor:
    """Convert (n, 3, s, s) in 0..1 to (n, s, s, 3) in 0..255."""
    return (pictures * 255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
