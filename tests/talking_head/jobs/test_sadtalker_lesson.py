"""A lesson made with the sadtalker engine, from the teacher's click to the student's video; and without its weights.

Everything is real except the width of the networks: the page, the queue's rows, a worker, a renderer process that loads
weight files from ``CHECKPOINTS_DIR``. Without torch these tests are skipped; in CI it is installed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from lessons.models import Lesson
from talking_head import services
from talking_head.files import local
from talking_head.models import Job, JobState
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.factories import enrol, make_course, make_lesson, make_portrait
from tests.media import inspect_video
from tests.talking_head.jobs.conftest import assert_invariants, outcomes

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from talking_head.engines.face.sadtalker.checkpoints import FACE_256, MAPPING_CROP
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import write_checkpoints

RENDERER = [sys.executable, "-m", "tests.talking_head.worker.narrow_sadtalker_renderer"]


@pytest.fixture(scope="module")
def checkpoints_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    write_checkpoints(folder)
    return folder


@pytest.fixture(autouse=True)
def sadtalker_site(settings: Settings, checkpoints_dir: Path) -> None:
    settings.TALKING_HEAD_RENDERER = RENDERER
    settings.TALKING_HEAD_TIMING = {}
    settings.TALKING_HEAD_FACE = "sadtalker"
    settings.CHECKPOINTS_DIR = checkpoints_dir


@pytest.fixture
def lesson(transactional_db: None, teacher: User, portrait_png: Path) -> Lesson:
    digest = services.store_portrait(portrait_png.read_bytes()).digest
    portrait = make_portrait(teacher, digest=digest)
    return make_lesson(make_course(teacher), script="Hi.", portrait=portrait, profile="fast")


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def click_generate(lesson: Lesson, teacher: User) -> Job:
    """What the button of the lesson's editor sends."""
    sent = {name: getattr(lesson, name) for name in ("title", "script", "voice", "speed", "profile", "version")}
    sent |= {"portrait": lesson.portrait_id, "action": "generate"}
    address = reverse("lesson_edit", args=[lesson.course.slug, lesson.pk])
    answer = browser_of(teacher).post(address, sent, headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.content
    return Job.objects.get(pk=answer.json()["job"]["id"])


def work_off(job: Job) -> dict[str, Any]:
    """Lets a real worker and its renderer process do it; -> the job's metrics."""
    worker = Worker(new_renderer(), name="tester:1")
    try:
        worker.work()
    finally:
        worker.renderer.close()
    job.refresh_from_db()
    assert_invariants(worker)
    metrics: dict[str, Any] = json.loads(local.metrics_file(job.pk).read_text())
    return metrics


def test_a_click_on_generate_becomes_a_sadtalker_video_that_students_see(
    lesson: Lesson, teacher: User, student: User
) -> None:
    job = click_generate(lesson, teacher)

    metrics = work_off(job)

    assert (job.state, job.face) == (JobState.COMPLETED, "sadtalker"), job.error_message
    assert metrics["outcome"] == "completed"
    assert metrics["engines"]["face"].startswith("sadtalker ")
    assert metrics["stages"]["frames"] > 0
    video = inspect_video(local.results_folder(job.pk) / "video.mp4")
    assert (video.width_px, video.height_px) == (256, 256)
    assert video.frame_count % 8 == 0
    lesson.refresh_from_db()
    assert lesson.current_job == job.pk
    enrol(student, lesson.course)
    lesson.is_published = True
    lesson.save()
    page = browser_of(student).get(reverse("lesson_detail", args=[lesson.course.slug, lesson.pk])).content.decode()
    assert f"/media/jobs/{job.pk}/video.mp4" in page


def lose(path: Path) -> None:
    path.unlink()


def flip_one_bit(path: Path) -> None:
    """The lowest bit of one weight, which changes no size, no shape and no checksum but the digest beside the file."""
    beside = path.with_name(f"{path.name}.sha256")
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    data = bytearray(path.read_bytes())
    data[-4] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "file", "code"),
    [
        (lose, MAPPING_CROP.name, "checkpoint_missing"),
        (flip_one_bit, FACE_256.name, "checkpoint_corrupt"),
    ],
)
def test_without_sound_weights_the_lesson_is_a_labelled_stand_in(
    lesson: Lesson,
    teacher: User,
    settings: Settings,
    checkpoints_dir: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    file: str,
    code: str,
) -> None:
    settings.CHECKPOINTS_DIR = Path(shutil.copytree(checkpoints_dir, tmp_path / "damaged"))
    damage(settings.CHECKPOINTS_DIR / file)
    job = click_generate(lesson, teacher)

    metrics = work_off(job)

    assert (job.state, job.error_code) == (JobState.FALLBACK, code), job.error_message
    assert outcomes(job, 0) == [("failed", code), ("done", "")]  # not tried again: it would fail again
    assert metrics["outcome"] == "fallback"
    assert metrics["error"]["code"] == code
    assert metrics["engines"]["face"].startswith("still")
    assert file in job.error_message
    assert "download_checkpoints" in job.error_hint
    assert inspect_video(local.results_folder(job.pk) / "video.mp4").frame_count > 0
