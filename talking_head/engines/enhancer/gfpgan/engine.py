"""GFPGAN as an enhancer. This module does not import torch; creating the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

from talking_head.engines.base import EngineSettings
from talking_head.engines.enhancer.gfpgan.face_alignment import FaceTracker, cut_out, face_mask, paste
from talking_head.errors import EngineError
from talking_head.media_io.arrays import Frame

if TYPE_CHECKING:
    from talking_head.engines.enhancer.gfpgan.network import RestorationNetwork

CODE_VERSION = "1"
FILE_NAME = "GFPGANv1.4.pth"


class GfpganEnhancer:
    """An :class:`~talking_head.engines.base.Enhancer` that restores the largest face of every frame.

    ``version`` contains a digest of the weights: other weights give other clips.
    """

    name = "gfpgan"

    def __init__(self, settings: EngineSettings, *, network: RestorationNetwork | None = None) -> None:
        """Load the weights; ``network`` is an empty network of another size than the official one, for tests.

        Raises:
            EngineError: ``engine_unavailable`` without torch, ``checkpoint_missing``, ``checkpoint_corrupt``,
                ``checkpoint_foreign``.
        """
        if find_spec("torch") is None:
            raise EngineError(
                "The enhancer “gfpgan” is not installed (torch is missing).",
                hint="Install it with: pip install -r requirements/sadtalker.txt",
            )
        if not (
            settings.checkpoints_dir / FILE_NAME
        ).is_file():  # before torch is imported, which takes seconds and memory
            raise EngineError(
                f"The GFPGAN weights “{FILE_NAME}” are missing.",
                code="checkpoint_missing",
                hint="Download them with: python manage.py download_checkpoints --only gfpgan",
            )
        import torch

        from talking_head.engines.enhancer.gfpgan.restoration import FaceRestorer

        torch.set_num_threads(max(1, settings.threads))
        self._restorer = FaceRestorer(settings.checkpoints_dir / FILE_NAME, network)
        self.version = f"{CODE_VERSION}-{self._restorer.weights_digest[:8]}"
        self._mask = face_mask()

    @cached_property
    def seconds_per_frame(self) -> float:
        """Return the estimated wall time of a frame on this machine, in seconds; check it before use on a CPU."""
        return self._restorer.seconds_per_face()

    def enhance(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield as many frames as come in, of their size; they are restored in batches, so memory use is constant.

        A frame without a face passes through unchanged.

        Raises:
            ResourceError: ``out_of_memory``.
        """
        tracker = FaceTracker()
        copies = (frame.copy() for frame in frames)  # the producer may reuse the memory
        while batch := list(islice(copies, self._restorer.batch)):
            affines = [tracker.face_to_frame(frame) for frame in batch]
            with_face = [(frame, affine) for frame, affine in zip(batch, affines, strict=True) if affine is not None]
            restored = self._restorer.restore([cut_out(frame, affine) for frame, affine in with_face])
            for (frame, affine), face in zip(with_face, restored, strict=True):
                paste(frame, face, affine, self._mask)
            yield from batch
