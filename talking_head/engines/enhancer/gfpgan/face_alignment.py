"""Alignment of a face to an upright 512 px crop, as in the network's training data, and back into the frame.

The target positions are those of FFHQ's alignment (Karras et al. 2019, arXiv:1812.04948) as face restorers use it. The
original detects five points with RetinaFace in every frame; here they are taken from the packaged face mesh, which
tracks the face from frame to frame, and smoothed over time so that the restored texture does not jitter.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.face_search import largest_face
from talking_head.engines.face.mesh import FaceBox, Landmarks, face_mesh
from talking_head.media_io.arrays import Frame

FACE_PX = 512
# Eye centres, tip of the nose, corners of the mouth, from left to right in the picture; in the 512 px face.
TARGET_POINTS = np.array([[193.0, 239.9], [318.9, 240.2], [256.6, 314.0], [201.3, 371.4], [313.1, 371.2]])
_EYES = ((33, 133, 159, 145), (263, 362, 386, 374))  # of the mesh: corners and lids of each eye
_NOSE_TIP, _MOUTH_CORNERS = 1, (61, 291)
_LEFT, _RIGHT, _TOP, _CHIN = 234, 454, 10, 152
LEAST_TRACKING_SCORE = 0.5
FOLLOWING = 0.5  # share of the newest frame in the smoothed points
FEATHER = 0.12  # width of the soft edge, as a share of the face's side

Points = NDArray[np.float64]  # (5, 2) pixels
Affine = NDArray[np.float64]  # (2, 3)
Mask = NDArray[np.float32]  # (512, 512) 0..1


class FaceTracker:
    """Tracks the largest face through consecutive frames."""

    def __init__(self) -> None:
        self._mesh: Landmarks | None = None
        self._points: Points | None = None

    def face_to_frame(self, frame: Frame) -> Affine | None:
        """Return the affine (2, 3) from pixels of the upright face to ``frame``; None until a face is detected.

        For a frame in which the face is lost, the position in the previous frame is used.
        """
        self._mesh = self._track(frame) or largest_face(frame, in_tiles=False)
        if self._mesh is not None:
            points = five_points(self._mesh)
            self._points = points if self._points is None else self._points + FOLLOWING * (points - self._points)
        return None if self._points is None else similarity(TARGET_POINTS, self._points)

    def _track(self, frame: Frame) -> Landmarks | None:
        """Return the mesh near its last position: much cheaper than searching the whole frame."""
        if self._mesh is None:
            return None
        mesh = face_mesh(frame, _box_around(self._mesh))
        return mesh if mesh.score >= LEAST_TRACKING_SCORE else None


def five_points(mesh: Landmarks) -> Points:
    """Return the points of a mesh, (5, 2), in the order of :data:`TARGET_POINTS`."""
    flat = mesh.points[:, :2].astype(np.float64)
    eyes = [flat[list(eye)].mean(0) for eye in _EYES]
    return np.array([*eyes, flat[_NOSE_TIP], *flat[list(_MOUTH_CORNERS)]])


def similarity(from_points: Points, to_points: Points) -> Affine:
    """Return the rotation, scale and shift (2, 3) that best maps one set of points to the other, by least squares."""
    a, b = from_points - from_points.mean(0), to_points - to_points.mean(0)
    energy = float((a * a).sum())
    cos = float((a * b).sum()) / energy  # times the scale
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / energy
    rotation = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([rotation, to_points.mean(0) - rotation @ from_points.mean(0)])


def cut_out(frame: Frame, face_to_frame: Affine) -> Frame:
    """Return the upright face, (512, 512, 3)."""
    shrinks = np.hypot(face_to_frame[0, 0], face_to_frame[1, 0]) > 1
    return cv2.warpAffine(  # type: ignore[return-value]
        frame,
        face_to_frame,
        (FACE_PX, FACE_PX),
        flags=(cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def face_mask() -> Mask:
    """Return (512, 512), 1 over the face and falling smoothly to 0 towards the border of the upright square."""
    inside = np.arange(FACE_PX) + 0.5
    share = np.clip(np.minimum(inside, inside[::-1]) / (FEATHER * FACE_PX), 0, 1)
    ramp = share * share * (3 - 2 * share)
    return (ramp[:, None] * ramp).astype(np.float32)


def paste(frame: Frame, face: Frame, face_to_frame: Affine, mask: Mask) -> None:
    """Blend the upright ``face`` (512, 512, 3) into ``frame`` in place; only the rectangle it covers is changed."""
    height, width = frame.shape[:2]
    face, mask, face_to_frame = _shrunk_to_frame(face, mask, face_to_frame)
    side = len(face)
    corners = np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]]) @ face_to_frame.T
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, [width, height])
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int), 0, [width, height])
    if left >= right or top >= bottom:
        return
    shifted = face_to_frame - [[0, 0, left], [0, 0, top]]
    size = (int(right - left), int(bottom - top))
    weight = cv2.warpAffine(mask, shifted, size, flags=cv2.INTER_LINEAR)[..., None]
    covering = cv2.warpAffine(face, shifted, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    region = frame[top:bottom, left:right]
    region[:] = np.rint(region + (covering.astype(np.float32) - region) * weight)


def _shrunk_to_frame(face: Frame, mask: Mask, face_to_frame: Affine) -> tuple[Frame, Mask, Affine]:
    """Shrink a face that is larger than in the frame, averaging pixels: the warp alone would skip some."""
    side = max(1, round(FACE_PX * float(np.hypot(face_to_frame[0, 0], face_to_frame[1, 0]))))
    if side >= FACE_PX:
        return face, mask, face_to_frame
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return (
        small,  # type: ignore[return-value]
        cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA),
        face_to_frame * [[FACE_PX / side, FACE_PX / side, 1.0]],
    )


def _box_around(mesh: Landmarks) -> FaceBox:
    """Return a detection like BlazeFace's, computed from the mesh of the previous frame."""
    flat = mesh.points[:, :2]
    eyes = [flat[list(eye)].mean(0) for eye in _EYES]
    width = float(np.hypot(*(flat[_RIGHT] - flat[_LEFT])))
    height = float(np.hypot(*(flat[_CHIN] - flat[_TOP])))
    centre = (flat.min(0) + flat.max(0)) / 2
    return FaceBox(
        center_x=float(centre[0]),
        center_y=float(centre[1]),
        width=width,
        height=height,
        right_eye=(float(eyes[0][0]), float(eyes[0][1])),
        left_eye=(float(eyes[1][0]), float(eyes[1][1])),
        score=mesh.score,
    )
