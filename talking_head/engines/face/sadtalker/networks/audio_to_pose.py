"""Audio to head pose (PoseVAE, section 3.3 of the paper): the decoder of a conditional VAE, 32 frames at a time.

The pose is six numbers per frame: three angles (radians) and three translations. The motion depends on a style (one of
46 speakers of the training set) and on noise, so the noise is an argument: same noise, same motion.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from scipy.signal import savgol_filter
from torch import Tensor, nn

from talking_head.engines.face.sadtalker.networks.audio_encoder import EMBEDDING, audio_encoder
from talking_head.engines.face.sadtalker.networks.sizes import POSE_COEFFICIENTS

CHUNK_FRAMES = 32
NOISE = 64
STYLES = 46
SMOOTHING_WINDOW_FRAMES = 13
SMOOTHING_ORDER = 2


class ResidualConv(nn.Module):
    """Two pre-activated convolutions with a convolved shortcut; the stride reduces only the time axis."""

    def __init__(self, channels_in: int, channels_out: int, stride: int | tuple[int, int] = 1) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.ReLU(),
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
        )
        self.conv_skip = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1), nn.BatchNorm2d(channels_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_block(x) + self.conv_skip(x)


class Upsample(nn.Module):
    """Upsampling to twice the frames by a learned kernel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(channels, channels, (2, 1), (2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.upsample(x)


class PoseUNet(nn.Module):
    """A residual U-Net (Zhang et al. 2018, arXiv:1711.10684) over an "image" of 32 frames by 6 pose numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)
        )
        self.input_skip = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1))
        self.residual_conv_1 = ResidualConv(32, 64, (2, 1))
        self.residual_conv_2 = ResidualConv(64, 128, (2, 1))
        self.bridge = ResidualConv(128, 256, (2, 1))
        self.upsample_1 = Upsample(256)
        self.up_residual_conv1 = ResidualConv(256 + 128, 128)
        self.upsample_2 = Upsample(128)
        self.up_residual_conv2 = ResidualConv(128 + 64, 64)
        self.upsample_3 = Upsample(64)
        self.up_residual_conv3 = ResidualConv(64 + 32, 32)
        self.output_layer = nn.Sequential(nn.Conv2d(32, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.input_layer(x) + self.input_skip(x)  # (n, 32, 32, 6)
        x2 = self.residual_conv_1(x1)  # (n, 64, 16, 6)
        x3 = self.residual_conv_2(x2)  # (n, 128, 8, 6)
        up = self.upsample_1(self.bridge(x3))  # (n, 256, 8, 6)
        up = self.up_residual_conv1(torch.cat([up, x3], dim=1))  # (n, 128, 8, 6)
        up = self.up_residual_conv2(torch.cat([self.upsample_2(up), x2], dim=1))  # (n, 64, 16, 6)
        up = self.up_residual_conv3(torch.cat([self.upsample_3(up), x1], dim=1))  # (n, 32, 32, 6)
        return self.output_layer(up)  # (n, 1, 32, 6)


class PoseDecoder(nn.Module):
    """From noise, style, rest pose and 32 audio embeddings to the motion of 32 frames."""

    def __init__(self) -> None:
        super().__init__()
        self.resunet = PoseUNet()
        self.classbias = nn.Parameter(torch.zeros(STYLES, NOISE))
        self.linear_audio = nn.Linear(EMBEDDING, POSE_COEFFICIENTS)
        chunk = CHUNK_FRAMES * POSE_COEFFICIENTS  # 192
        self.MLP = nn.ModuleDict({"L0": nn.Linear(POSE_COEFFICIENTS + NOISE + chunk, 128), "L1": nn.Linear(128, chunk)})
        self.pose_linear = nn.Linear(POSE_COEFFICIENTS, POSE_COEFFICIENTS)

    def forward(self, noise: Tensor, style: int, rest_pose: Tensor, embeddings: Tensor) -> Tensor:
        """Return motion (n, 32, 6); ``noise`` (n, 64), ``rest_pose`` (1, 6), ``embeddings`` (n, 32, 512)."""
        audio = self.linear_audio(embeddings).flatten(1)  # (n, 192), frame by frame
        condition = torch.cat([rest_pose.expand(len(noise), -1), noise + self.classbias[style], audio], dim=1)
        hidden = functional.relu(self.MLP["L0"](condition))  # (n, 128)
        draft = torch.sigmoid(self.MLP["L1"](hidden)).view(-1, 1, CHUNK_FRAMES, POSE_COEFFICIENTS)  # (n, 1, 32, 6)
        return self.pose_linear(self.resunet(draft)[:, 0])  # (n, 32, 6)


class AudioToPose(nn.Module):
    """From mel windows to head motion relative to the rest pose.

    The attribute names ``audio_encoder.audio_encoder`` and ``netG.decoder`` are those of the weight file.
    """

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = nn.ModuleDict({"audio_encoder": audio_encoder()})
        self.netG = nn.ModuleDict({"decoder": PoseDecoder()})

    def embed(self, mel_windows: Tensor) -> Tensor:
        """Return the embeddings (t, 512) of ``mel_windows`` (t, 80, 16)."""
        encoder = self.audio_encoder["audio_encoder"]
        return torch.cat([encoder(part[:, None]).flatten(1) for part in mel_windows.split(CHUNK_FRAMES)])

    def forward(self, mel_windows: Tensor, rest_pose: Tensor, style: int, noise: Tensor) -> Tensor:
        """Return the motion of every frame; frame 0 does not move.

        Args:
            mel_windows: (t, 80, 16).
            rest_pose: (6,), the source's angles and translation.
            style: 0..45.
            noise: (:func:`noise_chunks` of t, 64), standard normal.

        Returns:
            (t, 6), to be added to the rest pose.
        """
        moving = len(mel_windows) - 1
        if moving < 1:
            return mel_windows.new_zeros(len(mel_windows), POSE_COEFFICIENTS)
        embeddings = self.embed(mel_windows[1:])  # (t - 1, 512)
        if moving < CHUNK_FRAMES:
            front = embeddings[:1].expand(CHUNK_FRAMES - moving, -1)
            embeddings = torch.cat([front, embeddings])  # (32, 512)
        whole, rest = divmod(moving, CHUNK_FRAMES)
        chunks = list(embeddings[: whole * CHUNK_FRAMES].split(CHUNK_FRAMES)) if whole else []
        if rest:
            chunks.append(embeddings[-CHUNK_FRAMES:])  # overlaps the previous chunk
        motion = self.netG["decoder"](noise, style, rest_pose[None], torch.stack(chunks))  # (chunks, 32, 6)
        parts = [motion.new_zeros(1, POSE_COEFFICIENTS), *motion[:whole]]
        if rest:
            parts.append(motion[-1, -rest:])
        return torch.cat(parts)  # (t, 6)


def noise_chunks(frames: int) -> int:
    """Return the number of rows of noise for a clip of that many frames."""
    return max(1, -(-(frames - 1) // CHUNK_FRAMES))


def smoothing_window(frames: int) -> int:
    """Return the length of the filter, always odd."""
    return SMOOTHING_WINDOW_FRAMES if frames >= SMOOTHING_WINDOW_FRAMES else 2 * ((frames - 1) // 2) + 1


def smooth_pose(pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply a Savitzky-Golay filter over time, as the original does; (t, 6) -> (t, 6).

    Fewer than three frames are returned unchanged (the original fails there).
    """
    window = smoothing_window(len(pose))
    if window <= SMOOTHING_ORDER:
        return pose
    return savgol_filter(pose, window, SMOOTHING_ORDER, axis=0).astype(np.float32)  # (t, 6)


def add_reference_pose(pose: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add the head motion of another video, ``reference`` (r, 6), repeated when it is shorter; (t, 6) -> (t, 6)."""
    cycled = reference[np.arange(len(pose)) % len(reference)]  # (t, 6)
    return (pose + (cycled - reference[:1])).astype(np.float32)
