"""The writer of golden numbers, as far as it can be tested without the original."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from benchmarks import golden_from_original


@pytest.mark.parametrize(
    ("text", "angles"),
    [
        ("_yaw15_pitch-10_roll5", {"yaw": 15, "pitch": -10, "roll": 5}),
        ("yaw20_pitch-8", {"yaw": 20, "pitch": -8}),
        ("frame23", {}),
        ("", {}),
    ],
)
def test_angles_are_read_from_the_names_of_arrays(text: str, angles: dict[str, float]) -> None:
    assert {name: float(value) for name, value in golden_from_original._given_angles(text).items()} == angles


def test_a_folder_without_the_original_is_status_2_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "golden"
    words = ["--original", str(tmp_path), "--checkpoints", str(tmp_path), "--inputs", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["golden_from_original.py", *words, "--threads", "1"])
    assert golden_from_original.main() == 2
    assert "not a checkout of the original" in capsys.readouterr().err
    assert not out.exists()
