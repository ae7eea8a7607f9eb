"""Asking for videos: everything is checked first, one key is one job, and what is rolled back never was."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django_q.models import OrmQ
from pytest_django import Settings

from talking_head import services
from talking_head.errors import OptionError, PortraitError, ResourceError, ScriptError, TalkingHeadError
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import wakeups
from talking_head.models import Clip, Job, JobState
from tests.talking_head import fakes
from tests.talking_head.jobs.site import Site

SCRIPT = "# Water\n\nWater boils at 100 degrees. It becomes steam.\n\n[pause 1s]\n\nThat is all."


@pytest.fixture(autouse=True)
def fake_engines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    fakes.install(monkeypatch)
    services.scripts.voices_of.cache_clear()
    settings.TALKING_HEAD_FACE, settings.TALKING_HEAD_SPEECH = "fakeface", "fakespeech"


@pytest.fixture
def digest(portrait_png: Path, media_root: Path) -> str:
    """A portrait that is stored already."""
    path = uploads.local_path(UploadKind.PORTRAIT, "a" * 64)
    path.parent.mkdir(parents=True)
    path.write_bytes(portrait_png.read_bytes())
    return "a" * 64


@pytest.mark.django_db(transaction=True)
def test_a_job_has_a_clip_for_every_utterance_and_rings_after_the_commit(teacher: User, digest: str) -> None:
    job = services.submit_job(owner=teacher, script=SCRIPT, portrait_digest=digest, voice="boop", profile="fast")
    clips = list(job.clips.all())
    assert job.state == JobState.QUEUED
    assert (job.face, job.speech, job.timeout_seconds) == ("fakeface", "fakespeech", 300.0)
    assert [clip.index for clip in clips] == list(range(len(clips)))
    assert all(SCRIPT[clip.start : clip.end].strip() for clip in clips)
    assert any(clip.chapter == "Water" for clip in clips)
    assert job.stages["validation"] >= 0
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_20_a_job_that_is_rolled_back_never_was(teacher: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        services.submit_job(owner=teacher, script="Hello there.")
        raise RuntimeError
    assert (Job.objects.count(), Clip.objects.count(), OrmQ.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("values", "error", "code"),
    [
        ({"script": "  "}, ScriptError, "empty_script"),
        ({"profile": "best"}, OptionError, "unknown_profile"),
        ({"voice": "nobody"}, OptionError, "unknown_voice"),
        ({"face": "nobody"}, OptionError, "unknown_engine"),
        ({"speech": "nobody"}, OptionError, "unknown_engine"),
        ({"speed": 9.0}, OptionError, "speed_out_of_range"),
        ({"speed": float("nan")}, OptionError, "speed_out_of_range"),
        ({"portrait_digest": "b" * 64}, PortraitError, "unknown_portrait"),
        ({"portrait_digest": "../../etc/passwd"}, PortraitError, "unknown_portrait"),
        ({"face": "fakeface", "portrait_digest": ""}, PortraitError, "portrait_missing"),
        ({"idempotency_key": "k" * 101}, OptionError, "key_too_long"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_stored(
    teacher: User, digest: str, values: dict[str, object], error: type[TalkingHeadError], code: str
) -> None:
    request: dict[str, object] = {"script": "Hello there.", "portrait_digest": digest, **values}
    with pytest.raises(error) as caught:
        services.submit_job(owner=teacher, **request)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_without_a_portrait_the_still_engine_speaks(teacher: User) -> None:
    assert services.submit_job(owner=teacher, script="Hello there.").face == "still"


@pytest.mark.django_db
def test_the_same_key_of_the_same_owner_is_the_same_job(teacher: User, student: User) -> None:
    first = services.submit_job(owner=teacher, script="Hello there.", idempotency_key="k")
    assert services.submit_job(owner=teacher, script="Hello there.", idempotency_key="k").pk == first.pk
    assert services.submit_job(owner=student, script="Hello there.", idempotency_key="k").pk != first.pk
    assert services.submit_job(owner=teacher, script="Hello there.").pk != first.pk


PARALLEL = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from django.contrib.auth.models import User
from talking_head import services
owner = User.objects.create_user("teacher")
def submit(number):
    return str(services.submit_job(owner=owner, script="Hello there. Bye.", idempotency_key="the key").pk)
with ThreadPoolExecutor(10) as pool:
    print(json.dumps(list(pool.map(submit, range(10)))))
"""


def test_18_ten_parallel_requests_with_one_key_are_one_job(site: Site) -> None:
    ids = json.loads(site.python(PARALLEL).splitlines()[-1])
    assert len(ids) == 10
    assert len(set(ids)) == 1
    assert site.rows("SELECT COUNT(*) FROM talking_head_job") == [(1,)]
    assert site.rows("SELECT COUNT(*) FROM talking_head_clip") == [(2,)]


def refuse(number: int) -> Callable[..., None]:
    def fsync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    return fsync


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "no_space"), (errno.EROFS, "storage_denied")])
@pytest.mark.django_db
def test_23_24_a_full_or_read_only_disk_is_said_and_leaves_nothing(
    teacher: User, media_root: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, portrait_png: Path
) -> None:
    monkeypatch.setattr(os, "fsync", refuse(number))
    with pytest.raises(ResourceError) as caught:
        services.submit_job(owner=teacher, script="Hello there.")
    assert caught.value.code == code
    with pytest.raises(ResourceError) as caught:
        services.store_portrait(portrait_png.read_bytes())
    assert caught.value.code == code
    assert not Job.objects.exists()
    assert [path for path in media_root.rglob("*") if path.is_file()] == []


@pytest.mark.django_db(transaction=True)
def test_30_a_job_is_accepted_while_the_queue_is_away(teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_connection(*args: object, **kwargs: object) -> None:
        raise ConnectionError("the broker is away")

    monkeypatch.setattr(wakeups, "async_task", refuse_connection)
    assert services.submit_job(owner=teacher, script="Hello there.").state == JobState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_a_retry_is_a_new_job_with_the_same_values(teacher: User, digest: str) -> None:
    job = services.submit_job(owner=teacher, script=SCRIPT, portrait_digest=digest, title="T", subject="lesson:1")
    with pytest.raises(OptionError) as caught:
        services.retry_job(job)
    assert caught.value.code == "job_active"
    assert services.cancel_job(job)
    again = services.retry_job(job, profile="fast")
    assert again.pk != job.pk
    assert (again.script, again.title, again.subject, again.profile) == (SCRIPT, "T", "lesson:1", "fast")
    assert again.clips.count() == job.clips.count()
