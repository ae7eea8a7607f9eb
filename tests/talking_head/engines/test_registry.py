"""Engines by name, and what is said of those that cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from talking_head.engines import registry
from talking_head.engines.base import EngineSettings
from talking_head.errors import EngineError, OptionError


class BrokenPackage:
    """An engine that loads a large library when it is made, and finds it damaged."""

    def __init__(self, settings: EngineSettings) -> None:
        raise ImportError("libcudart.so.12: cannot open shared object file")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (f"{__name__}:BrokenPackage", "libcudart.so.12"),
        ("talking_head.no_such_module:Engine", "no_such_module is missing"),
    ],
)
def test_an_engine_whose_packages_do_not_load_is_unavailable_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, words: str
) -> None:
    monkeypatch.setitem(registry.ENGINES["enhancer"], "broken", place)
    with pytest.raises(EngineError) as caught:
        registry.create("enhancer", "broken", EngineSettings(tmp_path))
    assert caught.value.code == "engine_unavailable"
    assert words in caught.value.message
    assert "requirements" in caught.value.hint


def test_an_unknown_engine_is_answered_with_those_that_exist() -> None:
    with pytest.raises(OptionError) as caught:
        registry.resolve("face", "hologram")
    assert caught.value.code == "unknown_engine"
    assert all(name in caught.value.hint for name in registry.ENGINES["face"])
