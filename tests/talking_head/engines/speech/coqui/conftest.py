"""The tests in ``library`` need coqui-tts and are left out where it is not installed; the others run everywhere."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("TTS") and find_spec("torchaudio") else ["library"]
