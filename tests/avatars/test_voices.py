"""Cloned voices: who may keep, hear and use one, and what is left when it is withdrawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from avatars.models import VoiceSample
from avatars.services import voices
from lessons import services as lessons
from talking_head import services as rendering
from talking_head.errors import InvalidInput, TalkingHeadError
from talking_head.files import clip_cache, local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Clip, JobState
from talking_head.pipeline.cache.store import ContentCache
from talking_head.worker.renderer_handle import new_renderer
from talking_head.worker.worker import Worker
from tests.avatars.conftest import LogIn
from tests.voice_samples import make_cloning_possible, recording


@pytest.fixture(autouse=True)
def cloning(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_cloning_possible(settings, monkeypatch, tmp_path / "checkpoints")


@pytest.fixture
def sample(teacher: User) -> VoiceSample:
    return voices.add_voice_sample(teacher, "Mine", recording(), language="de", consent_given_by="Erika Muster")


def voice_of(sample: VoiceSample) -> str:
    return rendering.cloned_voice_name(sample.digest, sample.language)


def upload(client: Client, data: bytes, **fields: str) -> Any:
    values = {"name": "Mine", "language": "de", "consent": "on", "consent_given_by": "Erika Muster", **fields}
    file = SimpleUploadedFile("voice.flac", data, content_type="audio/flac")
    return client.post(reverse("voice_sample_upload"), {"recording": file, **values})


# --- keeping one ---------------------------------------------------------------------------------------------------


def test_an_upload_becomes_a_voice_with_its_agreement(log_in: LogIn, teacher: User) -> None:
    client = log_in(teacher)
    assert upload(client, recording()).status_code == 302
    sample = VoiceSample.objects.get()
    assert (sample.owner, sample.name, sample.language) == (teacher, "Mine", "de")
    assert sample.consent_given_by == "Erika Muster" and sample.consent_statement == voices.CONSENT_STATEMENT
    assert uploads.exists(UploadKind.VOICE_SAMPLE, sample.digest)
    page = client.get(reverse("voice_samples")).content.decode()
    assert "Mine" in page and "German" in page and reverse("voice_sample_file", args=[sample.digest]) in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"consent": ""}, "has agreed"),
        ({"consent_given_by": " "}, "Enter the name of the person"),
        ({"language": "tlh"}, "tlh is not one of the available choices"),
    ],
)
def test_nothing_is_kept_without_agreement_or_language(
    log_in: LogIn, teacher: User, fields: dict[str, str], words: str
) -> None:
    response = upload(log_in(teacher), recording(), **fields)
    assert response.status_code == 400 and words in response.content.decode()
    assert not VoiceSample.objects.exists() and not list(local.media_root().rglob("voice_samples/*/*"))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"#EXTM3U\nhttp://example.org/a.ts", "not supported"), (b"", "empty"), (None, "at least 10 are needed")],
)
def test_what_is_no_voice_is_refused_with_advice(log_in: LogIn, teacher: User, data: bytes | None, words: str) -> None:
    response = upload(log_in(teacher), recording(4.0) if data is None else data)
    assert response.status_code == 400 and words in response.content.decode()
    assert not VoiceSample.objects.exists() and not list(local.media_root().rglob("voice_samples/*/*"))


def test_an_upload_that_is_too_heavy_is_refused_before_it_is_read(log_in: LogIn, teacher: User) -> None:
    response = log_in(teacher).generic(
        "POST", reverse("voice_sample_upload"), b"", CONTENT_LENGTH=str(2 * rendering.MAX_SAMPLE_BYTES)
    )
    assert response.status_code == 413 and "larger than 30 MB" in response.content.decode()


def test_the_same_recording_twice_is_one_voice(teacher: User, colleague: User, sample: VoiceSample) -> None:
    with pytest.raises(InvalidInput) as refused:
        voices.add_voice_sample(teacher, "Again", recording(), language="de", consent_given_by="Erika Muster")
    assert refused.value.code == "voice_exists"
    voices.add_voice_sample(colleague, "Theirs", recording(), language="de", consent_given_by="Erika Muster")


def test_where_voices_cannot_be_cloned_the_page_says_what_is_missing(
    log_in: LogIn, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COQUI_TOS_AGREED")
    client = log_in(teacher)
    page = client.get(reverse("voice_samples")).content.decode()
    assert "cannot be cloned on this server" in page and "COQUI_TOS_AGREED" not in page
    User.objects.filter(pk=teacher.pk).update(is_staff=True)
    assert "COQUI_TOS_AGREED" in client.get(reverse("voice_samples")).content.decode()
    assert reverse("voice_sample_upload") not in page
    assert upload(client, recording())["Location"] == reverse("voice_samples")
    assert not VoiceSample.objects.exists()


# --- whose it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["voice_samples", "voice_sample_upload"])
def test_the_pages_are_for_teachers(client: Client, log_in: LogIn, student: User, page: str) -> None:
    assert client.get(reverse(page)).status_code == 302
    assert log_in(student).get(reverse(page)).status_code == 403


def test_nobody_else_hears_or_withdraws_it(
    client: Client, log_in: LogIn, teacher: User, colleague: User, student: User, admin_user: User, sample: VoiceSample
) -> None:
    sound, withdraw = (
        reverse("voice_sample_file", args=[sample.digest]),
        reverse("voice_sample_withdraw", args=[sample.pk]),
    )
    assert client.get(sound).status_code in (302, 401)
    for person in (colleague, student, admin_user):
        assert log_in(person).get(sound).status_code == 404
        assert log_in(person).post(withdraw).status_code in (403, 404)
    own = log_in(teacher).get(sound, headers={"Range": "bytes=0-3"})
    assert own.status_code == 206 and b"".join(own) == b"fLaC"
    assert log_in(teacher).get(reverse("voice_sample_file", args=["no-digest"])).status_code == 404


def test_voices_lists_it_for_its_owner_alone(
    log_in: LogIn, teacher: User, colleague: User, sample: VoiceSample
) -> None:
    def listed(user: User) -> dict[str, str]:
        return {voice["name"]: voice["language"] for voice in log_in(user).get("/api/voices/").json()}

    assert listed(teacher)[voice_of(sample)] == "de"
    assert voice_of(sample) not in listed(colleague)
    assert voice_of(sample) not in {voice.name for voice in rendering.voices()}


# --- using it ------------------------------------------------------------------------------------------------------


def test_a_lesson_can_be_read_by_it(teacher: User, sample: VoiceSample) -> None:
    job = rendering.submit_job(owner=teacher, script="Wasser kocht.", voice=voice_of(sample), language="de")
    assert (job.voice, job.speech) == (voice_of(sample), "coqui"), "a voice's name says who speaks it"


def test_the_api_takes_it_from_its_owner_alone(
    log_in: LogIn, teacher: User, colleague: User, sample: VoiceSample
) -> None:
    body = {"script": "Wasser kocht.", "voice": voice_of(sample), "language": "de"}
    for person, status in ((teacher, 201), (colleague, 400)):
        answer = log_in(person).post("/api/jobs/", body, content_type="application/json")
        assert answer.status_code == status, answer.content
    assert answer.json()["code"] == "voice_withdrawn"


def test_a_lesson_cannot_borrow_a_colleagues_voice(teacher: User, colleague: User, sample: VoiceSample) -> None:
    lesson = lessons.add_lesson(lessons.create_course(colleague, "Physics"), "Water")
    lesson = lessons.change_lesson(lesson, script="Wasser kocht.", voice=voice_of(sample), language="de")
    with pytest.raises(InvalidInput) as refused:
        lessons.generate_video(lesson, colleague)
    assert refused.value.code == "voice_withdrawn"


def test_the_editor_offers_it_and_says_when_it_is_withdrawn(log_in: LogIn, teacher: User, sample: VoiceSample) -> None:
    lesson = lessons.add_lesson(lessons.create_course(teacher, "Physics"), "Water")
    address = reverse("lesson_edit", args=[lesson.course.slug, lesson.pk])
    client, fields = log_in(teacher), ("title", "script", "speed", "profile", "version")
    assert "Mine (de)" in client.get(address).content.decode()
    client.post(address, {name: getattr(lesson, name) for name in fields} | {"voice": voice_of(sample)})
    lesson.refresh_from_db()
    assert (lesson.voice, lesson.language) == (voice_of(sample), "de")
    voices.withdraw_voice_sample(sample)
    assert "A cloned voice (currently unavailable)" in client.get(address).content.decode()
    sent = {name: getattr(lesson, name) for name in fields} | {"voice": lesson.voice, "script": "Wasser kocht."}
    answer = client.post(address, sent | {"action": "generate"}, headers={"accept": "application/json"})
    assert "This voice is not available" in answer.content.decode()
    lesson.refresh_from_db()
    assert (lesson.script, lesson.language) == ("Wasser kocht.", "de"), "saved, and not turned into English"


# --- withdrawing it ------------------------------------------------------------------------------------------------


def test_withdrawing_deletes_the_recording_and_keeps_the_record(
    log_in: LogIn, teacher: User, sample: VoiceSample
) -> None:
    client = log_in(teacher)
    assert client.post(reverse("voice_sample_withdraw", args=[sample.pk])).status_code == 302
    sample.refresh_from_db()
    assert sample.withdrawn_at is not None and sample.consent_given_by == "Erika Muster"
    assert not uploads.exists(UploadKind.VOICE_SAMPLE, sample.digest)
    page = client.get(reverse("voice_samples")).content.decode()
    assert "withdrawn on" in page and reverse("voice_sample_file", args=[sample.digest]) not in page
    client.post(reverse("voice_sample_withdraw", args=[sample.pk]))
    assert rendering.own_voices(teacher) == ()


def test_withdrawing_stops_videos_in_the_making_and_forgets_what_was_said(teacher: User, sample: VoiceSample) -> None:
    job = rendering.submit_job(owner=teacher, script="Wasser kocht.", voice=voice_of(sample), language="de")
    other = rendering.submit_job(owner=teacher, script="Water boils.")
    cache, keys = ContentCache(local.cache_root()), {"takes": "a" * 64, "clips": "b" * 64}
    for kind, key in keys.items():
        with cache.building(kind, key) as folder:
            (folder / "file").write_bytes(b"his voice")
    Clip.objects.filter(job=job).update(take_key=keys["takes"], clip_key=keys["clips"])
    voices.withdraw_voice_sample(sample)
    job.refresh_from_db()
    other.refresh_from_db()
    assert (job.state, other.state) == (JobState.CANCELLED, JobState.QUEUED)
    assert all(cache.get(kind, key) is None for kind, key in keys.items())
    with pytest.raises(TalkingHeadError) as refused:
        rendering.retry_job(job)
    assert refused.value.code == "voice_withdrawn"


@pytest.mark.django_db(transaction=True)
def test_what_is_said_while_it_is_withdrawn_does_not_stay(
    settings: Settings, teacher: User, sample: VoiceSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last frame and the row that would say where the clip lies."""
    settings.TALKING_HEAD_RENDERER = [sys.executable, "-m", "tests.talking_head.worker.fake_renderer"]
    job = rendering.submit_job(owner=teacher, script="Wasser kocht.", voice=voice_of(sample), language="de")
    monkeypatch.setattr(clip_cache, "store", lambda result, keep_going: voices.withdraw_voice_sample(sample))
    worker = Worker(new_renderer(), name="tester:1")
    try:
        worker.work(job.pk)
    finally:
        worker.renderer.close()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert not list(local.cache_root().glob("clips/*/*"))


