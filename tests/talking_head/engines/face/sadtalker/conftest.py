"""The tests in ``networks`` need torch and are left out where it is not installed; the others run everywhere."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") and find_spec("safetensors") else ["networks"]
