"""The tests of the restorer's network need torch and are left out where it is not installed."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_gfpgan.py"]
