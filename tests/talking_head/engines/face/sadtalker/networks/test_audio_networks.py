"""How clips of any length go through the audio networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from talking_head.engines.face.sadtalker.networks import audio_to_expression, audio_to_pose
from talking_head.engines.face.sadtalker.networks.audio_to_expression import AudioToExpression
from talking_head.engines.face.sadtalker.networks.audio_to_pose import AudioToPose
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import fill


@pytest.fixture(scope="module")
def pose_network() -> AudioToPose:
    network = AudioToPose()
    fill(network, "audio2pose.")
    return network


def mel_windows(frames: int) -> torch.Tensor:
    return torch.rand(frames, 80, 16, generator=torch.Generator().manual_seed(frames)) * 8 - 4


@pytest.mark.parametrize("frames", [1, 2, 3, 32, 33, 34, 65, 70])
@torch.inference_mode()
def test_every_length_gets_its_frames(pose_network: AudioToPose, frames: int) -> None:
    noise = torch.randn(audio_to_pose.noise_chunks(frames), 64)
    motion = pose_network(mel_windows(frames), torch.zeros(6), 0, noise)
    assert motion.shape == (frames, 6)
    assert (motion[0] == 0).all()
    assert torch.isfinite(motion).all()


@torch.inference_mode()
def test_the_rest_of_a_clip_comes_from_its_last_32_windows(pose_network: AudioToPose) -> None:
    windows, noise = mel_windows(1 + 32 + 5), torch.randn(2, 64)

    motion = pose_network(windows, torch.zeros(6), 3, noise)

    first = pose_network(windows[:33], torch.zeros(6), 3, noise[:1])
    last = pose_network(torch.cat([windows[:1], windows[-32:]]), torch.zeros(6), 3, noise[1:])
    assert torch.allclose(motion[:33], first, atol=1e-4)
    assert torch.allclose(motion[33:], last[-5:], atol=1e-4)  # frames differ by 0.1


@torch.inference_mode()
def test_noise_and_style_decide_the_motion(pose_network: AudioToPose) -> None:
    windows, rest = mel_windows(20), torch.zeros(6)
    noise, other = torch.randn(2, 1, 64)
    motion = pose_network(windows, rest, 0, noise)
    assert torch.equal(pose_network(windows, rest, 0, noise), motion)
    assert not torch.equal(pose_network(windows, rest, 0, other), motion)
    assert not torch.equal(pose_network(windows, rest, 1, noise), motion)


@torch.inference_mode()
def test_frames_do_not_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    network = AudioToExpression()
    fill(network, "audio2exp.")
    windows, rest, blink = mel_windows(7), torch.randn(1, 64), torch.rand(7)
    together = network(windows, rest, blink)
    monkeypatch.setattr(audio_to_expression, "FRAMES_PER_BATCH", 3)
    assert torch.allclose(network(windows, rest, blink), together, atol=1e-5)
    assert together.shape == (7, 64)


@pytest.mark.parametrize("frames", [1, 2, 3, 9, 12, 13, 40])
def test_smoothing_keeps_length_and_parabolas(frames: int) -> None:
    time = np.arange(frames, dtype=np.float32)[:, None] / 10
    parabola = np.hstack([time**2 * k + time - k for k in range(6)]).astype(np.float32)
    smoothed = audio_to_pose.smooth_pose(parabola)
    assert smoothed.shape == (frames, 6)
    assert np.allclose(smoothed, parabola, atol=1e-4)


def test_smoothing_calms_a_jitter() -> None:
    jitter = np.tile(np.array([[1], [-1]], np.float32), (20, 6))
    assert np.abs(audio_to_pose.smooth_pose(jitter)).max() < 0.5


def test_a_reference_pose_is_followed_from_its_start_and_repeated() -> None:
    reference = np.array([[5] * 6, [6] * 6, [8] * 6], np.float32)
    followed = audio_to_pose.add_reference_pose(np.zeros((5, 6), np.float32), reference)
    assert followed[:, 0].tolist() == [0, 1, 3, 0, 1]
