"""What happens on a machine with a GPU, as far as a machine without one can tell: who chooses it, and how frames are
put into batches. The recorded graph itself needs a GPU and is replaced by drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from talking_head.engines.face.sadtalker import resolution
from talking_head.engines.face.sadtalker.fast import drawing
from talking_head.engines.face.sadtalker.fast.cuda_graph import to_levels
from talking_head.engines.face.sadtalker.fast.drawing import GPU_BATCH, FrameDrawer
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator, SourceFeatures
from talking_head.engines.face.sadtalker.networks.generator import Generator
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY

SIDE_PX = 128


@pytest.mark.parametrize(("has_gpu", "expected"), [(True, ("cuda", True)), (False, ("cpu", False))])
def test_a_gpu_gets_the_generator_in_half_precision(
    checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch, has_gpu: bool, expected: tuple[str, bool]
) -> None:
    chosen = []

    def spy(plain: Generator, *, device: str, half: bool) -> FastGenerator:
        chosen.append((device, half))
        return FastGenerator(plain)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(resolution, "FastGenerator", spy)
    resolution.load_resolution(checkpoints_dir, 256, TINY)
    assert chosen == [expected]


class DrawingInsteadOfAGraph:
    """Stands in for the recorded graph: fixed batches, one source at a time, memory that is used again."""

    batches: list[int] = []
    recorded = 0

    def __init__(self, generator: FastGenerator, source: SourceFeatures, batch: int) -> None:
        self._generator, self._batch = generator, batch
        self._levels: Any = None
        DrawingInsteadOfAGraph.recorded += 1

    def fits(self, source: SourceFeatures, batch: int) -> bool:
        return batch == self._batch

    def draw(self, source: SourceFeatures, keypoints: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(keypoints))
        levels = to_levels(self._generator.draw(source, keypoints).picture)
        self._levels = levels if self._levels is None else self._levels.copy_(levels)
        return self._levels


def test_frames_go_through_full_batches_and_come_out_as_on_the_cpu(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(5)
    fast = FastGenerator(generator)
    with torch.inference_mode():
        source = fast.prepare(torch.rand(1, 3, SIDE_PX, SIDE_PX), torch.rand(1, 15, 3) - 0.5)
    keypoints = torch.rand(GPU_BATCH + 3, 15, 3) - 0.5
    expected = [frame.copy() for frame in FrameDrawer(fast).draw(source, keypoints)]
    monkeypatch.setattr(drawing, "GraphedGenerator", DrawingInsteadOfAGraph)
    monkeypatch.setattr(DrawingInsteadOfAGraph, "batches", [])
    monkeypatch.setattr(DrawingInsteadOfAGraph, "recorded", 0)
    drawer = FrameDrawer(fast)
    monkeypatch.setattr(drawer, "_on_gpu", True)

    drawn = [frame.copy() for frame in drawer.draw(source, keypoints)]
    list(drawer.draw(source, keypoints[:2]))

    assert len(drawn) == GPU_BATCH + 3
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(drawn, expected, strict=True))
    assert DrawingInsteadOfAGraph.batches == [GPU_BATCH] * 3  # the last ones filled up: a graph has one shape
    assert DrawingInsteadOfAGraph.recorded == 1


def test_memory_that_runs_out_throws_the_graph_away(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(DrawingInsteadOfAGraph):
        def draw(self, source: SourceFeatures, keypoints: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    fast = FastGenerator(generator)
    with torch.inference_mode():
        source = fast.prepare(torch.rand(1, 3, SIDE_PX, SIDE_PX), torch.rand(1, 15, 3) - 0.5)
    drawer = FrameDrawer(fast)
    monkeypatch.setattr(drawer, "_on_gpu", True)
    monkeypatch.setattr(drawing, "GraphedGenerator", Full)
    with pytest.raises(drawing.ResourceError) as caught:
        list(drawer.draw(source, torch.zeros(1, 15, 3)))
    assert caught.value.code == "out_of_memory"
    assert drawer._graph is None