@pytest.mark.django_db(transaction=True)
def test_a_video_that_is_deleted_takes_along_what_the_voice_said_in_it_alone(
    teacher: User, sample: VoiceSample
) -> None:
    first, second = (
        rendering.submit_job(owner=teacher, script="Wasser kocht.", voice=voice_of(sample), language="de")
        for _ in range(2)
    )
    cache, keys = ContentCache(local.cache_root()), {"takes": "a" * 64, "clips": "b" * 64}
    for kind, key in keys.items():
        with cache.building(kind, key) as folder:
            (folder / "file").write_bytes(b"his voice")
    Clip.objects.update(take_key=keys["takes"], clip_key=keys["clips"])
    first.delete()
    assert all(cache.get(kind, key) for kind, key in keys.items()), "the other video has the same sentence"
    second.delete()
    assert not any(cache.get(kind, key) for kind, key in keys.items())


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_deleted_takes_its_recordings_along(
    log_in: LogIn, admin_user: User, teacher: User, sample: VoiceSample
) -> None:
    address = reverse("admin:auth_user_delete", args=[teacher.pk])
    assert log_in(admin_user).post(address, {"post": "yes"}).status_code == 302
    assert not VoiceSample.objects.exists() and not uploads.exists(UploadKind.VOICE_SAMPLE, sample.digest)


