"""The prepared portrait, solved once for all frames: fields on grids, mouth layers, lids."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from talking_head.engines.face.eye_contours import EyeContour
from talking_head.engines.face.puppet.expressions import EXPRESSION_CHANNELS, ExpressionBasis
from talking_head.engines.face.puppet.fields import Grid, ScatteredField
from talking_head.engines.face.puppet.framing import FramedPortrait
from talking_head.engines.face.puppet.geometry import (
    CHIN,
    FACE_OVAL,
    INNER_LOWER_LIP,
    LEFT_BROW,
    LIPS,
    LOWER_LIP,
    MOUTH_CORNERS,
    RIGHT_BROW,
    UPPER_LIP,
    Array,
    FaceGeometry,
    FloatField,
    smoothstep,
)
from talking_head.engines.face.puppet.head_pose import POSE_CHANNELS, HeadPose
from talking_head.engines.face.puppet.lids import Eyelid
from talking_head.engines.face.puppet.lip_contours import fit_inner_lips
from talking_head.engines.face.puppet.mouth import MouthLayers, build_mouth
from talking_head.media_io.arrays import Frame

WARP_CHANNELS = EXPRESSION_CHANNELS + POSE_CHANNELS  # the channels that move pixels, in the order of the bases
POSE_START = len(EXPRESSION_CHANNELS)

_HEAD_CELLS, _MOUTH_CELLS = 64, 56
_HEAD_REACH = 1.15  # half a head box's width, in face heights
_FADE_FROM = 0.80  # of the distance from the head box's middle to its rim; nothing moves on the rim
_SMOOTHING_UNITS = 0.02
_SHARPENING, _SHARPENING_SIGMA_PX = 0.45, 0.8


@dataclass(frozen=True, slots=True)
class PuppetSource:
    """A portrait ready to be moved. Bases are (channels, rows * columns * 2), one row per :data:`WARP_CHANNELS`."""

    photo: Frame  # (height_px, width_px, 3), the rest frame
    moving_photo: Frame  # the same, sharpened where it moves by as much as the resampling blurs it
    width_px: int
    height_px: int
    face: FaceGeometry
    head: Grid
    head_basis: FloatField
    mouth: Grid
    upper_basis: FloatField  # in the mouth's box: the upper lip and all above
    lower_basis: FloatField  # in the mouth's box: the lower lip and all below
    mouth_layers: MouthLayers
    mouth_pose: Array  # (pose channels, 2) displacement of the middle of the mouth by the head's pose
    eyelids: tuple[Eyelid, Eyelid]


def build_source(portrait: FramedPortrait, eyes: tuple[EyeContour, EyeContour]) -> PuppetSource:
    """Return a framed portrait, whose lid edges are ``eyes``, with all fields solved."""
    face = FaceGeometry.of(fit_inner_lips(portrait.rgb, portrait.landmarks))
    height, width = portrait.rgb.shape[:2]
    pose = HeadPose(face)
    head, mouth = _head_box(face, (width, height)), _mouth_box(face, (width, height))
    upper, lower = _LipSide(face, pose, lower=False), _LipSide(face, pose, lower=True)
    fade = _fade_to_rim(head)
    head_basis = np.concatenate([upper.fields(head.samples), pose.fields(head.samples.reshape(-1, 2))])
    mouth_pose_fields = pose.fields(mouth.samples.reshape(-1, 2))
    head_basis *= fade.reshape(1, -1, 1)
    moving_photo = _sharpened_where_it_moves(portrait.rgb, head, head_basis)
    brows = (face.flat[list(RIGHT_BROW)], face.flat[list(LEFT_BROW)])
    return PuppetSource(
        photo=portrait.rgb,
        moving_photo=moving_photo,
        width_px=width,
        height_px=height,
        face=face,
        head=head,
        head_basis=_flat(head_basis),
        mouth=mouth,
        upper_basis=_flat(np.concatenate([upper.fields(mouth.samples), mouth_pose_fields])),
        lower_basis=_flat(np.concatenate([lower.fields(mouth.samples), mouth_pose_fields])),
        mouth_layers=build_mouth(moving_photo, face, mouth),
        mouth_pose=pose.fields(face.mouth_center[None, :2])[:, 0].astype(np.float64),
        eyelids=(
            Eyelid(moving_photo, face, eyes[0], brows[0]),
            Eyelid(moving_photo, face, eyes[1], brows[1]),
        ),
    )


def _sharpened_where_it_moves(photo: Frame, head: Grid, head_basis: FloatField) -> Frame:
    """Return ``photo`` sharpened by what bilinear sampling blurs on average; pixels that cannot move stay exact."""
    pose = head_basis[POSE_START:].reshape(len(POSE_CHANNELS), head.rows, head.columns, 2)
    motion_px = np.linalg.norm(pose, axis=-1).sum(0)  # (rows, columns) under one unit of every channel
    strength = head.upsample(np.clip(motion_px, 0, 1).astype(np.float32))[..., None] * np.float32(_SHARPENING)
    inside = photo[head.slices].astype(np.float32)
    detail = inside - cv2.GaussianBlur(inside, (0, 0), _SHARPENING_SIGMA_PX)
    sharpened = photo.copy()
    sharpened[head.slices] = np.clip(inside + detail * strength + 0.5, 0, 255).astype(np.uint8)
    return sharpened


def _flat(basis: FloatField) -> FloatField:
    return np.ascontiguousarray(basis.reshape(len(basis), -1), np.float32)


def _head_box(face: FaceGeometry, picture_size: tuple[int, int]) -> Grid:
    center = face.flat[list(FACE_OVAL)].mean(0)
    reach = _HEAD_REACH * face.oval_size_px()[1]
    return Grid.over(
        center - reach * np.array([1.0, 1.05]), center + reach * np.array([1.0, 1.15]), picture_size, _HEAD_CELLS
    )


def _mouth_box(face: FaceGeometry, picture_size: tuple[int, int]) -> Grid:
    lips = face.flat[list(LIPS)]
    room = face.unit_px * np.array([0.45, 0.45])
    below = face.unit_px * np.array([0.45, 0.75])
    return Grid.over(lips.min(0) - room, lips.max(0) + below, picture_size, _MOUTH_CELLS)


def _fade_to_rim(box: Grid) -> FloatField:
    """Return (rows, columns) 1 inside, 0 on the box's rim, so that the moved head meets the still picture."""
    center = np.array([box.left + box.width / 2, box.top + box.height / 2])
    outwards = np.abs(box.samples - center) / np.array([box.width / 2, box.height / 2])
    return (1 - smoothstep(_FADE_FROM, 1.0, outwards.max(-1))).astype(np.float32)


