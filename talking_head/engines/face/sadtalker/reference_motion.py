"""Head motion or blinks taken over from a video of somebody.

Every frame goes the way of a portrait: cut by the face box of the first frame, aligned, reconstructed; what is kept are
the coefficients. Unlike the original, which takes frames as they come, the video is read at the clip's own frame rate:
a film of 50 frames a second must not move people at half the speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from talking_head.engines.face.sadtalker import coefficients
from talking_head.engines.face.sadtalker.face import alignment
from talking_head.engines.face.sadtalker.face.alignment import Alignment
from talking_head.engines.face.sadtalker.face.face_crop import cut, face_crop
from talking_head.engines.face.sadtalker.face.landmarks import LandmarkFinder
from talking_head.engines.face.sadtalker.networks.face_reconstruction import FaceReconstruction
from talking_head.engines.face.sadtalker.source import to_tensor
from talking_head.errors import InvalidInput
from talking_head.media_io.arrays import Frame
from talking_head.media_io.driving_video import driving_frames

LONGEST_SECONDS = 60.0  # what comes later is not looked at: the motion is repeated anyway
FEWEST_FRAMES = 13  # half a second; a shorter one repeated would be a tremor
LEAST_SHARE_WITH_FACE = 0.5
CROP_PX = 256
FRAMES_PER_BATCH = 8


@dataclass(frozen=True, slots=True)
class ReferenceMotion:
    """Coefficients (t, 70) of videos, 25 a second, repeated when a clip is longer. None: the engine's own motion."""

    pose: NDArray[np.float32] | None = None  # whose head motion is added
    blink: NDArray[np.float32] | None = None  # whose expression decides on the lids

    def blink_expression(self, frames: int) -> NDArray[np.float32] | None:
        """The expression the lids are taken from, (frames, 64)."""
        if self.blink is None:
            return None
        return self.blink[np.arange(frames) % len(self.blink), coefficients.EXPRESSION]


def read_reference(path: Path, finder: LandmarkFinder, reconstruction: FaceReconstruction) -> NDArray[np.float32]:
    """Coefficients of the face in a video; (t, 70).

    Raises:
        InvalidInput: ``no_face_in_video``, ``video_too_short``, and what :func:`driving_frames` says.
    """
    in_time = _face_squares(driving_frames(path, max_seconds=LONGEST_SECONDS), finder)
    squares = dropwhile(lambda aligned: aligned is None, in_time)
    rows: list[NDArray[np.float32]] = []
    seen = frames = 0
    while batch := list(islice(squares, FRAMES_PER_BATCH)):
        found = [aligned for aligned in batch if aligned is not None]
        seen, frames = seen + len(found), frames + len(batch)
        values = iter(_coefficients(found, reconstruction))
        for aligned in batch:  # where the face is lost for a moment it keeps still
            rows.append(rows[-1] if aligned is None else next(values))
    if frames < FEWEST_FRAMES:
        raise InvalidInput(
            "The video is too short to take motion from.",
            code="video_too_short",
            hint="Use one of at least half a second; what is shorter than a sentence is repeated.",
        )
    if seen < LEAST_SHARE_WITH_FACE * frames:
        raise _no_face("The face can be seen in less than half of the video.")
    return np.stack(rows)


def _face_squares(frames: Iterable[Frame], finder: LandmarkFinder) -> Iterator[Alignment | None]:
    """Every frame cut by the first one's face box and aligned; None where no face is found."""
    crop = None
    for rgb in frames:
        if crop is None:
            landmarks = finder.find(rgb)
            if landmarks is None:
                raise _no_face("No face was found at the beginning of the video.")
            crop = face_crop((rgb.shape[1], rgb.shape[0]), landmarks)
        square = cut(rgb, crop.working_size, crop.box("crop"), CROP_PX)
        inside = finder.find(square)
        yield None if inside is None else alignment.align(square, alignment.five_points_in_crop(inside, CROP_PX))


@torch.inference_mode()
def _coefficients(aligned: list[Alignment], reconstruction: FaceReconstruction) -> NDArray[np.float32]:
    """-> (n, 70)."""
    if not aligned:
        return np.empty((0, int(coefficients.CoefficientLayout.DRIVEN)), np.float32)
    pictures = torch.cat([to_tensor(one.picture) for one in aligned])  # (n, 3, 224, 224)
    parameters = np.stack([one.parameters for one in aligned])  # (n, 5)
    packed = coefficients.pack(reconstruction(pictures).numpy(), parameters)
    driven: NDArray[np.float32] = coefficients.adapt(packed, coefficients.CoefficientLayout.DRIVEN)
    return driven


def _no_face(message: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="no_face_in_video",
        hint="Use a video of one person who looks towards the camera from the first frame on.",
    )
