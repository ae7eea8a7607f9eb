"""Which landmarks are used, and the real loading of the ``face-alignment`` package with made-up weights."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from talking_head.engines.base import PortraitImage
from talking_head.engines.face.sadtalker.face import exact_landmarks
from talking_head.engines.face.sadtalker.face.exact_landmarks import (
    ARCHIVE,
    DETECTOR,
    STATE_DICT,
    ExactLandmarkFinder,
    landmark_finder,
)
from talking_head.errors import EngineError


def test_without_weights_the_mesh_is_used_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert landmark_finder(tmp_path).name == "mesh"
    assert caplog.records == []


@pytest.mark.parametrize(
    ("there", "installed", "named"),
    [
        ([DETECTOR], True, [ARCHIVE]),
        ([ARCHIVE], True, [DETECTOR]),
        ([DETECTOR, ARCHIVE], False, ["package face-alignment"]),
        ([STATE_DICT], False, ["package face-alignment", DETECTOR]),
    ],
)
def test_what_is_missing_for_the_exact_ones_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    there: list[str],
    installed: bool,
    named: list[str],
) -> None:
    monkeypatch.setattr(exact_landmarks, "find_spec", lambda package: object() if installed else None)
    for name in there:
        (tmp_path / name).write_bytes(b"weights")
    with caplog.at_level(logging.WARNING):
        assert landmark_finder(tmp_path).name == "mesh"
    assert all(name in caplog.text for name in named)


# --- with the package (docs/sadtalker.md says how to install it): real networks, made-up weights --------------------


def vouch(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").write_text(hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector, and the landmark network in both forms."""
    pytest.importorskip("face_alignment")
    from face_alignment.detection.sfd.net_s3fd import s3fd

    folder = tmp_path_factory.mktemp("landmarks")
    torch.manual_seed(3)
    network = exact_landmarks.package_network(4).eval()
    torch.save(s3fd().state_dict(), folder / DETECTOR)
    torch.save(network.state_dict(), folder / STATE_DICT)
    example = torch.rand(1, 3, 256, 256)
    torch.jit.save(torch.jit.trace(network, example, strict=False, check_trace=False), folder / ARCHIVE)
    for name in (DETECTOR, STATE_DICT, ARCHIVE):
        vouch(folder / name)
    return folder


@pytest.fixture
def copied(weights: Path, tmp_path: Path) -> Callable[..., Path]:
    def copy(*names: str) -> Path:
        for name in names:
            for suffix in ("", ".sha256"):
                (tmp_path / f"{name}{suffix}").write_bytes((weights / f"{name}{suffix}").read_bytes())
        return tmp_path

    return copy


def only_face(finder: Any, *boxes: list[float]) -> None:
    """Made-up weights find no face by themselves."""
    finder._package.face_detector.detect_from_image = lambda picture: [np.array(box) for box in boxes]


def test_both_forms_of_the_network_find_the_same_points(weights: Path, portrait: PortraitImage) -> None:
    found = []
    for name in (STATE_DICT, ARCHIVE):
        finder = ExactLandmarkFinder(weights / DETECTOR, weights / name)
        only_face(finder, [10, 10, 40, 40, 0.9], [150, 60, 330, 280, 0.6])  # the largest counts, not the surest
        points = finder.find(portrait.rgb)
        assert points is not None
        found.append(points)
    assert found[0].shape == (68, 2)
    assert np.isfinite(found[0]).all()
    assert abs(found[0].mean(axis=0) - (240, 150)).max() < 150  # around that face
    assert np.array_equal(found[0], found[1])


def test_points_of_a_large_picture_are_in_its_own_pixels(weights: Path, portrait: PortraitImage) -> None:
    finder = ExactLandmarkFinder(weights / DETECTOR, weights / STATE_DICT)
    only_face(finder, [150, 60, 330, 280, 0.6])
    small = finder.find(np.repeat(np.repeat(portrait.rgb, 2, axis=0), 2, axis=1))  # 1,024 px
    large = finder.find(np.repeat(np.repeat(portrait.rgb, 4, axis=0), 4, axis=1))
    assert small is not None
    assert large is not None
    assert np.allclose(large, small * 2)


def test_no_face_is_none(weights: Path, portrait: PortraitImage) -> None:
    finder = ExactLandmarkFinder(weights / DETECTOR, weights / STATE_DICT)
    only_face(finder)
    assert finder.find(portrait.rgb) is None


@pytest.mark.parametrize("networks", [STATE_DICT, ARCHIVE])
def test_it_is_chosen_when_everything_is_there(copied: Callable[..., Path], networks: str) -> None:
    assert landmark_finder(copied(DETECTOR, networks)).name == "face-alignment"


@pytest.mark.parametrize("damaged", [DETECTOR, STATE_DICT, ARCHIVE])
def test_a_flipped_bit_is_an_error_and_no_silent_change_of_engine(copied: Callable[..., Path], damaged: str) -> None:
    folder = copied(DETECTOR, STATE_DICT if damaged == DETECTOR else damaged)
    data = bytearray((folder / damaged).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / damaged).write_bytes(data)
    with pytest.raises(EngineError) as caught:
        landmark_finder(folder)
    assert caught.value.code == "checkpoint_corrupt"
    assert damaged in caught.value.message
    assert caught.value.permanent


def test_other_tensors_are_refused(copied: Callable[..., Path]) -> None:
    folder = copied(DETECTOR)
    torch.save({"weight": torch.zeros(3)}, folder / STATE_DICT)
    vouch(folder / STATE_DICT)
    with pytest.raises(EngineError) as caught:
        landmark_finder(folder)
    assert caught.value.code == "checkpoint_corrupt"
