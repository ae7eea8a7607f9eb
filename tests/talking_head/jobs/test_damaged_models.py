"""Case 25 for real: the voice's model inside its installed package is cut short, has one bit flipped, or is gone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from pytest_django import Settings

from talking_head.models import JobState
from talking_head.rendering import Worker, new_renderer
from tests.talking_head.jobs.conftest import MakeJob, assert_invariants, outcomes


def cut(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:1_000_000])


def flip_one_bit(model: Path) -> None:
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)


@pytest.fixture
def damaged_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the installed package that the renderer process finds first."""
    installed = Path(str(metadata.distribution("hibari-tts").locate_file("")))
    copy = tmp_path / "site"
    shutil.copytree(installed / "hibari", copy / "hibari", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in installed.glob("hibari_tts-*.dist-info"):
        shutil.copytree(folder, copy / folder.name)
    monkeypatch.setenv("PYTHONPATH", str(copy))
    return copy / "hibari" / "assets" / "hibari.onnx"


@pytest.mark.parametrize(
    ("damage", "code"),
    [(cut, "checkpoint_corrupt"), (flip_one_bit, "checkpoint_corrupt"), (Path.unlink, "engine_unavailable")],
)
def test_25_a_damaged_model_is_named_and_not_tried_again(
    make_job: MakeJob, damaged_package: Path, settings: Settings, damage: Callable[[Path], None], code: str
) -> None:
    del settings.TALKING_HEAD_RENDERER
    settings.TALKING_HEAD_TIMING = {}
    damage(damaged_package)
    job = make_job("Hello there.", speech="hibari", face="still")
    worker = Worker(new_renderer(), name="tester:1")
    try:
        worker.work()
    finally:
        worker.renderer.close()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FALLBACK, code), job.error_message
    assert "hibari" in job.error_message
    assert job.suggestion
    assert outcomes(job, 0) == [("failed", code), ("done", "")]
    assert_invariants(worker)
