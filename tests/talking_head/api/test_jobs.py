"""Asking for videos over HTTP: one's own, no other person's."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.authtoken.models import Token

from talking_head import permissions as access
from talking_head.models import Job, JobState
from tests.talking_head.rows import make_finished_job, make_job

JSON = "application/json"
TEXT = "Plants eat light. They turn it into sugar."


def post(client: Client, url: str, data: Any = None, **headers: str) -> Any:
    return client.post(url, data if data is not None else {}, content_type=JSON, headers=headers)


def path(job: Job, action: str = "") -> str:
    return f"/api/jobs/{job.pk}/{action}"


class TestAskingForAVideo:
    def test_a_teacher_gets_a_job(self, as_teacher: Client, teacher: User) -> None:
        response = post(as_teacher, "/api/jobs/", {"script": TEXT, "title": "Plants"})
        assert response.status_code == 201
        snapshot = response.json()
        assert (snapshot["state"], snapshot["clips_total"], snapshot["queue_position"]) == ("queued", 2, 1)
        job = Job.objects.get(pk=snapshot["id"])
        assert (job.owner, job.title, job.script) == (teacher, "Plants", TEXT)

    def test_the_same_key_gives_the_same_job(self, as_teacher: Client) -> None:
        answers = [post(as_teacher, "/api/jobs/", {"script": TEXT}, **{"Idempotency-Key": "k1"}) for _ in range(3)]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert Job.objects.count() == 1

    def test_a_state_in_the_request_is_not_believed(self, as_teacher: Client) -> None:
        answer = post(as_teacher, "/api/jobs/", {"script": TEXT, "state": "completed", "owner": 1, "priority": 99})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
        assert "“state”" in answer.json()["message"]
        assert not Job.objects.exists()

    def test_students_may_not(self, as_student: Client) -> None:
        response = post(as_student, "/api/jobs/", {"script": TEXT})
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")

    def test_whoever_has_the_permission_may(self, as_student: Client, student: User) -> None:
        student.user_permissions.add(Permission.objects.get(codename="add_job"))
        assert post(as_student, "/api/jobs/", {"script": TEXT}).status_code == 201

    def test_somebody_elses_portrait_is_unknown_to_them(self, as_teacher: Client, media_root: Any) -> None:
        digest = "ab" * 32
        stored = media_root / "portraits" / "ab" / digest
        stored.parent.mkdir(parents=True)
        stored.write_bytes(b"png")
        response = post(as_teacher, "/api/jobs/", {"script": TEXT, "portrait_digest": digest})
        assert (response.status_code, response.json()["code"]) == (400, "unknown_portrait")

    @pytest.mark.parametrize(
        ("request_data", "code"),
        [
            ({"script": "   "}, "empty_script"),
            ({"script": "…!?"}, "nothing_speakable"),
            ({"script": TEXT, "profile": "instant"}, "unknown_profile"),
            ({"script": TEXT, "voice": "nobody"}, "unknown_voice"),
            ({"script": TEXT, "speed": 50}, "speed_out_of_range"),
            ({"script": "word " * 30_000}, "script_too_long"),
            ({}, "invalid_input"),
        ],
    )
    def test_a_wrong_request_says_what_is_wrong(
        self, as_teacher: Client, request_data: dict[str, Any], code: str
    ) -> None:
        response = post(as_teacher, "/api/jobs/", request_data)
        assert (response.status_code, response.json()["code"]) == (400, code)
        assert response.json()["message"]
        assert not Job.objects.exists()

    def test_a_full_disk_is_not_the_callers_fault(self, as_teacher: Client, media_root: Any) -> None:
        media_root.rmdir()
        media_root.write_text("not a folder")
        response = post(as_teacher, "/api/jobs/", {"script": TEXT})
        assert response.status_code == 503
        assert set(response.json()) == {"code", "message", "hint"}
        assert not Job.objects.exists()

    def test_too_many_requests_are_told_when_to_come_back(
        self, as_teacher: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from rest_framework.throttling import ScopedRateThrottle

        monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"jobs": "2/min"})
        answers = [post(as_teacher, "/api/jobs/", {"script": TEXT}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert answers[2].json()["code"] == "throttled"
        assert int(answers[2]["Retry-After"]) > 0
        assert as_teacher.get("/api/jobs/").status_code == 200


class TestSeeingJobs:
    def test_the_list_has_ones_own_only(self, as_teacher: Client, teacher: User, outsider: User) -> None:
        mine, _other = make_job(teacher), make_job(outsider)
        answer = as_teacher.get("/api/jobs/").json()
        assert [row["id"] for row in answer["results"]] == [str(mine.pk)]

    def test_a_job_looks_as_on_the_socket(self, as_teacher: Client, teacher: User) -> None:
        job = make_finished_job(teacher)
        snapshot = as_teacher.get(path(job)).json()
        assert snapshot["video"]["url"] == f"/media/jobs/{job.pk}/video.mp4"
        assert snapshot["clips"][2]["url"] == f"/media/jobs/{job.pk}/clips/2.mp4"
        assert snapshot["seconds_left"] is None

    def test_members_may_look(self, as_student: Client, teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(access, "_job_rules", [lambda _user, _job: True])
        assert as_student.get(path(make_job(teacher))).status_code == 200

    def test_strangers_cannot_tell_it_from_nothing(self, as_outsider: Client, teacher: User) -> None:
        forbidden = as_outsider.get(path(make_job(teacher)))
        unknown = as_outsider.get(f"/api/jobs/{uuid.uuid4()}/")
        assert forbidden.status_code == unknown.status_code == 404
        assert forbidden.json() == unknown.json()

    @pytest.mark.parametrize("exists", [True, False])
    def test_nobody_is_asked_to_log_in(self, client: Client, teacher: User, exists: bool) -> None:
        job_id = make_job(teacher).pk if exists else uuid.uuid4()
        response = client.get(f"/api/jobs/{job_id}/")
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


class TestChangingOnesMind:
    def test_its_owner_cancels_it(self, as_teacher: Client, teacher: User) -> None:
        job = make_job(teacher)
        assert post(as_teacher, path(job, "cancel")).json()["state"] == "cancelled"

    def test_cancelling_what_has_ended_changes_nothing(self, as_teacher: Client, teacher: User) -> None:
        job = make_finished_job(teacher)
        response = post(as_teacher, path(job, "cancel"))
        assert (response.status_code, response.json()["state"]) == (200, "completed")

    @pytest.mark.parametrize("action", ["cancel", "retry"])
    def test_members_may_look_but_not_touch(
        self, as_outsider: Client, outsider: User, teacher: User, monkeypatch: pytest.MonkeyPatch, action: str
    ) -> None:
        job = make_job(teacher)
        outsider.user_permissions.add(Permission.objects.get(codename="add_job"))
        assert post(as_outsider, path(job, action)).status_code == 404
        monkeypatch.setattr(access, "_job_rules", [lambda _user, _job: True])
        assert post(as_outsider, path(job, action)).status_code == 403
        job.refresh_from_db()
        assert job.state == JobState.QUEUED

    def test_administrators_may(self, as_admin: Client, teacher: User) -> None:
        assert post(as_admin, path(make_job(teacher), "cancel")).json()["state"] == "cancelled"

    def test_again_with_another_profile(self, as_teacher: Client, teacher: User) -> None:
        failed = make_job(teacher, state=JobState.FAILED, speech="fakespeech", face="still", profile="quality")
        response = post(as_teacher, path(failed, "retry"), {"profile": "fast"})
        assert response.status_code == 201
        assert response.json()["id"] != str(failed.pk)
        assert (response.json()["profile"], response.json()["state"]) == ("fast", "queued")

    def test_a_retry_that_is_sent_twice_is_one_new_job(self, as_teacher: Client, teacher: User) -> None:
        key = {"Idempotency-Key": "k1"}
        first = Job.objects.get(pk=post(as_teacher, "/api/jobs/", {"script": TEXT}, **key).json()["id"])
        post(as_teacher, path(first, "cancel"))
        answers = [post(as_teacher, path(first, "retry"), **key).json()["id"] for _ in range(3)]
        assert set(answers).isdisjoint({str(first.pk)})
        assert len(set(answers)) == 1
        assert Job.objects.count() == 2
        assert post(as_teacher, path(first, "retry"), **{"Idempotency-Key": "kü"}).status_code == 400

    def test_not_again_while_it_runs(self, as_teacher: Client, teacher: User) -> None:
        response = post(as_teacher, path(make_job(teacher), "retry"))
        assert (response.status_code, response.json()["code"]) == (409, "job_active")


class TestWhoIsAsking:
    def test_scripts_use_a_token(self, client: Client, teacher: User) -> None:
        token = Token.objects.create(user=teacher)
        headers = {"Authorization": f"Token {token.key}"}
        assert client.get("/api/jobs/", headers=headers).status_code == 200
        assert client.get("/api/jobs/", headers={"Authorization": "Token wrong"}).status_code == 401

    def test_a_session_alone_is_not_enough_to_change_something(self, teacher: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(teacher)
        response = post(client, "/api/jobs/", {"script": TEXT})
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
        assert not Job.objects.exists()

    def test_a_deactivated_user_is_nobody(self, as_teacher: Client, teacher: User) -> None:
        teacher.is_active = False
        teacher.save()
        assert as_teacher.get("/api/jobs/").status_code == 401
