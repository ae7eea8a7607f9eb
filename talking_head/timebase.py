"""The common timebase of sound and picture, from which all other lengths are derived.

A clip must be a whole number of video frames *and* of AAC frames, otherwise joined clips drift by the remainder at
every joint. The shortest such length is the least common multiple of both: 15,360 samples = 8 video frames = 15 AAC
frames.
"""

from __future__ import annotations

import math

VIDEO_FPS = 25
AUDIO_HZ = 48_000
AAC_FRAME_SAMPLES = 1_024  # ISO/IEC 14496-3, AAC-LC
SAMPLES_PER_VIDEO_FRAME = AUDIO_HZ // VIDEO_FPS  # 1,920
CLIP_QUANTUM_SAMPLES = math.lcm(SAMPLES_PER_VIDEO_FRAME, AAC_FRAME_SAMPLES)  # 15,360
CLIP_QUANTUM_FRAMES = CLIP_QUANTUM_SAMPLES // SAMPLES_PER_VIDEO_FRAME  # 8
CLIP_QUANTUM_SECONDS = CLIP_QUANTUM_SAMPLES / AUDIO_HZ  # 0.32


def round_up_to_quantum(samples: int) -> int:
    """Return the smallest whole number of quanta (in samples at 48 kHz) that holds ``samples``; at least one."""
    return max(1, -(-samples // CLIP_QUANTUM_SAMPLES)) * CLIP_QUANTUM_SAMPLES