def test_an_administrator_withdraws_without_hearing(log_in: LogIn, admin_user: User, sample: VoiceSample) -> None:
    client = log_in(admin_user)
    page = client.get(reverse("admin:avatars_voicesample_change", args=[sample.pk])).content.decode()
    assert "Erika Muster" in page and "<audio" not in page
    chosen = {"action": "withdraw", "_selected_action": [sample.pk]}
    assert client.post(reverse("admin:avatars_voicesample_changelist"), chosen).status_code == 302
    sample.refresh_from_db()
    assert sample.withdrawn_at is not None and not uploads.exists(UploadKind.VOICE_SAMPLE, sample.digest)


def test_a_file_that_two_people_keep_goes_with_the_second(teacher: User, colleague: User, sample: VoiceSample) -> None:
    theirs = voices.add_voice_sample(colleague, "Theirs", recording(), language="de", consent_given_by="Erika Muster")
    voices.withdraw_voice_sample(sample)
    assert uploads.exists(UploadKind.VOICE_SAMPLE, theirs.digest)
    voices.withdraw_voice_sample(theirs)
    assert not uploads.exists(UploadKind.VOICE_SAMPLE, theirs.digest)


def test_a_user_has_a_limited_number_of_voices(
    teacher: User, sample: VoiceSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "MAX_VOICES", 1)
    with pytest.raises(InvalidInput) as refused:
        voices.add_voice_sample(teacher, "Again", recording(), language="de", consent_given_by="Erika Muster")
    assert refused.value.code == "too_many_voices"
    voices.withdraw_voice_sample(sample)
