"""The in-memory types of sound and pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]  # (samples,) mono, -1..1
Frame = NDArray[np.uint8]  # (height, width, 3) RGB
