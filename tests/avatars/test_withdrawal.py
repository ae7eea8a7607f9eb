"""When a person withdraws consent, what uses their face or voice stops, is hidden and is deleted (cases 50 and 59)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pytest_django import Settings

from avatars.models import Portrait, VoiceSample
from avatars.services import portraits as services
from avatars.services import voices
from talking_head import services as rendering
from talking_head.errors import PortraitError, TalkingHeadError
from talking_head.files import bucket, clip_cache, local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Job, JobState, PortraitUpload
from talking_head.worker import garbage, sweeper
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.avatars.conftest import LogIn
from tests.factories import enrol, make_course, make_lesson
from tests.talking_head.rows import make_finished_job
from tests.voice_samples import make_cloning_possible, recording

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = "Water boils."


@pytest.fixture(autouse=True)
def fake_rendering(settings: Settings) -> None:
    settings.TALKING_HEAD_RENDERER = [sys.executable, "-m", "tests.talking_head.worker.fake_renderer"]


@pytest.fixture
def worker() -> Any:
    worker = Worker(new_renderer(), name="tester:1")
    yield worker
    worker.renderer.close()


@pytest.fixture
def sample(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, teacher: User) -> VoiceSample:
    make_cloning_possible(settings, monkeypatch, tmp_path / "checkpoints")
    return voices.add_voice_sample(teacher, "Mine", recording(), language="de", consent_given_by="Erika Muster")


def let_undo_time_pass() -> None:
    for portrait in Portrait.objects.exclude(deleted_at=None):
        past = (portrait.deleted_at or portrait.created_at) - timedelta(seconds=31)
        Portrait.objects.filter(pk=portrait.pk).update(deleted_at=past)


def sweep() -> None:
    sweeper.sweep()
    garbage.collect_garbage()


def clips_left() -> list[Path]:
    return [path for kind in ("clips", "takes") for path in local.cache_root().glob(f"{kind}/*/*")]


def submit(owner: User, portrait: Portrait) -> Job:
    return rendering.submit_job(owner=owner, script=SCRIPT, portrait_digest=portrait.digest)


# --- before, during and after a render -----------------------------------------------------------------------------


def test_59_before_a_render_it_is_refused_and_what_waits_is_cancelled(
    log_in: LogIn, teacher: User, portrait: Portrait
) -> None:
    waiting, ended = submit(teacher, portrait), make_finished_job(teacher, portrait_digest=portrait.digest)
    services.delete_portrait(portrait)
    waiting.refresh_from_db()
    assert waiting.state == JobState.CANCELLED
    client = log_in(teacher)
    body = {"script": SCRIPT, "portrait_digest": portrait.digest}

    def codes() -> list[str]:
        answers = [
            client.post("/api/jobs/", body, content_type="application/json"),
            client.post(f"/api/jobs/{ended.pk}/retry", {}, content_type="application/json"),
        ]
        assert {answer.status_code for answer in answers} == {400}
        return [answer.json()["code"] for answer in answers]

    assert codes() == ["portrait_withdrawn", "portrait_withdrawn"]
    let_undo_time_pass()
    sweep()
    assert set(codes()) <= {"portrait_withdrawn", "unknown_portrait"}
    assert not uploads.exists(UploadKind.PORTRAIT, portrait.digest)


@pytest.mark.parametrize("withdraw", [services.delete_portrait, services.withdraw_portrait])
def test_50_59_during_a_render_the_job_is_cancelled_and_its_clip_deleted(
    teacher: User,
    portrait: Portrait,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    withdraw: Callable[[Portrait], object],
) -> None:
    """Between the last frame and the row that would say where the clip lies."""
    job = submit(teacher, portrait)
    monkeypatch.setattr(clip_cache, "store", lambda result, keep_going: withdraw(portrait))
    worker.work(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert clips_left() == [] and not (local.results_folder(job.pk) / "video.mp4").exists()
    portrait.refresh_from_db()
    assert portrait.deleted_at and portrait.consent_given_by == "Eileen Collins", "the record stays"


def test_59_after_a_render_the_video_is_hidden_and_bytes_and_clips_are_gone(
    log_in: LogIn, teacher: User, student: User, portrait: Portrait, worker: Worker
) -> None:
    job = submit(teacher, portrait)
    worker.work()
    course = make_course(teacher)
    enrol(student, course)
    lesson = make_lesson(course, current_job=job.pk, latest_job=job.pk, is_published=True)
    video = reverse("job_file", args=[job.pk, "video.mp4"])
    assert log_in(student).get(video).status_code == 200 and clips_left()
    log_in(teacher).post(reverse("portrait_delete", args=[portrait.pk]))
    for user in (student, teacher):
        assert log_in(user).get(video).status_code == 404
        assert log_in(user).get(reverse("job_clip", args=[job.pk, 0])).status_code == 404
    assert log_in(student).get(lesson.get_absolute_url()).status_code == 403
    assert lesson.title not in log_in(student).get(course.get_absolute_url()).content.decode()
    let_undo_time_pass()
    sweep()
    assert clips_left() == [] and not uploads.exists(UploadKind.PORTRAIT, portrait.digest)
    portrait.refresh_from_db()
    assert portrait.purged_at and Job.objects.get(pk=job.pk).consent_withdrawn_at


def test_59_the_owner_says_keep_and_the_video_is_shown_again(
    log_in: LogIn, teacher: User, colleague: User, portrait: Portrait
) -> None:
    job = make_finished_job(teacher, portrait_digest=portrait.digest)
    services.withdraw_portrait(portrait)
    client, keep = log_in(teacher), reverse("portrait_keep_videos", args=[portrait.pk])
    page = client.get(reverse("portrait_list")).content.decode()
    assert "1 finished video with it is hidden" in page and keep in page
    assert log_in(colleague).post(keep).status_code == 404
    client.post(keep)
    assert client.get(reverse("job_file", args=[job.pk, "video.mp4"])).status_code == 200
    sweep()
    job.refresh_from_db()
    assert job.kept_at and job.consent_withdrawn_at and not job.is_hidden, "both are on record"
    assert keep not in client.get(reverse("portrait_list")).content.decode()


def test_59_within_the_undo_time_everything_comes_back(log_in: LogIn, teacher: User, portrait: Portrait) -> None:
    job = make_finished_job(teacher, portrait_digest=portrait.digest)
    services.delete_portrait(portrait)
    sweep()
    services.undelete_portrait(portrait)
    sweep()
    assert log_in(teacher).get(reverse("job_file", args=[job.pk, "video.mp4"])).status_code == 200
    assert submit(teacher, portrait).state == JobState.QUEUED
    services.delete_portrait(portrait)
    let_undo_time_pass()
    with pytest.raises(PortraitError) as refused:
        services.undelete_portrait(portrait)
    assert refused.value.code == "portrait_withdrawn"


# --- other owners of the same bytes --------------------------------------------------------------------------------


def test_59_another_owner_with_a_consent_of_their_own_is_not_touched(
    teacher: User, colleague: User, portrait: Portrait, portrait_png: Path
) -> None:
    theirs = services.add_portrait(colleague, "Mine", portrait_png.read_bytes(), consent_given_by="x")
    running = submit(colleague, theirs)
    services.withdraw_portrait(portrait)
    sweep()
    running.refresh_from_db()
    assert running.state == JobState.QUEUED and uploads.exists(UploadKind.PORTRAIT, theirs.digest)
    with pytest.raises(PortraitError):
        submit(teacher, portrait)
    services.withdraw_portrait(theirs)
    assert not uploads.exists(UploadKind.PORTRAIT, theirs.digest)


def test_59_a_colleague_who_used_a_shared_portrait_is_stopped_too(colleague: User, shared_portrait: Portrait) -> None:
    running = submit(colleague, shared_portrait)
    services.delete_portrait(shared_portrait)
    running.refresh_from_db()
    assert running.state == JobState.CANCELLED
    with pytest.raises(PortraitError):
        rendering.retry_job(running)


def test_59_a_deleted_account_takes_its_pictures_along(log_in: LogIn, admin_user: User, portrait: Portrait) -> None:
    address = reverse("admin:auth_user_delete", args=[portrait.owner_id])
    assert log_in(admin_user).post(address, {"post": "yes"}).status_code == 302
    assert not uploads.exists(UploadKind.PORTRAIT, portrait.digest)


@pytest.mark.xdist_group("servers")
@pytest.mark.usefixtures("bucket_name")
def test_59_in_a_bucket_and_on_other_machines_it_goes_too(
    settings: Settings, tmp_path: Path, teacher: User, portrait: Portrait
) -> None:
    job = make_finished_job(teacher, portrait_digest=portrait.digest)
    key = f"{0:064x}"
    bucket.upload_bytes(f"cache/clips/00/{key}/clip.mp4", b"her face")
    first_machine = settings.MEDIA_ROOT
    services.withdraw_portrait(portrait)
    settings.MEDIA_ROOT = tmp_path / "second machine"
    copies = [local.cache_root() / f"clips/00/{key}/clip.mp4", uploads.local_path(UploadKind.PORTRAIT, portrait.digest)]
    for path in copies:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"her face")
    sweep()
    assert not any(path.exists() for path in copies)
    assert not list(Path(first_machine).rglob("clip.mp4"))
    assert [name for name in bucket.names("") if not name.startswith(f"results_{job.pk}")] == []


# --- voices --------------------------------------------------------------------------------------------------------


def test_59_a_withdrawn_voice_hides_its_videos_until_the_owner_keeps_them(
    log_in: LogIn, teacher: User, sample: VoiceSample
) -> None:
    voice = rendering.cloned_voice_name(sample.digest, sample.language)
    job = make_finished_job(teacher, voice=voice)
    running = rendering.submit_job(owner=teacher, script=SCRIPT, voice=voice, language="de")
    client = log_in(teacher)
    client.post(reverse("voice_sample_withdraw", args=[sample.pk]))
    sweep()
    running.refresh_from_db()
    assert running.state == JobState.CANCELLED and clips_left() == []
    video = reverse("job_file", args=[job.pk, "video.mp4"])
    assert client.get(video).status_code == 404
    with pytest.raises(TalkingHeadError) as refused:
        rendering.retry_job(job)
    assert refused.value.code == "voice_withdrawn"
    client.post(reverse("voice_keep_videos", args=[sample.pk]))
    assert client.get(video).status_code == 200


def test_59_a_voice_that_another_owner_has_too_cannot_be_retried_by_the_one_who_withdrew(
    teacher: User, colleague: User, sample: VoiceSample
) -> None:
    voices.add_voice_sample(colleague, "Theirs", recording(), language="de", consent_given_by="Erika Muster")
    job = make_finished_job(teacher, voice=rendering.cloned_voice_name(sample.digest, sample.language))
    voices.withdraw_voice_sample(sample)
    assert uploads.exists(UploadKind.VOICE_SAMPLE, sample.digest)
    with pytest.raises(TalkingHeadError) as refused:
        rendering.retry_job(job)
    assert refused.value.code == "voice_withdrawn"


# --- pictures without recorded consent -----------------------------------------------------------------------------


def upload_to_service(log_in: LogIn, owner: User, data: bytes) -> Any:
    return log_in(owner).post("/api/avatar/upload", {"image_file": SimpleUploadedFile("face.png", data)})


def test_59_a_picture_of_the_service_api_has_an_owner_and_an_expiry(
    log_in: LogIn, teacher: User, portrait_png: Path
) -> None:
    assert upload_to_service(log_in, teacher, portrait_png.read_bytes()).status_code == 201
    upload = PortraitUpload.objects.get(owner=teacher)
    job = make_finished_job(teacher, portrait_digest=upload.digest)
    sweep()
    assert uploads.exists(UploadKind.PORTRAIT, upload.digest)
    PortraitUpload.objects.update(expires_at=upload.created_at)
    sweep()
    assert not PortraitUpload.objects.exists() and not uploads.exists(UploadKind.PORTRAIT, upload.digest)
    assert clips_left() == [] and not Job.objects.get(pk=job.pk).is_hidden


def test_59_the_service_api_refuses_a_picture_whose_consent_was_withdrawn(
    log_in: LogIn, teacher: User, portrait: Portrait, portrait_png: Path
) -> None:
    services.withdraw_portrait(portrait)
    answer = upload_to_service(log_in, teacher, portrait_png.read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (400, "portrait_withdrawn")
    assert not uploads.exists(UploadKind.PORTRAIT, portrait.digest)
