"""The portrait as pixels, for the face engines' tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from talking_head.engines.base import Frame


@pytest.fixture(scope="session")
def portrait_rgb() -> Frame:
    path = Path(__file__).parents[3] / "data" / "astronaut.png"
    return np.asarray(Image.open(path).convert("RGB"))
