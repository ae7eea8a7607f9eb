"""Videos spoken by coqui-tts, from the command and from a teacher's cloned voice to the student's MP4.

Everything is real except the models, which are tiny and have made-up weights: the library, the command, the rows of a
job, a worker, a renderer process. Without coqui-tts these tests are skipped; in CI it is installed.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django import Settings

from avatars.services import voices
from lessons import services as lessons
from talking_head import services
from talking_head.files import local
from talking_head.models import JobState
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.media import inspect_video
from tests.talking_head.jobs.conftest import assert_invariants
from tests.talking_head.recordings import read_audio
from tests.voice_samples import recording

if not (find_spec("TTS") and find_spec("torchaudio")):
    pytest.skip("coqui-tts is not installed", allow_module_level=True)

from tests.talking_head.engines.speech.coqui.library.tiny_models import write_vits, write_xtts

GERMAN = "Wasser kocht bei hundert Grad. Eis schmilzt."


@pytest.fixture(scope="module")
def checkpoints_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    write_vits(folder / "vits" / "winzig", language="de")
    write_xtts(folder)
    return folder


@pytest.fixture(autouse=True)
def coqui_site(settings: Settings, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CHECKPOINTS_DIR = checkpoints_dir
    settings.TALKING_HEAD_TIMING = {}
    del settings.TALKING_HEAD_RENDERER  # not the fake one
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")


def test_the_command_makes_a_video_with_a_local_model(tmp_path: Path) -> None:
    script, out, metrics = tmp_path / "script.txt", tmp_path / "lesson.mp4", tmp_path / "metrics.json"
    script.write_text(GERMAN)
    call_command(
        "render", str(script), "--out", str(out), "--speech", "coqui", "--voice", "coqui:vits:winzig",
        "--language", "de", "--face", "still", "--profile", "fast", "--metrics", str(metrics), "--captions",
        str(tmp_path / "lesson.vtt"),
    )  # fmt: skip
    waveform, rate_hz = read_audio(out)
    assert abs(waveform).max() > 0.05, "something is said"
    assert inspect_video(out).frame_count / 25 == pytest.approx(len(waveform) / rate_hz, abs=0.1)
    assert json.loads(metrics.read_text())["engines"]["speech"].startswith("coqui ")
    captions = (tmp_path / "lesson.vtt").read_text()
    assert all(word in captions for word in GERMAN.split())


def test_a_teachers_cloned_voice_speaks_until_it_is_withdrawn(transactional_db: None, teacher: User) -> None:
    sample = voices.add_voice_sample(teacher, "Mine", recording(), language="de", consent_given_by="Erika Muster")
    voice = services.cloned_voice_name(sample.digest, sample.language)
    lesson = lessons.add_lesson(lessons.create_course(teacher, "Physics"), "Water")
    lesson = lessons.change_lesson(lesson, script=GERMAN, voice=voice, language="de", profile="fast")
    job = lessons.generate_video(lesson, teacher)
    later = services.submit_job(owner=teacher, script="Dampf steigt auf.", voice=voice, language="de", profile="fast")
    worker = Worker(new_renderer(), name="tester:1")
    try:
        worker.work(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.COMPLETED, job.error_message
        lesson.refresh_from_db()
        assert lesson.current_job == job.pk
        voices.withdraw_voice_sample(sample)
        worker.work()
    finally:
        worker.renderer.close()
    later.refresh_from_db()
    assert later.state == JobState.CANCELLED
    assert_invariants(worker)
    assert (local.results_folder(job.pk) / "video.mp4").is_file(), "finished videos stay"
    takes = list((local.cache_root() / "takes").rglob("take.flac"))
    assert not takes, "what the voice has said is forgotten"