class _LipSide:
    """The expression field of one lip's layer.

    The other lip's points are left out, and points beyond the lip's own edge move with it, so that its texture follows
    rigidly until the layer's alpha ends it.
    """

    def __init__(self, face: FaceGeometry, pose: HeadPose, *, lower: bool) -> None:
        sideways, below = face.sideways(), face.below_mouth()
        lip_row = [index for index in INNER_LOWER_LIP if abs(sideways[index]) < 0.97]
        if lower:
            above_mouth = (below < -0.02) & (np.abs(sideways) < 1.9) & (below > -2.2)
            own = set(LOWER_LIP + MOUTH_CORNERS)
            kept = [i for i in range(len(below)) if i in own or (i not in UPPER_LIP and not above_mouth[i])]
            offsets = (-0.35, -0.75)
        else:
            kept = sorted(set(range(len(below))) - set(LOWER_LIP))
            lip_row = [_UPPER_OF_LOWER[index] for index in lip_row]
            offsets = (0.03, 0.13)
        edge = face.flat[[_LOWER_OF_UPPER.get(i, i) for i in lip_row]]
        beyond = np.vstack([edge + face.down_2d * offset * face.unit_px for offset in offsets])
        still = _still_points(face, pose)
        self._origin = face.flat.mean(0)
        field = ScatteredField(
            np.vstack([face.flat[kept], beyond, still]) - self._origin, _SMOOTHING_UNITS * face.unit_px
        )
        moves = ExpressionBasis(face).displacements  # (channels, 468, 2)
        rows = [np.concatenate([m[kept], m[lip_row], m[lip_row], np.zeros((len(still), 2))]) for m in moves]
        self._field, self._weights = field, field.solve(np.concatenate(rows, axis=1))

    def fields(self, samples: Array) -> FloatField:
        """Return displacements (expression channels, n, 2) at ``samples`` (..., 2)."""
        positions = samples.reshape(-1, 2) - self._origin
        values = self._field.evaluate(positions, self._weights)  # (n, channels * 2)
        return np.moveaxis(values.reshape(len(positions), -1, 2), 1, 0)


_UPPER_OF_LOWER = dict(
    zip(
        INNER_LOWER_LIP,
        (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
        strict=True,
    )
)
_LOWER_OF_UPPER = {upper: lower for lower, upper in _UPPER_OF_LOWER.items()}


def _still_points(face: FaceGeometry, pose: HeadPose) -> Array:
    """Return points on rings around the face where expressions end, open under the chin: jaws move throats."""
    rings = np.vstack([pose.ring(1.75), pose.ring(2.4)])
    from_chin = rings - face.flat[CHIN]
    width, height = face.oval_size_px()
    below = from_chin @ face.down_2d
    under_chin = (np.abs(from_chin @ face.right_2d) < 0.55 * width) & (below > 0) & (below < 0.45 * height)
    return rings[~under_chin]
