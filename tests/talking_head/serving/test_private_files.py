"""Who gets which file, and that no user learns of a job that is none of their business."""

from __future__ import annotations

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client

from talking_head import permissions as access
from talking_head.files import local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Job, JobState
from tests.talking_head.rows import finish_clip, make_finished_job, make_job

VIEWERS = ["video.mp4", "captions.vtt", "transcript.json", "poster.jpg"]
TOKEN = re.compile(r'(?<=")\w{64}(?=")')  # against forged requests: new on every page
OWNERS = ["manifest.json", "log.txt", "metrics.json"]


@pytest.fixture
def job(teacher: User) -> Job:
    return make_finished_job(teacher)


@pytest.fixture
def member(student: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user whom a rule of another app lets see every job."""
    monkeypatch.setattr(access, "_job_rules", [lambda user, _job: user == student])
    return student


def url(job: Job, name: str) -> str:
    return f"/media/jobs/{job.pk}/{name}"


def status(client: Client, user: User | None, path: str) -> int:
    if user:
        client.force_login(user)
    return client.get(path).status_code


class TestFilesOfAJob:
    @pytest.mark.parametrize("name", VIEWERS + OWNERS)
    def test_its_owner_gets_all(self, client: Client, teacher: User, job: Job, name: str) -> None:
        assert status(client, teacher, url(job, name)) == 200

    @pytest.mark.parametrize("name", VIEWERS + OWNERS)
    def test_administrators_get_all(self, client: Client, admin_user: User, job: Job, name: str) -> None:
        assert status(client, admin_user, url(job, name)) == 200

    @pytest.mark.parametrize("name", VIEWERS)
    def test_members_get_what_is_for_viewers(self, client: Client, member: User, job: Job, name: str) -> None:
        assert status(client, member, url(job, name)) == 200

    @pytest.mark.parametrize("name", OWNERS)
    def test_members_do_not_look_behind_the_scenes(self, client: Client, member: User, job: Job, name: str) -> None:
        assert status(client, member, url(job, name)) == 403

    @pytest.mark.parametrize("name", VIEWERS + OWNERS)
    def test_outsiders_cannot_tell_it_from_a_job_that_does_not_exist(
        self, client: Client, outsider: User, job: Job, name: str
    ) -> None:
        client.force_login(outsider)
        forbidden, unknown = client.get(url(job, name)), client.get(f"/media/jobs/{uuid.uuid4()}/{name}")
        assert forbidden.status_code == unknown.status_code == 404
        assert TOKEN.sub("", forbidden.content.decode()) == TOKEN.sub("", unknown.content.decode())

    @pytest.mark.parametrize("exists", [True, False])
    def test_players_without_a_session_are_told_so(self, client: Client, job: Job, exists: bool) -> None:
        path = url(job, "video.mp4") if exists else f"/media/jobs/{uuid.uuid4()}/video.mp4"
        response = client.get(path, headers={"accept": "*/*"})
        assert response.status_code == 401
        assert response.json()["code"] == "not_authenticated"

    def test_people_who_follow_a_link_may_log_in(self, client: Client, job: Job) -> None:
        response = client.get(url(job, "video.mp4"), headers={"accept": "text/html,*/*", "sec-fetch-mode": "navigate"})
        assert response.status_code == 302
        assert response["Location"] == f"/accounts/login/?next=/media/jobs/{job.pk}/video.mp4"

    def test_staff_without_the_permission_are_strangers(self, client: Client, outsider: User, job: Job) -> None:
        outsider.is_staff = True
        outsider.save()
        assert status(client, outsider, url(job, "video.mp4")) == 404

    def test_taking_a_right_away_works_at_once(
        self, client: Client, member: User, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert status(client, member, url(job, "video.mp4")) == 200
        monkeypatch.setattr(access, "_job_rules", [])
        assert status(client, member, url(job, "video.mp4")) == 404

    @pytest.mark.parametrize(
        "name",
        ["secret.txt", "video.mp4.part", "..", "%2e%2e", "..%2f..%2fdb.sqlite3", "video.mp4%00", "x" * 5000, "clips"],
    )
    def test_only_known_names_are_served(self, client: Client, teacher: User, job: Job, name: str) -> None:
        (local.results_folder(job.pk) / "secret.txt").write_text("secret")
        assert status(client, teacher, url(job, name)) == 404

    def test_the_metrics_file_answers_to_its_full_name(self, client: Client, teacher: User, job: Job) -> None:
        assert status(client, teacher, url(job, f"performance_metrics_{job.pk}.json")) == 200
        assert status(client, teacher, url(job, f"performance_metrics_{uuid.uuid4()}.json")) == 404

    def test_a_job_without_results_has_no_files(self, client: Client, teacher: User) -> None:
        assert status(client, teacher, url(make_job(teacher), "video.mp4")) == 404

    def test_nothing_but_reading(self, client: Client, teacher: User, job: Job) -> None:
        client.force_login(teacher)
        assert client.post(url(job, "video.mp4")).status_code == 405
        assert client.delete(url(job, "video.mp4")).status_code == 405


class TestClips:
    def test_a_finished_clip_of_a_running_job(self, client: Client, teacher: User) -> None:
        job = make_job(teacher, state=JobState.RUNNING)
        finish_clip(job, 1, data=b"moving pictures")
        client.force_login(teacher)
        response = client.get(f"/media/jobs/{job.pk}/clips/1.mp4")
        assert response.getvalue() == b"moving pictures"
        assert response["Content-Type"] == "video/mp4"

    @pytest.mark.parametrize("index", [0, 7, 10**30])
    def test_one_that_is_not_there(self, client: Client, teacher: User, index: int) -> None:
        job = make_job(teacher, state=JobState.RUNNING)
        assert status(client, teacher, f"/media/jobs/{job.pk}/clips/{index}.mp4") == 404

    def test_one_that_was_swept_from_the_cache(self, client: Client, teacher: User) -> None:
        job = make_job(teacher, state=JobState.RUNNING)
        finish_clip(job, 1).unlink()
        assert status(client, teacher, f"/media/jobs/{job.pk}/clips/1.mp4") == 404

    def test_strangers_get_none(self, client: Client, teacher: User, outsider: User) -> None:
        job = make_job(teacher, state=JobState.RUNNING)
        finish_clip(job, 1)
        assert status(client, outsider, f"/media/jobs/{job.pk}/clips/1.mp4") == 404
        client.logout()
        assert status(client, None, f"/media/jobs/{job.pk}/clips/1.mp4") == 401


class TestPortraits:
    DIGEST = "ab" * 32

    @pytest.fixture(autouse=True)
    def stored(self, monkeypatch: pytest.MonkeyPatch, teacher: User) -> None:
        path = uploads.local_path(UploadKind.PORTRAIT, self.DIGEST)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
        rules = [lambda user, digest: user == teacher and digest == self.DIGEST]
        monkeypatch.setattr(access, "_portrait_rules", rules)

    def test_whoever_a_rule_names(self, client: Client, teacher: User) -> None:
        client.force_login(teacher)
        response = client.get(f"/media/portraits/{self.DIGEST}")
        assert (response.status_code, response["Content-Type"]) == (200, "image/png")
        assert response["ETag"] == f'"{self.DIGEST}"'

    def test_nobody_else(self, client: Client, outsider: User) -> None:
        assert status(client, outsider, f"/media/portraits/{self.DIGEST}") == 404

    @pytest.mark.parametrize("digest", ["cd" * 32, "AB" * 32, "ab", "..%2f..%2fsecret", "%00" * 64])
    def test_not_what_is_no_portrait(self, client: Client, admin_user: User, digest: str) -> None:
        assert status(client, admin_user, f"/media/portraits/{digest}") == 404
