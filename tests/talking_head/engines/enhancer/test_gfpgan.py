"""The restorer's network against the published one, its weights' loading, and frames through the engine."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from talking_head.engines.base import EngineSettings
from talking_head.engines.enhancer.gfpgan import engine, restoration
from talking_head.engines.enhancer.gfpgan.engine import FILE_NAME, GfpganEnhancer
from talking_head.engines.enhancer.gfpgan.network import OFFICIAL_WIDTH, RestorationNetwork
from talking_head.errors import EngineError, ResourceError
from talking_head.media_io.arrays import Frame
from talking_head.media_io.images import decode_image
from tests.pictures import ASTRONAUT
from tests.talking_head.engines.enhancer.gfpgan_stand_in import SIDE_PX, WIDTH, filled, picture

GOLDEN = Path(__file__).resolve().parents[3] / "data" / "gfpgan_golden.npy"


def small_network() -> RestorationNetwork:
    return RestorationNetwork(SIDE_PX, WIDTH)


def small_state() -> dict[str, torch.Tensor]:
    return filled({name: tensor.shape for name, tensor in small_network().state_dict().items()})


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """A folder with stand-in weights, in the official layout: training's other entries beside ``params_ema``."""
    torch.save({"params_ema": small_state(), "params": {}}, tmp_path / FILE_NAME)
    return tmp_path


@pytest.fixture
def enhancer(checkpoints: Path) -> GfpganEnhancer:
    return GfpganEnhancer(EngineSettings(checkpoints, threads=2), network=small_network())


@pytest.fixture(scope="module")
def astronaut() -> Frame:
    rgb = decode_image(ASTRONAUT.read_bytes()).rgb
    return np.ascontiguousarray(rgb[0:256, 96:352])  # (256, 256, 3), as the crop profiles draw


@torch.inference_mode()
def test_the_network_draws_what_the_published_one_draws() -> None:
    network = small_network().eval()
    network.load_state_dict(small_state())
    golden = np.load(GOLDEN)
    drawn = network(picture()).numpy()[:, :, ::4, ::4]
    assert np.abs(drawn - golden).max() < 1e-5 * np.abs(golden).max()


@torch.inference_mode()
def test_a_picture_alone_is_drawn_as_in_a_batch() -> None:
    network = small_network().eval()
    network.load_state_dict(small_state())
    torch.testing.assert_close(network(picture()[1:])[0], network(picture())[1], rtol=1e-4, atol=1e-4)


def test_the_official_size_has_the_official_tensors() -> None:
    with torch.device("meta"):
        network = RestorationNetwork()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    # Some of the file's names and shapes, one of every kind.
    assert shapes["conv_body_first.weight"] == (32, 3, 1, 1)
    assert shapes["conv_body_down.0.conv2.weight"] == (64, 32, 3, 3)
    assert shapes["final_linear.weight"] == (16 * 512, 256 * 16)
    assert shapes["stylegan_decoder.style_convs.13.modulated_conv.weight"] == (1, 64, 64, 3, 3)
    assert shapes["stylegan_decoder.to_rgbs.6.modulated_conv.modulation.bias"] == (64,)
    assert shapes["stylegan_decoder.noises.noise14"] == (1, 1, 512, 512)
    assert shapes["condition_shift.6.2.bias"] == (32,)
    assert OFFICIAL_WIDTH == 512


def test_frames_come_out_restored_of_their_size_and_as_many(enhancer: GfpganEnhancer, astronaut: Frame) -> None:
    frames = list(enhancer.enhance(iter([astronaut] * 3)))
    assert [frame.shape for frame in frames] == [(256, 256, 3)] * 3
    changed = np.abs(frames[0].astype(int) - astronaut).max(-1) > 8
    assert changed[115:165, 100:150].mean() > 0.9  # the face is another
    assert changed[-10:].mean() < 0.05  # the shoulders are not


