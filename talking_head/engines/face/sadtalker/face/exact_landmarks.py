"""Landmarks of the ``face-alignment`` package, if installed (Bulat & Tzimiropoulos 2017, arXiv:1703.07332).

It finds 68 points with networks trained for exactly these, instead of deriving them from a mesh. The package is
optional, and so are its two weight files; nothing is ever downloaded here. The landmark network comes in two forms with
the same tensors: the TorchScript archive in the checkpoint manifest, and the state dict that the package itself would
download.
"""

from __future__ import annotations

import logging
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from talking_head.checkpoints.folder import state_of
from talking_head.checkpoints.manifest import load_manifest
from talking_head.digests import sha256_of_file
from talking_head.engines.face.sadtalker.face.landmarks import LandmarkFinder, MeshLandmarkFinder
from talking_head.errors import EngineError
from talking_head.media_io.arrays import Frame

logger = logging.getLogger(__name__)

PACKAGE = "face_alignment"
DETECTOR, ARCHIVE = "s3fd-619a316812.pth", "2DFAN4-cd938726ad.zip"
LARGEST_SIDE_PX = 1024  # the detector processes every pixel; the landmark network's input is 256 px wide anyway
STATE_DICT = "2DFAN4-11f355bf06.pth.tar"  # its digest begins with these ten digits, as torch's hub names files


def landmark_finder(folder: Path) -> LandmarkFinder:
    """Return the exact finder if package and both weight files are present, otherwise the mesh, which needs neither.

    Raises:
        EngineError: ``checkpoint_corrupt``: a weight file is present, but damaged.
    """
    networks = next((folder / name for name in (STATE_DICT, ARCHIVE) if (folder / name).is_file()), None)
    has_detector = (folder / DETECTOR).is_file()
    if networks is None and not has_detector:
        return MeshLandmarkFinder()
    missing = [
        name
        for name, is_present in (
            ("the package face-alignment (see docs/sadtalker.md)", find_spec(PACKAGE) is not None),
            (DETECTOR, has_detector),
            (ARCHIVE, networks is not None),
        )
        if not is_present
    ]
    if networks is None or missing:
        logger.warning("Using mesh landmarks; missing: %s.", ", ".join(missing))
        return MeshLandmarkFinder()
    return ExactLandmarkFinder(folder / DETECTOR, networks)


class ExactLandmarkFinder:
    name = "face-alignment"

    def __init__(self, detector: Path, networks: Path) -> None:
        """Load the package with local weight files.

        Raises:
            EngineError: ``checkpoint_corrupt``.
        """
        from face_alignment import FaceAlignment, LandmarksType

        weights = _landmark_weights(networks)
        _check_listed(detector)

        class LocalFaceAlignment(FaceAlignment):
            """The package with local weights; its own loader would download them."""

            def _load_native(self, network_name: str, network_size: int, device: str, dtype: torch.dtype) -> Any:
                network = package_network(network_size)
                network.load_state_dict(weights)
                return network.to(device, dtype=dtype).eval()

        try:
            self._package = LocalFaceAlignment(
                LandmarksType.TWO_D,
                device="cpu",
                compile=False,
                face_detector="sfd",
                face_detector_kwargs={"path_to_detector": str(detector)},
            )
        except (RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
            raise _corrupt(f"{detector.name} or {networks.name}", "its tensors do not match the package's") from error

    def find(self, rgb: Frame) -> NDArray[np.float64] | None:
        """Return 68 landmarks, as described in :class:`LandmarkFinder`."""
        shrink = max(1.0, max(rgb.shape[:2]) / LARGEST_SIDE_PX)
        size = (round(rgb.shape[1] / shrink), round(rgb.shape[0] / shrink))
        picture = np.array(rgb) if shrink == 1 else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        faces = self._package.face_detector.detect_from_image(picture)
        if not len(faces):
            return None
        largest = max(faces, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        landmarks = self._package.get_landmarks_from_image(picture, detected_faces=[largest])
        return np.asarray(landmarks[0], np.float64) * shrink


def package_network(modules: int) -> torch.nn.Module:
    """Return the package's landmark network with that many hourglasses, without weights."""
    from face_alignment.models import FAN

    network: torch.nn.Module = FAN(modules)
    return network


def _landmark_weights(path: Path) -> dict[str, Tensor]:
    """Return the landmark network's tensors.

    Raises:
        EngineError: ``checkpoint_corrupt``.
    """
    try:
        if path.name == STATE_DICT:
            _check_named_by_digest(path)
            loaded = torch.load(path, map_location="cpu", weights_only=True)
        else:
            _check_listed(path)  # an archive also holds code: it is opened only with a trusted digest
            loaded = torch.jit.load(str(path), map_location="cpu").state_dict()
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise _corrupt(path.name, "it cannot be read") from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in loaded.items()}


def _check_listed(path: Path) -> None:
    """Check that the bytes match the manifest or the digest file beside the weight file."""
    checkpoint = next(entry for entry in load_manifest().checkpoints if entry.file == path.name)
    if not state_of(checkpoint, path.parent).is_usable:
        raise _corrupt(path.name, "its digest does not match")


def _check_named_by_digest(path: Path) -> None:
    digest = sha256_of_file(path)
    digest_file = path.with_name(f"{path.name}.sha256")
    trusted = digest_file.is_file() and digest_file.read_text(encoding="ascii", errors="replace").startswith(digest)
    if not trusted and not path.name.removesuffix(".pth.tar").endswith(digest[:10]):
        raise _corrupt(path.name, "its digest does not match")


def _corrupt(name: str, reason: str) -> EngineError:
    return EngineError(
        f"The face-alignment weights “{name}” are damaged ({reason}).",
        code="checkpoint_corrupt",
        hint="Get them again with: python manage.py download_checkpoints --only face-alignment --force",
    )
