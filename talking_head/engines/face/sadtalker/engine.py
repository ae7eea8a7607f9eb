"""SadTalker as a face engine. This module does not import torch; creating the engine does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.face.sadtalker.networks.sizes import OFFICIAL, NetworkSizes
from talking_head.errors import EngineError, PortraitError
from talking_head.media_io.arrays import Frame

if TYPE_CHECKING:
    from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
    from talking_head.engines.face.sadtalker.motion import MotionOptions, SadTalkerMotion
    from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
    from talking_head.engines.face.sadtalker.reference_motion import ReferenceMotion
    from talking_head.engines.face.sadtalker.resolution import Resolution
    from talking_head.engines.face.sadtalker.source import SadTalkerSource

CODE_VERSION = "1"


class SadTalkerFace:
    """A :class:`~talking_head.engines.base.FaceEngine` that draws every frame with SadTalker's networks.

    ``version`` contains a digest of the weights and of the options: other weights, other clips. Networks are loaded
    with the first portrait of their size and stay loaded.
    """

    name = "sadtalker"

    def __init__(
        self, settings: EngineSettings, *, sizes: NetworkSizes = OFFICIAL, options: MotionOptions | None = None
    ) -> None:
        """Check the weight files and read the videos of ``options``.

        Raises:
            EngineError: ``engine_unavailable`` without torch or safetensors, ``checkpoint_missing``,
                ``checkpoint_corrupt``.
            InvalidInput: a video in ``options`` is unusable, see :mod:`.reference_motion`.
        """
        self.check_packages()
        import torch

        from talking_head.engines.face.sadtalker import checkpoints
        from talking_head.engines.face.sadtalker.face.exact_landmarks import landmark_finder
        from talking_head.engines.face.sadtalker.fast import cpu_tuning
        from talking_head.engines.face.sadtalker.motion import MotionOptions

        self._folder: Path = settings.checkpoints_dir
        self.version = f"{CODE_VERSION}-{checkpoints.check_folder(self._folder)}"
        torch.set_num_threads(max(1, settings.threads))
        cpu_tuning.keep_freed_memory()
        self._sizes = sizes
        self._options = options or MotionOptions()
        self._finder = landmark_finder(self._folder)
        self.version += f"-{self._finder.name}"
        self._resolutions: dict[int, Resolution] = {}
        self._mappings: dict[CoefficientLayout, MappingNet] = {}
        self._loading = threading.Lock()
        self._reference = self._read_references()
        if self._options != MotionOptions():
            self.version += f"-{self._options.digest(self._reference)}"

    @staticmethod
    def check_packages() -> None:
        """Check that torch and safetensors are installed.

        Raises:
            EngineError: ``engine_unavailable`` without torch or safetensors.
        """
        for package in ("torch", "safetensors"):
            if find_spec(package) is None:
                raise EngineError(
                    f"The face engine “sadtalker” is not installed ({package} is missing).",
                    hint="Install it with: pip install -r requirements/sadtalker.txt, or choose another face engine.",
                )

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> SadTalkerSource:
        """Return the portrait's face crop, coefficients, keypoints and features.

        Raises:
            PortraitError: ``no_face``. EngineError: see :mod:`.checkpoints`.
        """
        from talking_head.engines.face.sadtalker.source import build_source, layout_for

        if portrait is None:
            raise PortraitError(
                "There is no portrait to animate.", code="no_face", hint="Choose a picture that shows a face."
            )
        side_px = 256 if framing.size_px <= 256 else 512
        resolution = self._resolution(side_px)
        return build_source(
            portrait.rgb,
            framing,
            side_px,
            finder=self._finder,
            networks=resolution.networks,
            mapping=self._mapping(layout_for(framing)),
            generator=resolution.generator,
        )

    def motion(
        self, source: SadTalkerSource, take: Take, *, text: str, seed: int, expression_scale: float
    ) -> SadTalkerMotion:
        """Return keypoints of every frame, from the audio alone; deterministic. ``text`` is ignored."""
        from talking_head.engines.face.sadtalker.motion import build_motion

        return build_motion(
            source,
            take,
            seed=seed,
            expression_scale=expression_scale,
            options=self._options,
            reference=self._reference,
            networks=self._resolution(source.side_px).networks,
            mapping=self._mapping(source.layout),
        )

    def frames(self, source: SadTalkerSource, motion: SadTalkerMotion) -> Iterator[Frame]:
        """Yield one frame per row of the motion's keypoints.

        Raises:
            ResourceError: ``out_of_memory``.
        """
        drawer = self._resolution(source.side_px).drawer
        for square in drawer.draw(source.features, motion.keypoints):
            yield source.finish(square)

    def _read_references(self) -> ReferenceMotion:
        """Return the motion of the options' videos; read early, so that an unusable video is reported at once."""
        from talking_head.engines.face.sadtalker.checkpoints import FACE_FILES
        from talking_head.engines.face.sadtalker.reference_motion import ReferenceMotion, read_reference

        paths = (self._options.pose_video, self._options.blink_video)
        if paths == (None, None):
            return ReferenceMotion()
        side_px = next(side_px for side_px, file in FACE_FILES.items() if (self._folder / file.name).is_file())
        reconstruction = self._resolution(side_px).networks.reconstruction
        motions = {path: read_reference(path, self._finder, reconstruction) for path in set(paths) if path}
        pose, blink = (motions[path] if path else None for path in paths)
        return ReferenceMotion(pose, blink)

    def _resolution(self, side_px: int) -> Resolution:
        from talking_head.engines.face.sadtalker.resolution import load_resolution

        with self._loading:
            if side_px not in self._resolutions:
                self._resolutions[side_px] = load_resolution(self._folder, side_px, self._sizes)
            return self._resolutions[side_px]

    def _mapping(self, layout: CoefficientLayout) -> MappingNet:
        from talking_head.engines.face.sadtalker.checkpoints import MAPPING_FILES
        from talking_head.engines.face.sadtalker.networks.load import load_mapping_net

        with self._loading:
            if layout not in self._mappings:
                path = self._folder / MAPPING_FILES[layout].name
                self._mappings[layout] = load_mapping_net(path, layout, self._sizes)
            return self._mappings[layout]