def test_the_same_frames_give_the_same_pictures(enhancer: GfpganEnhancer, astronaut: Frame) -> None:
    first, second = (next(enhancer.enhance(iter([astronaut]))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_frame_that_is_reused_by_its_maker_is_safe(enhancer: GfpganEnhancer, astronaut: Frame) -> None:
    def reusing() -> Any:
        frame = astronaut.copy()
        for _ in range(2):
            yield frame
            frame[:] = 0

    first = next(iter(list(enhancer.enhance(reusing()))))
    assert first.mean() > 50


def test_frames_without_a_face_pass_through(enhancer: GfpganEnhancer) -> None:
    grey = np.full((180, 320, 3), 90, np.uint8)
    (frame,) = enhancer.enhance(iter([grey]))
    np.testing.assert_array_equal(frame, grey)


def test_no_more_than_a_batch_is_held(enhancer: GfpganEnhancer, astronaut: Frame) -> None:
    taken = 0

    def counting() -> Any:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield astronaut

    next(enhancer.enhance(counting()))
    assert taken <= restoration.GPU_BATCH


def test_the_version_names_the_weights(enhancer: GfpganEnhancer, checkpoints: Path) -> None:
    other = small_state()
    other["conv_body_first.bias"] += 1
    torch.save({"params_ema": other}, checkpoints / FILE_NAME)
    again = GfpganEnhancer(EngineSettings(checkpoints), network=small_network())
    assert again.version != enhancer.version


def test_time_is_estimated(enhancer: GfpganEnhancer) -> None:
    assert enhancer.seconds_per_frame > 0


def test_out_of_memory_has_its_own_error(
    enhancer: GfpganEnhancer, astronaut: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(RestorationNetwork, "forward", exhausted)
    with pytest.raises(ResourceError) as caught:
        list(enhancer.enhance(iter([astronaut])))
    assert caught.value.code == "out_of_memory"


# --- weights that are not ------------------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def _of_another_digest(path: Path) -> None:
    path.with_name(path.name + ".sha256").write_text("0" * 64)


def _of_another_network(path: Path) -> None:
    torch.save({"params_ema": {"conv.weight": torch.zeros(3)}}, path)


def _without_the_entry(path: Path) -> None:
    torch.save(small_state(), path)


def _of_another_size(path: Path) -> None:
    state = small_state()
    state["final_conv.bias"] = torch.zeros(7)
    torch.save({"params_ema": state}, path)


class _Payload:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch payload-ran",)


def _with_a_payload(path: Path) -> None:
    torch.save({"params_ema": _Payload()}, path)


def _as_a_bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"params_ema": _Payload()}))


def test_without_torch_that_is_what_is_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda package: None)
    with pytest.raises(EngineError) as caught:
        GfpganEnhancer(EngineSettings(tmp_path))
    assert caught.value.code == "engine_unavailable"
    assert "requirements/sadtalker.txt" in caught.value.hint


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (Path.unlink, "checkpoint_missing"),
        (_cut, "checkpoint_corrupt"),
        (_flip_a_bit, "checkpoint_corrupt"),
        (_of_another_digest, "checkpoint_corrupt"),
        (_of_another_network, "checkpoint_foreign"),
        (_without_the_entry, "checkpoint_foreign"),
        (_of_another_size, "checkpoint_foreign"),
        (_with_a_payload, "checkpoint_foreign"),
        (_as_a_bare_pickle, "checkpoint_foreign"),
    ],
)
def test_bad_weights_are_refused_by_what_is_wrong_with_them(
    damage: Callable[[Path], None], code: str, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkpoints)
    damage(checkpoints / FILE_NAME)
    with pytest.raises(EngineError) as caught:
        GfpganEnhancer(EngineSettings(checkpoints), network=small_network())
    assert caught.value.code == code
    assert caught.value.hint
    assert not (checkpoints / "payload-ran").exists()
