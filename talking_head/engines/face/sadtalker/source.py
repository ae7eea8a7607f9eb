"""The prepared portrait that all of its clips share: crop, coefficients, keypoints, features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from talking_head.engines.base import Framing
from talking_head.engines.face.framing import SQUARE_MODES, PixelBox, cut_and_scale, output_size
from talking_head.engines.face.sadtalker import coefficients, semantics
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.face import alignment
from talking_head.engines.face.sadtalker.face.face_crop import FaceCrop, cut, face_crop, square_inside
from talking_head.engines.face.sadtalker.face.landmarks import LandmarkFinder
from talking_head.engines.face.sadtalker.face.paste_back import PasteBack
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator, SourceFeatures
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion, head_motion, transform_keypoints
from talking_head.engines.face.sadtalker.networks.load import Networks
from talking_head.engines.face.sadtalker.networks.mapping import MappingNet
from talking_head.errors import PortraitError
from talking_head.media_io.arrays import Frame

FULL_MODES = frozenset({"full", "extfull"})
Finisher = Callable[[Frame], Frame]  # the drawn square -> the video's frame


@dataclass(frozen=True, slots=True)
class SadTalkerSource:
    """A prepared portrait."""

    width_px: int
    height_px: int
    side_px: int  # of the square that the networks draw
    layout: CoefficientLayout
    coefficients: NDArray[np.float32]  # (73,)
    canonical: Tensor  # (15, 3), on the CPU
    rest: HeadMotion  # one frame: the head's pose in the portrait
    features: SourceFeatures
    finish: Finisher


def layout_for(framing: Framing) -> CoefficientLayout:
    """Return the mapping net's layout: the full modes read the crop's position as well."""
    return CoefficientLayout.WITH_CROP if framing.preprocess in FULL_MODES else CoefficientLayout.DRIVEN


def to_tensor(picture: Frame) -> Tensor:
    """Convert (h, w, 3) levels to (1, 3, h, w) in 0..1."""
    scaled = picture.astype(np.float32) * np.float32(1 / 255)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))[None]


@torch.inference_mode()
def build_source(
    rgb: Frame,
    framing: Framing,
    side_px: int,
    *,
    finder: LandmarkFinder,
    networks: Networks,
    mapping: MappingNet,
    generator: FastGenerator,
) -> SadTalkerSource:
    """Return the portrait ``rgb`` (height, width, 3), prepared.

    Raises:
        PortraitError: ``no_face``.
    """
    landmarks = finder.find(rgb)
    if landmarks is None:
        raise PortraitError(
            "No face was found in the picture.",
            code="no_face",
            hint="Use a picture of one person looking towards the camera, with the face well lit and not covered.",
        )
    picture_size = (rgb.shape[1], rgb.shape[0])
    crop = face_crop(picture_size, landmarks)
    box = animated_box(crop, framing)
    square = cut(rgb, crop.working_size, box, side_px)  # (s, s, 3)
    size = output_size(*picture_size, framing)

    layout = layout_for(framing)
    packed = _coefficients(square, finder, networks)
    rest = head_motion(mapping(torch.from_numpy(semantics.source_window(packed, layout))))
    picture = to_tensor(square)
    canonical = networks.keypoints(picture)[0]
    return SadTalkerSource(
        width_px=size[0],
        height_px=size[1],
        side_px=side_px,
        layout=layout,
        coefficients=packed,
        canonical=canonical,
        rest=rest,
        features=generator.prepare(picture, transform_keypoints(canonical, rest)),
        finish=finisher(rgb, crop.working_size, box, framing),
    )


def animated_box(crop: FaceCrop, framing: Framing) -> PixelBox:
    """Return the part of the picture that the networks see, in pixels of the working picture.

    The original squeezes the rectangle that it finds into a square and stretches the result back, so its videos have a
    different size for every face. All clips of a portrait must have the same size, so the square modes take a square.
    """
    box = crop.box(framing.preprocess)
    return square_inside(box, crop.working_size) if framing.preprocess in SQUARE_MODES else box


def _coefficients(square: Frame, finder: LandmarkFinder, networks: Networks) -> NDArray[np.float32]:
    """Return the coefficients (73,) of the face in ``square``."""
    landmarks = finder.find(square)
    if landmarks is None:
        points = alignment.five_points_without_face(len(square))
    else:
        points = alignment.five_points_in_crop(landmarks, len(square))
    aligned = alignment.align(square, points)
    reconstructed = networks.reconstruction(to_tensor(aligned.picture))[0].numpy()  # (257,)
    return coefficients.pack(reconstructed, aligned.parameters)


def finisher(rgb: Frame, working_size: tuple[int, int], box: PixelBox, framing: Framing) -> Finisher:
    """Return the last step for a drawn square: pasted back into the picture for the full modes, otherwise resized."""
    picture_size = (rgb.shape[1], rgb.shape[0])
    size = output_size(*picture_size, framing)
    if framing.preprocess in FULL_MODES:
        canvas = cut_and_scale(rgb, PixelBox(0, 0, *picture_size), size)
        return PasteBack(canvas, _scaled(box, size[0] / working_size[0], size[1] / working_size[1], size))

    def resized(square: Frame) -> Frame:
        if size == (square.shape[1], square.shape[0]):
            return square
        return cv2.resize(square, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]

    return resized


def _scaled(box: PixelBox, factor_x: float, factor_y: float, size: tuple[int, int]) -> PixelBox:
    left, right = round(box.left * factor_x), min(size[0], round(box.right * factor_x))
    top, bottom = round(box.top * factor_y), min(size[1], round(box.bottom * factor_y))
    return PixelBox(left, top, max(left + 1, right), max(top + 1, bottom))
