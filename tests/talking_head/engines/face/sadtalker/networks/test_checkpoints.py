"""Weight files that are missing, damaged, or something else."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from talking_head.engines.face.sadtalker import checkpoints
from talking_head.engines.face.sadtalker.checkpoints import FACE_256, MAPPING_CROP, OfficialFile
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.networks.load import Networks, load_mapping_net, load_networks
from talking_head.errors import EngineError
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY, face_tensors


@pytest.fixture
def face_file(checkpoints_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(checkpoints_dir / FACE_256.name, tmp_path))


@pytest.fixture
def mapping_file(checkpoints_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(checkpoints_dir / MAPPING_CROP.name, tmp_path))


def load_face(path: Path) -> Networks:
    return load_networks(path, TINY)


def load_mapping(path: Path) -> torch.nn.Module:
    return load_mapping_net(path, CoefficientLayout.DRIVEN, TINY)


def refused(load: Callable[[Path], object], path: Path) -> EngineError:
    with pytest.raises(EngineError) as caught:
        load(path)
    assert caught.value.permanent
    assert caught.value.hint
    assert str(path.parent) not in str(caught.value)  # no path of this machine
    return caught.value


def flip(path: Path, offset: int, mask: int = 0xFF) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)


def test_every_tensor_comes_from_its_place(face_file: Path) -> None:
    networks = load_face(face_file)
    by_prefix: dict[str, torch.nn.Module] = {
        "face_3drecon": networks.reconstruction,
        "audio2exp": networks.expression,
        "audio2pose": networks.pose,
        "kp_extractor": networks.keypoints,
        "generator": networks.generator,
    }
    for name, tensor in face_tensors().items():
        prefix, key = name.split(".", 1)
        assert torch.equal(by_prefix[prefix].state_dict()[key], tensor), name
    assert not networks.generator.training
    assert not any(tensor.is_meta for tensor in networks.generator.state_dict().values())


def test_missing_files_are_named(tmp_path: Path) -> None:
    for load, name in ((load_face, FACE_256.name), (load_mapping, MAPPING_CROP.name)):
        error = refused(load, tmp_path / name)
        assert error.code == "checkpoint_missing"
        assert name in error.message


@pytest.mark.parametrize("kept", [0, 4, 500, 0.5, 0.999])
def test_a_cut_face_file_is_damaged(face_file: Path, kept: float) -> None:
    size = face_file.stat().st_size
    os.truncate(face_file, int(kept if kept >= 1 or kept == 0 else kept * size))
    assert refused(load_face, face_file).code == "checkpoint_corrupt"


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.9999])
def test_a_cut_mapping_file_is_damaged(mapping_file: Path, kept: float) -> None:
    os.truncate(mapping_file, int(mapping_file.stat().st_size * kept))
    assert refused(load_mapping, mapping_file).code == "checkpoint_corrupt"


@pytest.mark.parametrize("offset", [0, 7, 9, 200])
def test_a_flipped_header_is_noticed(face_file: Path, offset: int) -> None:
    flip(face_file, offset)
    assert refused(load_face, face_file).code in ("checkpoint_corrupt", "checkpoint_foreign")


def test_a_flipped_bit_in_a_mapping_file_is_noticed(mapping_file: Path) -> None:
    flip(mapping_file, mapping_file.stat().st_size // 2, 0x01)  # among the weights: the archive's checksums tell
    assert refused(load_mapping, mapping_file).code == "checkpoint_corrupt"


def test_a_flipped_exponent_in_a_face_file_is_noticed(face_file: Path) -> None:
    tensors = load_file(face_file)
    first = tensors["generator.first.conv.weight"]
    first.view(torch.int32)[0, 0, 0, 0] ^= 1 << 30
    save_file(tensors, face_file)
    error = refused(load_face, face_file)
    assert error.code == "checkpoint_corrupt"
    assert "first.conv.weight" in error.message


def test_any_flipped_bit_is_noticed_where_the_digest_is_known(face_file: Path) -> None:
    beside = face_file.with_name(face_file.name + ".sha256")
    beside.write_text(f"{hashlib.sha256(face_file.read_bytes()).hexdigest()}  {face_file.name}\n")
    assert FACE_256.in_folder(face_file.parent).check_digest() is False  # sound, but not the official file
    flip(face_file, face_file.stat().st_size - 3, 0x01)
    error = refused(lambda path: FACE_256.in_folder(path.parent).check_digest(), face_file)
    assert error.code == "checkpoint_corrupt"


def test_the_official_file_is_known_by_its_digest(face_file: Path) -> None:
    digest = hashlib.sha256(face_file.read_bytes()).hexdigest()
    assert OfficialFile(FACE_256.name, 1, digest).in_folder(face_file.parent).check_digest() is True


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors: tensors.pop("audio2exp.mapping1.bias"),
        lambda tensors: tensors.update({"audio2exp.mapping1.bias": torch.zeros(65)}),
        lambda tensors: tensors.update({"audio2exp.mapping1.bias": torch.zeros(64, dtype=torch.float16)}),
        lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("generator.")],
        lambda tensors: tensors.clear(),
    ],
    ids=["one missing", "wrong shape", "wrong type", "no generator", "empty"],
)
def test_other_tensors_are_foreign(face_file: Path, damage: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(face_file)
    damage(tensors)
    save_file(tensors, face_file)
    assert refused(load_face, face_file).code == "checkpoint_foreign"


@pytest.mark.parametrize("content", [{"epoch": 1}, {"mapping": 3}, {"mapping": {}}, [1, 2], torch.zeros(3)])
def test_other_contents_are_foreign(mapping_file: Path, content: object) -> None:
    torch.save(content, mapping_file)
    assert refused(load_mapping, mapping_file).code == "checkpoint_foreign"


def test_the_mapping_of_the_other_mode_is_foreign(checkpoints_dir: Path) -> None:
    path = checkpoints_dir / checkpoints.MAPPING_FULL.name
    assert "70" in refused(load_mapping, path).message


class Payload:
    """A pickle of this writes a file when it is loaded carelessly."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self._target, "ran")


@pytest.mark.parametrize("archive", [True, False])
def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path, archive: bool) -> None:
    ran, path = tmp_path / "ran", tmp_path / MAPPING_CROP.name
    torch.save({"mapping": Payload(ran)}, path, _use_new_zipfile_serialization=archive)
    assert refused(load_mapping, path).code == "checkpoint_foreign"
    path.write_bytes(pickle.dumps(Payload(ran)))
    assert refused(load_mapping, path).code in ("checkpoint_foreign", "checkpoint_corrupt")
    face = tmp_path / FACE_256.name
    face.write_bytes(pickle.dumps(Payload(ran)))
    assert refused(load_face, face).code == "checkpoint_corrupt"
    assert not ran.exists()
    pickle.loads(pickle.dumps(Payload(ran)))
    assert ran.exists()  # the payload does work


def test_the_older_file_format_is_read_as_well(mapping_file: Path) -> None:
    content = torch.load(mapping_file, weights_only=True)
    torch.save(content, mapping_file, _use_new_zipfile_serialization=False)
    network = load_mapping(mapping_file)
    assert torch.equal(network.state_dict()["fc_t.bias"], content["mapping"]["fc_t.bias"])
