"""The demo's portrait, which tests draw too."""

from __future__ import annotations

from pathlib import Path

ASTRONAUT = Path(__file__).resolve().parents[1] / "edu_platform" / "demo" / "astronaut.png"  # (512, 512)
