"""What a user deletes is gone: hidden at once, restored for an hour, then rows and files are deleted (case 60)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from lessons import services
from lessons.models import Course, Lesson, Progress
from talking_head.files import bucket, local
from talking_head.models import Clip, Job, JobState, Removal
from talking_head.worker import garbage, sweeper
from tests.factories import make_user
from tests.lessons.conftest import show
from tests.object_store import Network, answer_500
from tests.talking_head.rows import make_finished_job

FILES = ("video.mp4", "captions.vtt", "transcript.json", "poster.jpg", "manifest.json", "log.txt")
pytestmark = pytest.mark.django_db(transaction=True)


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def job(lesson: Lesson, teacher: User) -> Job:
    return make_finished_job(teacher, subject=f"lesson:{lesson.pk}", subject_version="1", title=lesson.title)


@pytest.fixture
def shown(lesson: Lesson, job: Job, enrolled: User) -> Lesson:
    return show(lesson, job)


def let_undo_time_pass(lesson: Lesson) -> None:
    an_hour = timedelta(seconds=3_601)
    row = Lesson.with_deleted.get(pk=lesson.pk)
    Lesson.with_deleted.filter(pk=row.pk).update(deleted_at=(row.deleted_at or row.created_at) - an_hour)
    for job in Job.objects.exclude(delete_after=None):
        Job.objects.filter(pk=job.pk).update(delete_after=(job.delete_after or job.created_at) - an_hour)


def sweep() -> None:
    sweeper.sweep()
    garbage.collect_garbage()


def files_left(media_root: Path) -> list[str]:
    return sorted(str(path.relative_to(media_root)) for path in media_root.rglob("*") if path.is_file())


def addresses(job: Job) -> list[str]:
    return [*(reverse("job_file", args=[job.pk, name]) for name in FILES), reverse("job_clip", args=[job.pk, 0])]


@pytest.mark.parametrize("published", [True, False])
def test_60_a_deleted_lesson_is_served_to_nobody_and_gone_after_the_hour(
    shown: Lesson, job: Job, teacher: User, enrolled: User, admin_user: User, media_root: Path, published: bool
) -> None:
    Lesson.objects.filter(pk=shown.pk).update(is_published=published)
    Progress.objects.create(lesson=shown, student=enrolled, position_seconds=2.0)
    assert client_of(teacher).get(addresses(job)[0]).status_code == 200
    client = client_of(teacher)
    client.post(reverse("lesson_delete", args=[shown.course.slug, shown.pk]))
    for user in (teacher, enrolled, admin_user):
        codes = {client_of(user).get(address).status_code for address in addresses(job)}
        assert codes == {404}, user
        assert client_of(user).get(shown.get_absolute_url()).status_code == 404
    sweep()
    assert Job.objects.filter(pk=job.pk).exists() and files_left(media_root), "it may still be undone"
    let_undo_time_pass(shown)
    sweep()
    assert not Lesson.with_deleted.exists() and not Job.objects.exists() and not Progress.objects.exists()
    assert files_left(media_root) == [] and not Removal.objects.exists()


def test_60_the_course_page_undoes_it_within_the_hour(shown: Lesson, job: Job, teacher: User, enrolled: User) -> None:
    client = client_of(teacher)
    page = client.post(reverse("lesson_delete", args=[shown.course.slug, shown.pk]), follow=True)
    undo = reverse("lesson_undelete", args=[shown.course.slug, shown.pk])
    assert undo in page.content.decode()
    assert client_of(enrolled).post(undo).status_code == 403
    client.post(undo)
    assert undo not in client.get(shown.course.get_absolute_url()).content.decode()
    assert client_of(enrolled).get(addresses(job)[0]).status_code == 200
    assert Lesson.objects.get().is_published
    services.delete_lesson(shown)
    let_undo_time_pass(shown)
    assert "too late" in client.post(undo, follow=True).content.decode()
    assert not Lesson.objects.exists()


def test_60_a_render_of_a_deleted_lesson_is_cancelled_and_goes_with_it(lesson: Lesson, teacher: User) -> None:
    running = services.generate_video(lesson, teacher)
    services.delete_lesson(Lesson.objects.get(pk=lesson.pk))
    running.refresh_from_db()
    assert running.state == JobState.CANCELLED
    let_undo_time_pass(lesson)
    sweep()
    assert not Job.objects.exists()


def test_60_a_deleted_job_takes_its_clips_along_unless_another_video_has_them(
    job: Job, teacher: User, media_root: Path
) -> None:
    twin = make_finished_job(teacher)
    job.delete()
    assert client_of(teacher).get(reverse("job_clip", args=[twin.pk, 0])).status_code == 200
    twin.delete()
    assert files_left(media_root) == []


def test_60_a_course_that_an_administrator_deletes_takes_its_videos_along(
    shown: Lesson, job: Job, teacher: User, admin_user: User, media_root: Path
) -> None:
    address = reverse("admin:lessons_course_delete", args=[shown.course.pk])
    assert client_of(admin_user).post(address, {"post": "yes"}).status_code == 302
    assert not Course.objects.exists()
    assert client_of(teacher).get(addresses(job)[0]).status_code == 404
    sweep()
    assert not Job.objects.exists() and not Clip.objects.exists() and files_left(media_root) == []


def test_60_a_deleted_account_takes_its_videos_along_but_not_those_of_others(
    shown: Lesson, job: Job, admin_user: User, media_root: Path
) -> None:
    leaving = make_user("leaving", teacher=True)
    own, made_for_others = make_finished_job(leaving), make_finished_job(leaving, subject=f"lesson:{shown.pk}")
    show(shown, made_for_others)
    address = reverse("admin:auth_user_delete", args=[leaving.pk])
    assert client_of(admin_user).post(address, {"post": "yes"}).status_code == 302
    sweep()
    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk, made_for_others.pk}
    assert not local.results_folder(own.pk).exists()


def test_60_a_job_with_the_subject_of_a_foreign_lesson_stays(shown: Lesson, other_teacher: User) -> None:
    foreign = make_finished_job(other_teacher, subject=f"lesson:{shown.pk}")
    services.delete_lesson(shown)
    let_undo_time_pass(shown)
    sweep()
    assert list(Job.objects.all()) == [foreign]


@pytest.mark.xdist_group("servers")
@pytest.mark.usefixtures("bucket_name")
def test_60_in_a_bucket_it_goes_too_even_when_the_bucket_was_away(
    lesson: Lesson, teacher: User, network: Network, settings: Settings
) -> None:
    job = make_finished_job(teacher)
    key = job.clips.order_by("index").values_list("clip_key", flat=True)[0]
    names = [f"results_{job.pk}/0/video.mp4", f"cache/clips/{key[:2]}/{key}/clip.mp4"]
    for name in names:
        bucket.upload_bytes(name, b"a person")
    network.misbehave("DELETE", "video.mp4", how=answer_500, times=99)
    job.delete()
    assert names[0] in bucket.names(""), "the bucket refused"
    network.behave()
    garbage.collect_garbage()
    assert [name for name in bucket.names("") if not name.startswith("tmp")] == []
