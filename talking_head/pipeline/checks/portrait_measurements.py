"""Measurements of the face in a portrait: plain numbers, no judgement (that is in ``portrait_report``).

Light, sharpness and the mouth are measured on an upright patch in which the face always has the same size, so that the
numbers mean the same for a small and a large picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.face.face_search import confirmed_faces
from talking_head.engines.face.mesh import FaceBox, Landmarks, Points, face_mesh, find_faces
from talking_head.media_io.arrays import Frame

PATCH_PX = 160  # the face from forehead to chin in the patch that is measured

# Numbers of points in the 468-point mesh ("right" is the person's right, left in the picture).
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
RIGHT_CHEEKBONE, LEFT_CHEEKBONE, FOREHEAD, CHIN = 234, 454, 10, 152
UPPER_LIP_INNER, LOWER_LIP_INNER, RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER = 13, 14, 61, 291
# fmt: off
FACE_OVAL = np.array([
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
])
OUTER_LIPS = np.array([
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
])
# fmt: on
BARE_SKIN = np.array([6, 168, 151, 119, 348])  # nose bridge, brow, below both eyes: masks and beards leave these free

# The mesh's cheekbones lie further back than its chin: a face that looks straight ahead measures this pitch.
NEUTRAL_PITCH_DEGREES = 10.0

Mask = NDArray[np.bool_]  # (PATCH_PX, PATCH_PX)


@dataclass(frozen=True, slots=True)
class FaceMeasurements:
    """Measurements of the largest face. Angles in degrees, 0 = straight ahead and upright; light in 0..255."""

    box: FaceBox
    mesh_score: float
    height_px: float  # from forehead to chin, by the mesh: the boxes of the detectors differ by a third
    yaw_degrees: float  # positive = towards the person's left
    pitch_degrees: float
    roll_degrees: float  # positive = clockwise in the picture
    sharpness: float  # variance of the Laplacian over that of the picture: 0.04 to 0.1 when sharp, 0.005 when blurred
    brightest: float  # 95th percentile of the face's grey values
    contrast: float  # spread of the grey values (5th to 95th percentile) as a share of ``brightest``
    burnt_out_share: float  # pixels without any detail left
    mouth_gap: float  # between the inner lips, in distances of the outer eye corners
    mouth_relief: float  # how much light changes down across the mouth, as a share of the face's spread
    mouth_colour_relief: float  # the same for colour (a and b of CIELAB)
    lips_colour_distance: float  # lips against the skin around them, CIELAB a and b
    lower_face_colour_distance: float  # around the mouth against bare skin near the eyes, CIELAB a and b
    margin: float  # from the outline of the face to the nearest edge of the picture, in heights of the face
    mouth_is_outside: bool


def measure_faces(rgb: Frame) -> tuple[list[FaceBox], FaceMeasurements | None]:
    """Return all faces in ``rgb`` (height, width, 3), the largest first, and the measurements of the largest.

    Where only the detector sees faces, these are returned: the mesh score says that they may be none.

    Raises:
        EngineError: ``engine_unavailable`` when the face models are not installed.
    """
    if confirmed := confirmed_faces(rgb):
        return [face.box for face in confirmed], _measure(rgb, confirmed[0].box, confirmed[0].landmarks)
    faces = find_faces(rgb)
    if not faces:
        return [], None
    return faces, _measure(rgb, faces[0], face_mesh(rgb, faces[0]))


def is_upside_down(rgb: Frame, box: FaceBox) -> bool:
    """Return whether the turned picture shows the better face: the networks see faces in upside-down pictures too.

    The mesh must be sure of it, because a masked face can look like a face in either direction.
    """
    turned = np.ascontiguousarray(rgb[::-1, ::-1])
    faces = find_faces(turned)
    return bool(faces) and faces[0].score > box.score + 0.05 and face_mesh(turned, faces[0]).score > 0.95


def pose_of(points: Points) -> tuple[float, float, float]:
    """Return yaw, pitch and roll in degrees of a mesh (468, 3); z points away from the camera.

    They are based on the line between the cheekbones and the one from forehead to chin.
    """
    across = points[LEFT_CHEEKBONE] - points[RIGHT_CHEEKBONE]
    down = points[CHIN] - points[FOREHEAD]
    eyes = points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]
    yaw = np.arctan2(across[2], np.hypot(across[0], across[1]))
    pitch = np.arctan2(down[2], np.hypot(down[0], down[1]))
    roll = np.arctan2(eyes[1], eyes[0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)) - NEUTRAL_PITCH_DEGREES, float(np.degrees(roll))


def _measure(rgb: Frame, box: FaceBox, landmarks: Landmarks) -> FaceMeasurements:
    points = landmarks.points  # (468, 3)
    flat = points[:, :2]
    yaw, pitch, roll = pose_of(points)
    patch, in_patch = _upright_patch(rgb, flat)
    oval = _polygon(in_patch[FACE_OVAL])
    core = cv2.erode(oval.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    if not core.any():  # a mesh so degenerate that nothing can be measured
        core[:] = True
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    darkest, brightest = (float(value) for value in np.percentile(grey[core], [5, 95]))
    size = np.array(rgb.shape[1::-1])  # width, height
    face_height = float(np.linalg.norm(points[CHIN] - points[FOREHEAD])) or 1.0
    outline = flat[FACE_OVAL]
    eye_distance = float(np.linalg.norm(points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER])) or 1.0
    return FaceMeasurements(
        box=box,
        mesh_score=landmarks.score,
        height_px=face_height,
        yaw_degrees=yaw,
        pitch_degrees=pitch,
        roll_degrees=roll,
        sharpness=_sharpness(grey, core),
        brightest=brightest,
        contrast=(brightest - darkest) / max(brightest, 1.0),
        burnt_out_share=float((patch[core].min(1) >= 250).mean()),
        mouth_gap=float(np.linalg.norm(points[UPPER_LIP_INNER] - points[LOWER_LIP_INNER])) / eye_distance,
        **_measure_mouth(patch, in_patch, oval, (brightest - darkest) / 2.55),
        margin=float(min(outline.min(), (size - outline).min())) / face_height,
        mouth_is_outside=bool(np.any((flat[OUTER_LIPS] < 0) | (flat[OUTER_LIPS] > size))),
    )


def _upright_patch(rgb: Frame, flat: Points) -> tuple[Frame, Points]:
    """Return the face turned upright and scaled to ``PATCH_PX``, and the mesh points (468, 2) in it."""
    eyes = flat[LEFT_EYE_OUTER] - flat[RIGHT_EYE_OUTER]
    length = float(np.hypot(*eyes)) or 1.0
    cos, sin = eyes / length
    turn = np.array([[cos, sin], [-sin, cos]])  # (2, 2)
    oval = flat[FACE_OVAL] @ turn.T
    low, high = oval.min(0), oval.max(0)
    scale = PATCH_PX / max(float((high - low).max()), 1.0)
    shift = PATCH_PX / 2 - scale * (low + high) / 2
    to_patch = np.column_stack([scale * turn, shift])  # (2, 3)
    in_patch = flat @ to_patch[:, :2].T + to_patch[:, 2]
    # Shrinking needs averaging, or the samples between would pass for sharpness; warpAffine only interpolates.
    source = rgb
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        source = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        to_patch = to_patch / [size[0] / rgb.shape[1], size[1] / rgb.shape[0], 1.0]
    patch = cv2.warpAffine(source, to_patch, (PATCH_PX, PATCH_PX), borderMode=cv2.BORDER_REPLICATE)
    return patch.astype(np.uint8), in_patch.astype(np.float32)


def _polygon(corners: Points) -> Mask:
    mask = np.zeros((PATCH_PX, PATCH_PX), np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (1,))
    return mask.astype(bool)


def _sharpness(grey: NDArray[np.float32], core: Mask) -> float:
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    return float(edges[core].var() / max(float(grey[core].var()), 1.0))


def _measure_mouth(patch: Frame, points: Points, oval: Mask, spread: float) -> dict[str, float]:
    """Return four numbers that tell a mouth from what may cover it; ``spread`` is the face's range of lightness."""
    light = patch.astype(np.float32) / np.float32(255)
    lab = cv2.cvtColor(light, cv2.COLOR_RGB2LAB).astype(np.float32)  # (PATCH_PX, PATCH_PX, 3)
    lips = points[OUTER_LIPS]
    center = lips.mean(0)
    around = _polygon(center + (lips - center) * [1.3, 2.2]) & ~_polygon(center + (lips - center) * [1.1, 1.35]) & oval
    skin = np.zeros_like(oval)
    rows, columns = np.mgrid[:PATCH_PX, :PATCH_PX]
    for x, y in points[BARE_SKIN]:
        skin |= (columns - x) ** 2 + (rows - y) ** 2 < 25
    lips_colour, around_colour, skin_colour = (_median(lab, mask) for mask in (_polygon(lips), around, skin))
    relief, colour_relief = _relief(lab, points, center)
    return {
        "mouth_relief": relief / max(spread, 1.0),
        "mouth_colour_relief": colour_relief / max(spread, 1.0),
        "lips_colour_distance": float(np.hypot(*(lips_colour - around_colour)[1:])),
        "lower_face_colour_distance": float(np.hypot(*(around_colour - skin_colour)[1:])),
    }


def _relief(lab: NDArray[np.float32], points: Points, center: Points) -> tuple[float, float]:
    """Return the standard deviations of lightness and of colour down a band over the mouth.

    Lips and the line between them change both, cloth and skin hardly.
    """
    width = float(np.linalg.norm(points[LEFT_MOUTH_CORNER] - points[RIGHT_MOUTH_CORNER]))
    half_height, half_width = max(4, round(0.35 * width)), max(4, round(0.4 * width))
    x, y = (int(np.clip(value, 8, PATCH_PX - 8)) for value in center)
    band = lab[max(0, y - half_height) : y + half_height, max(0, x - half_width) : x + half_width]
    down = band.mean(1).std(0)  # (3,)
    return float(down[0]), float(np.hypot(down[1], down[2]))


def _median(lab: NDArray[np.float32], mask: Mask) -> NDArray[np.float32]:
    return np.asarray(np.median(lab[mask], axis=0) if mask.any() else np.zeros(3), np.float32)
