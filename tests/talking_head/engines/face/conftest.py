"""The portrait as pixels, for the face engines' tests."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from talking_head.media_io.arrays import Frame
from tests.pictures import ASTRONAUT


@pytest.fixture(scope="session")
def portrait_rgb() -> Frame:
    path = ASTRONAUT
    return np.asarray(Image.open(path).convert("RGB"))
