"""Cases 25 and 26 for real: the voice's model inside its installed package is cut short, has one bit flipped, or is
gone; the checkpoints of the face engine hold code."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from pytest_django import Settings

from talking_head import services
from talking_head.checkpoints.manifest import load_manifest
from talking_head.models import JobState
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
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
    assert job.error_hint
    assert outcomes(job, 0) == [("failed", code), ("done", "")]
    assert_invariants(worker)


class Payload:
    """A pickle of this writes a file when it is loaded carelessly."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self._target, "ran")


def test_26_a_checkpoint_that_is_a_pickle_with_a_payload_is_refused_and_never_run(
    make_job: MakeJob, settings: Settings, tmp_path: Path, portrait_png: Path
) -> None:
    """All of SadTalker's files are such pickles; the real renderer process is asked for a video with them."""
    pytest.importorskip("torch")
    ran, settings.CHECKPOINTS_DIR = tmp_path / "ran", tmp_path / "checkpoints"
    for checkpoint in load_manifest().needed_by("sadtalker"):
        path = checkpoint.path_in(settings.CHECKPOINTS_DIR)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Payload(ran)))
    assert list(settings.CHECKPOINTS_DIR.rglob("*.safetensors"))
    del settings.TALKING_HEAD_RENDERER
    settings.TALKING_HEAD_TIMING = {}
    digest = services.store_portrait(portrait_png.read_bytes()).digest
    job = make_job("Hello there.", speech="hibari", face="sadtalker", portrait_digest=digest)
    worker = Worker(new_renderer(), name="tester:1")
    try:
        worker.work()
    finally:
        worker.renderer.close()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FALLBACK, "checkpoint_corrupt"), job.error_message
    assert outcomes(job, 0) == [("failed", "checkpoint_corrupt"), ("done", "")]
    assert not ran.exists()
    assert_invariants(worker)
    pickle.loads(next(settings.CHECKPOINTS_DIR.rglob("*.safetensors")).read_bytes())
    assert ran.exists(), "the payload does work"
