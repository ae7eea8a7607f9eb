"""Head motion or blinks taken from a video of a person.

Every frame is processed like a portrait: cropped by the face box of the first frame, aligned, reconstructed; only the
coefficients are kept. Unlike the original, which takes frames as they come, the video is read at the clip's own frame
rate: a video of 50 frames a second must not move the head at half the speed.
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

LONGEST_SECONDS = 60.0  # later frames are not read: the motion is repeated anyway
FEWEST_FRAMES = 13  # half a second; a shorter motion repeated would look like a tremor
LEAST_SHARE_WITH_FACE = 0.5
CROP_PX = 256
FRAMES_PER_BATCH = 8


@dataclass(frozen=True, slots=True)
class ReferenceMotion:
    """Coefficients (t, 70) of videos, 25 a second, repeated for a longer clip. None means the engine's own motion."""

    pose: NDArray[np.float32] | None = None  # its head motion is added
    blink: NDArray[np.float32] | None = None  # its expression sets the lids

    def blink_expression(self, frames: int) -> NDArray[np.float32] | None:
        """Return the expression that sets the lids, (frames, 64), or None."""
        if self.blink is None:
            return None
        return self.blink[np.arange(frames) % len(self.blink), coefficients.EXPRESSION]


def read_reference(path: Path, finder: LandmarkFinder, reconstruction: FaceReconstruction) -> NDArray[np.float32]:
    """Return the coefficients of the face in a video; (t, 70).

    Raises:
        InvalidInput: ``no_face_in_video``, ``video_too_short``, and the errors of :func:`driving_frames`.
    """
    all_squares = _face_squares(driving_frames(path, max_seconds=LONGEST_SECONDS), finder)
    squares = dropwhile(lambda aligned: aligned is None, all_squares)
    rows: list[NDArray[np.float32]] = []
    face_count = frames = 0
    while batch := list(islice(squares, FRAMES_PER_BATCH)):
        faces = [aligned for aligned in batch if aligned is not None]
        face_count, frames = face_count + len(faces), frames + len(batch)
        values = iter(_coefficients(faces, reconstruction))
        for aligned in batch:  # while the face is lost, the last coefficients are held
            rows.append(rows[-1] if aligned is None else next(values))
    if frames < FEWEST_FRAMES:
        raise InvalidInput(
            "The video is too short to take motion from.",
            code="video_too_short",
            hint="Use a video of at least half a second; one shorter than a sentence is repeated.",
        )
    if face_count < LEAST_SHARE_WITH_FACE * frames:
        raise _no_face("The face is visible in less than half of the video.")
    return np.stack(rows)


def _face_squares(frames: Iterable[Frame], finder: LandmarkFinder) -> Iterator[Alignment | None]:
    """Yield every frame cropped by the first frame's face box and aligned; None where no face is found."""
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
    """Return the coefficients (n, 70) of n aligned faces."""
    if not aligned:
        return np.empty((0, int(coefficients.CoefficientLayout.DRIVEN)), np.float32)
    pictures = torch.cat([to_tensor(face.picture) for face in aligned])  # (n, 3, 224, 224)
    parameters = np.stack([face.parameters for face in aligned])  # (n, 5)
    packed = coefficients.pack(reconstruction(pictures).numpy(), parameters)
    driven: NDArray[np.float32] = coefficients.adapt(packed, coefficients.CoefficientLayout.DRIVEN)
    return driven


def _no_face(message: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="no_face_in_video",
        hint="Use a video of one person who looks towards the camera from the first frame.",
    )
