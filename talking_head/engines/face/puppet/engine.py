"""The puppet engine: a talking portrait from one photo, on a plain CPU, without any download."""

from __future__ import annotations

from collections.abc import Iterator

import cv2

from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.face.eye_contours import EyeContours
from talking_head.engines.face.face_search import largest_face
from talking_head.engines.face.mesh import FaceDetector, FaceMesh
from talking_head.engines.face.puppet.framing import frame_portrait
from talking_head.engines.face.puppet.motion import PuppetMotion, build_motion
from talking_head.engines.face.puppet.renderer import PuppetRenderer
from talking_head.engines.face.puppet.source import PuppetSource, build_source
from talking_head.errors import PortraitError
from talking_head.media_io.arrays import Frame


class PuppetFace:
    """A :class:`~talking_head.engines.base.FaceEngine` that warps the photo itself."""

    name = "puppet"
    version = "4"

    def __init__(self, settings: EngineSettings) -> None:
        cv2.setNumThreads(max(1, settings.threads))
        self._detector = FaceDetector()
        self._mesh = FaceMesh()
        self._eyes = EyeContours()

    def prepare(self, portrait: PortraitImage | None, framing: Framing) -> PuppetSource:
        """Find the largest face, frame it and return it with its solved fields.

        Raises:
            PortraitError: ``no_face`` when there is no portrait or no face in it.
        """
        if portrait is None:
            raise PortraitError(
                "There is no portrait to animate.", code="no_face", hint="Choose a picture that shows a face."
            )
        landmarks = largest_face(portrait.rgb, self._detector, self._mesh)
        if landmarks is None:
            raise PortraitError(
                "No face was found in the picture.",
                code="no_face",
                hint="Use a picture of one person looking towards the camera, with the face well lit and not covered.",
            )
        framed = frame_portrait(portrait.rgb, landmarks.points, framing)
        return build_source(framed, self._eyes.find(framed.rgb, framed.landmarks))

    def motion(
        self, source: PuppetSource, take: Take, *, text: str, seed: int, expression_scale: float
    ) -> PuppetMotion:
        """Return weights for every frame; deterministic. ``text`` is ignored: the phonemes with times say more."""
        return build_motion(source.face, take, seed=seed, expression_scale=expression_scale)

    def frames(self, source: PuppetSource, motion: PuppetMotion) -> Iterator[Frame]:
        """Yield frames (height_px, width_px, 3); each frame's memory is reused for the next one."""
        renderer = PuppetRenderer(source)
        for weights in motion.weights:
            yield renderer.draw(weights)
