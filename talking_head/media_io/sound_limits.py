"""How large a sound file may be: known without loading a codec."""

from __future__ import annotations

from typing import Final

MAX_FILE_BYTES: Final = 512 * 1024 * 1024
