"""Turning a portrait so that the head in it is upright, because every face engine expects it so.

A head tilted by 45 degrees is often not found at all: the detectors were trained on heads that are nearly upright. So
where no face is found the picture is searched once more, turned to either side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.face_search import ConfirmedFace, confirmed_faces, faces_by_network
from talking_head.engines.face.mesh import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, square_crop_matrix, warp_square
from talking_head.media_io.arrays import Frame

TILTED_DEGREES, LYING_DEGREES = 25.0, 60.0  # from one to the other a head is turned upright
SEARCHED_DEGREES = (45.0, -45.0)
SEARCHED_PX = 1_024  # the turned pictures that are searched
LEAST_ROOM = 1.3  # around the centre of the face, in sizes of its box: the whole head
LONGEST_SHAPE = 1.5  # the longer side of what is cut out, in shorter ones

Vector = NDArray[np.float64]  # (2,)


@dataclass(frozen=True, slots=True)
class _Head:
    center: Vector  # of the face, in pixels of the picture
    size_px: float
    roll_degrees: float
    score: float  # how sure the detector is


def turned_upright(rgb: Frame) -> tuple[Frame, float]:
    """Return the picture (height, width, 3) with its head upright, and the degrees by which it was turned.

    A picture whose head is upright already, lies, or is not found, is returned as it is, with 0.0.

    Raises:
        EngineError: ``engine_unavailable`` when the face models are not installed.
    """
    head = _head_in(rgb) or _head_in_turned_copies(rgb)
    if head is None or not TILTED_DEGREES < abs(head.roll_degrees) <= LYING_DEGREES:
        return rgb, 0.0
    upright = _cut_out(rgb, head)
    seen = _head_in(upright)
    if seen is None or abs(seen.roll_degrees) > TILTED_DEGREES:  # the mesh was sure of a wrong angle, which happens
        return rgb, 0.0
    return upright, head.roll_degrees


def _head_in(rgb: Frame, *, in_tiles: bool = True) -> _Head | None:
    """Return the head of which a detector is surest, because those that are less sure are wrong about the angle."""
    faces = [found[0] for found in faces_by_network(rgb) if found] or confirmed_faces(rgb, in_tiles=in_tiles)[:1]
    return _described(max(faces, key=lambda face: face.box.score)) if faces else None


def _head_in_turned_copies(rgb: Frame) -> _Head | None:
    height, width = rgb.shape[:2]
    side = float(np.hypot(width, height))
    scale = side / SEARCHED_PX
    found = []
    for degrees in SEARCHED_DEGREES:
        to_picture = square_crop_matrix((width / 2, height / 2), side, np.radians(degrees), SEARCHED_PX)
        head = _head_in(warp_square(rgb, to_picture, SEARCHED_PX), in_tiles=False)
        if head is not None:
            place = to_picture[:, :2] @ head.center + to_picture[:, 2]
            found.append(_Head(place, head.size_px * scale, head.roll_degrees + degrees, head.score))
    return max(found, key=lambda head: head.score, default=None)


def _described(face: ConfirmedFace) -> _Head:
    eyes = face.landmarks.points[LEFT_EYE_OUTER] - face.landmarks.points[RIGHT_EYE_OUTER]
    roll = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    box = face.box
    return _Head(np.array([box.center_x, box.center_y]), max(box.width, box.height), roll, box.score)


def _cut_out(rgb: Frame, head: _Head) -> Frame:
    """Return an upright rectangle around the face that lies inside the picture as far as the head allows it."""
    room = _room(rgb, head)
    left, top, right, bottom = room
    width, height = max(2, round(left + right)), max(2, round(top + bottom))
    turn = _rotation(head.roll_degrees)
    to_picture = np.column_stack([turn, head.center - turn @ [left, top]])
    return cv2.warpAffine(  # type: ignore[return-value]
        rgb,
        to_picture,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _room(rgb: Frame, head: _Head) -> list[float]:
    """Return how far the rectangle reaches from the face's centre: left, top, right, bottom."""
    height, width = rgb.shape[:2]
    x, y = head.center
    # The picture's edges as seen from the face: directions in the turned picture, and distances.
    outward = np.array([[-1, 0], [0, -1], [1, 0], [0, 1]]) @ _rotation(head.roll_degrees)  # (4, 2)
    distances = np.array([x, y, width - x, height - y])
    square = float((distances / np.abs(outward).sum(1)).min())
    room = [max(square, LEAST_ROOM * head.size_px)] * 4
    for side in (3, 0, 2, 1):  # more of the body first
        across = room[0] + room[2] if side in (1, 3) else room[1] + room[3]
        opposite = room[(side + 2) % 4]
        room[side] = max(room[side], min(_reach(room, side, outward, distances), LONGEST_SHAPE * across - opposite))
    return room


def _reach(room: list[float], side: int, outward: NDArray[np.float64], distances: NDArray[np.float64]) -> float:
    """Return how far this side of the rectangle can be moved out until a corner touches an edge of the picture."""
    axis, sign = side % 2, 1 if side > 1 else -1
    reach = np.inf
    for direction, distance in zip(outward, distances, strict=True):
        step = sign * direction[axis]
        if step > 1e-9:
            other = direction[1 - axis]
            corner = room[3 - axis] * other if other > 0 else -room[1 - axis] * other
            reach = min(reach, (distance - corner) / step)
    return float(reach)


def _rotation(degrees: float) -> NDArray[np.float64]:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])
