"""The faces in a portrait: the detectors propose, the mesh network confirms.

BlazeFace is quick to see a face in a helmet or a wall. The mesh network is not: it gives such a box a confidence near 0
and a face one near 1. A box that it rejects therefore neither hides the face that another network finds, nor counts as
a second person.

The detectors see the whole picture reduced to 256 pixels at most, in which a small face in a large photo vanishes. So
where none is confirmed, overlapping tiles of the picture are searched as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from talking_head.engines.face.mesh import FaceBox, FaceDetector, FaceMesh, Landmarks, shared_detector, shared_mesh
from talking_head.media_io.arrays import Frame

LEAST_MESH_SCORE = 0.5  # below it the mesh network rejects the detector's face
LEAST_TILE_PX = 320  # smaller ones are no closer look than the whole picture
TILE_SHARES = (5 / 8, 5 / 16)  # of the picture's long side: faces from a 30th, and from a 60th of it
TILE_OVERLAP = 0.25  # a face up to this share of a tile is whole in one of them
SAME_FACE = 0.3  # overlap of two boxes, as a share of the smaller one


@dataclass(frozen=True, slots=True)
class ConfirmedFace:
    """A face that both kinds of network see."""

    box: FaceBox
    landmarks: Landmarks


def confirmed_faces(
    rgb: Frame, detector: FaceDetector | None = None, mesh: FaceMesh | None = None, *, in_tiles: bool = True
) -> list[ConfirmedFace]:
    """Return the faces in ``rgb`` (height, width, 3), the largest first; empty when there is none.

    ``detector`` and ``mesh`` are the networks to use, by default the shared ones.
    """
    detector, mesh = detector or shared_detector(), mesh or shared_mesh()
    for boxes in _findings(rgb, detector, in_tiles):
        faces = _confirmed(rgb, boxes, mesh)
        if faces:
            return faces
    return []


def faces_by_network(rgb: Frame) -> Iterator[list[ConfirmedFace]]:
    """Yield the confirmed faces of each of the shared detector's networks in the whole picture, the largest first."""
    for boxes in shared_detector().findings(rgb):
        yield _confirmed(rgb, boxes, shared_mesh())


def largest_face(
    rgb: Frame, detector: FaceDetector | None = None, mesh: FaceMesh | None = None, *, in_tiles: bool = True
) -> Landmarks | None:
    """Return the mesh of the largest of the :func:`confirmed_faces`; None without a face.

    Every engine that crops pictures around faces calls this, so that all of them crop alike.
    """
    faces = confirmed_faces(rgb, detector, mesh, in_tiles=in_tiles)
    return faces[0].landmarks if faces else None


def _findings(rgb: Frame, detector: FaceDetector, in_tiles: bool) -> Iterator[list[FaceBox]]:
    yield from detector.findings(rgb)
    if in_tiles:
        for share in TILE_SHARES:
            side_px = round(max(rgb.shape[:2]) * share)
            if side_px >= LEAST_TILE_PX:
                yield _in_tiles(rgb, side_px, detector)


def _confirmed(rgb: Frame, boxes: Iterable[FaceBox], mesh: FaceMesh) -> list[ConfirmedFace]:
    faces = (ConfirmedFace(box, mesh.face_mesh(rgb, box)) for box in boxes)
    return [face for face in faces if face.landmarks.score >= LEAST_MESH_SCORE]


def _in_tiles(rgb: Frame, side_px: int, detector: FaceDetector) -> list[FaceBox]:
    """Return the faces that are found in overlapping squares of the picture, each once, the largest first."""
    found: list[FaceBox] = []
    for top in _starts(rgb.shape[0], side_px):
        for left in _starts(rgb.shape[1], side_px):
            tile = np.ascontiguousarray(rgb[top : top + side_px, left : left + side_px])
            found += [_moved(box, left, top) for box in detector.find_small_faces(tile)]
    distinct: list[FaceBox] = []
    for box in sorted(found, key=lambda box: -box.score):
        if not any(_overlap(box, other) > SAME_FACE for other in distinct):
            distinct.append(box)
    return sorted(distinct, key=lambda box: -box.area)


def _starts(length_px: int, side_px: int) -> list[int]:
    """Return where the tiles of a row or a column begin, evenly spread."""
    if length_px <= side_px:
        return [0]
    steps = int(np.ceil((length_px - side_px) / (side_px * (1 - TILE_OVERLAP))))
    return [round(step * (length_px - side_px) / steps) for step in range(steps + 1)]


def _moved(box: FaceBox, left: int, top: int) -> FaceBox:
    return replace(
        box,
        center_x=box.center_x + left,
        center_y=box.center_y + top,
        right_eye=(box.right_eye[0] + left, box.right_eye[1] + top),
        left_eye=(box.left_eye[0] + left, box.left_eye[1] + top),
    )


def _overlap(first: FaceBox, second: FaceBox) -> float:
    """Return the shared area of two boxes as a share of the smaller one."""
    width = _shared(first.center_x, first.width, second.center_x, second.width)
    height = _shared(first.center_y, first.height, second.center_y, second.height)
    return width * height / min(first.area, second.area)


def _shared(center: float, length: float, other_center: float, other_length: float) -> float:
    end = min(center + length / 2, other_center + other_length / 2)
    return max(0.0, end - max(center - length / 2, other_center - other_length / 2))
