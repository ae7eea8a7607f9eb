"""From keypoints to frames: batches on the device, one frame at a time to the caller."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from talking_head.engines.face.sadtalker.fast.cpu_tuning import without_denormals
from talking_head.engines.face.sadtalker.fast.cuda_graph import GraphedGenerator, to_levels
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator, SourceFeatures
from talking_head.engines.torch_device import is_out_of_memory
from talking_head.errors import ResourceError
from talking_head.media_io.arrays import Frame

# One frame keeps all cores of a CPU busy and shows progress sooner; a GPU needs more frames to be fully used.
CPU_BATCH, GPU_BATCH = 1, 8


class FrameDrawer:
    """Drawing with one generator. Memory does not grow with the number of frames."""

    def __init__(self, generator: FastGenerator) -> None:
        self._generator = generator
        self._on_gpu = generator.device.type == "cuda"
        self._graph: GraphedGenerator | None = None

    def draw(self, source: SourceFeatures, keypoints: Tensor) -> Iterator[Frame]:
        """Yield t squares (s, s, 3) for ``keypoints`` (t, 15, 3).

        Raises:
            ResourceError: ``out_of_memory``.
        """
        for batch in keypoints.split(GPU_BATCH if self._on_gpu else CPU_BATCH):
            yield from self._levels(source, batch).numpy()

    @torch.inference_mode()
    def _levels(self, source: SourceFeatures, batch: Tensor) -> Tensor:
        """Return levels (n, s, s, 3) on the CPU for ``batch`` (n, 15, 3)."""
        try:
            if self._on_gpu:
                return self._on_graph(source, batch)
            with without_denormals():
                return to_levels(self._generator.draw(source, batch).picture)
        except RuntimeError as error:
            if is_out_of_memory(error):
                self._graph = None
                raise ResourceError(
                    "The face networks do not fit into memory.",
                    code="out_of_memory",
                    hint="Choose a faster profile, or the puppet engine.",
                ) from error
            raise

    def _on_graph(self, source: SourceFeatures, batch: Tensor) -> Tensor:
        missing = GPU_BATCH - len(batch)
        padded = torch.cat([batch, batch[-1:].expand(missing, -1, -1)]).to(self._generator.device)
        if self._graph is None or not self._graph.fits(source, GPU_BATCH):
            self._graph = GraphedGenerator(self._generator, source, GPU_BATCH)
        return self._graph.draw(source, padded)[: len(batch)].cpu()
