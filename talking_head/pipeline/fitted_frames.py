"""A fallback's frames in the size of its neighbours: clips of different sizes cannot be joined, and another face engine
than the still one may draw in any size."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from talking_head.media_io.arrays import Frame


def fitted_frames(frames: Iterator[Frame], width_px: int, height_px: int) -> Iterator[Frame]:
    """Yield the frames scaled to fit, whole and undistorted, with black borders where the shapes differ."""
    for frame in frames:
        if frame.shape[:2] == (height_px, width_px):
            yield frame
            continue
        height, width = frame.shape[:2]
        scale = min(width_px / width, height_px / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        left, top = (width_px - size[0]) // 2, (height_px - size[1]) // 2
        fitted = np.zeros((height_px, width_px, 3), np.uint8)  # (height, width, 3)
        fitted[top : top + size[1], left : left + size[0]] = cv2.resize(frame, size, interpolation=method)
        yield fitted
