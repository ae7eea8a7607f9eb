"""The render service's own API, from picture to video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from talking_head.api.render_service import ImageId
from talking_head.models import Job
from tests.talking_head.rows import make_finished_job, make_job

DIGEST = "ab" * 32


@pytest.fixture
def image_id(teacher: User, media_root: Path) -> str:
    stored = media_root / "portraits" / "ab" / DIGEST
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"a picture")
    return str(ImageId(DIGEST, "crop", teacher.pk))


def upload(client: Client, data: bytes, **fields: str) -> Any:
    return client.post("/api/avatar/upload", {"image_file": SimpleUploadedFile("face.png", data), **fields})


def generate(client: Client, **values: Any) -> Any:
    return client.post("/api/vip/generate", values, content_type="application/json")


class TestPictures:
    def test_a_face_is_ready_to_speak_at_once(self, as_teacher: Client, portrait_png: Path) -> None:
        uploaded = upload(as_teacher, portrait_png.read_bytes(), preprocess_mode="full")
        assert uploaded.status_code == 201
        answer = uploaded.json()
        assert (answer["status"], answer["preprocess_mode"]) == ("ready", "full")
        assert as_teacher.get(f"/api/avatar/status/{answer['image_id']}").json() == answer
        assert generate(as_teacher, image_id=answer["image_id"], text="Hello there.").status_code == 201

    @pytest.mark.parametrize("data", [b"", b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG"])
    def test_what_is_no_picture_is_refused(self, as_teacher: Client, media_root: Path, data: bytes) -> None:
        response = upload(as_teacher, data)
        assert response.status_code == 400
        assert set(response.json()) == {"code", "message", "hint"}
        assert not [path for path in media_root.rglob("*") if path.is_file()]

    def test_an_unknown_mode_is_refused(self, as_teacher: Client, portrait_png: Path) -> None:
        assert upload(as_teacher, portrait_png.read_bytes(), preprocess_mode="sideways").status_code == 400

    def test_students_may_not(self, as_student: Client, portrait_png: Path) -> None:
        assert upload(as_student, portrait_png.read_bytes()).status_code == 403

    def test_a_picture_that_was_removed_is_gone(self, as_teacher: Client, image_id: str, media_root: Path) -> None:
        (media_root / "portraits" / "ab" / DIGEST).unlink()
        assert as_teacher.get(f"/api/avatar/status/{image_id}").json()["status"] == "gone"

    @pytest.mark.parametrize("forged", ["x", "a:b", "%00", DIGEST, ":" * 300])
    def test_a_made_up_id_is_unknown(self, as_teacher: Client, forged: str) -> None:
        response = as_teacher.get(f"/api/avatar/status/{forged}")
        assert (response.status_code, response.json()["code"]) == (400, "unknown_portrait")

    def test_somebody_elses_id_is_unknown(self, as_admin: Client, image_id: str) -> None:
        assert as_admin.get(f"/api/avatar/status/{image_id}").json()["code"] == "unknown_portrait"
        assert generate(as_admin, image_id=image_id, text="Hello.").json()["code"] == "unknown_portrait"


class TestVideos:
    def test_with_the_permission_they_come_before_other_peoples(
        self, as_teacher: Client, teacher: User, image_id: str
    ) -> None:
        teacher.user_permissions.add(Permission.objects.get(codename="use_vip"))
        response = generate(as_teacher, image_id=image_id, text="Hello there.")
        job = Job.objects.get(pk=response.json()["id"])
        assert (job.priority, job.portrait_digest, job.profile) == (10, DIGEST, "balanced")
        assert (response.json()["priority"], response.json()["priority_notice"]) == ("vip", "")

    def test_without_it_they_wait_like_all_and_the_answer_says_so(self, as_teacher: Client, image_id: str) -> None:
        response = generate(as_teacher, image_id=image_id, text="Hello there.")
        assert (response.status_code, response.json()["priority"]) == (201, "normal")
        assert "normal queue" in response.json()["priority_notice"]
        assert Job.objects.get().priority == 0

    def test_a_retry_does_not_keep_what_was_taken_away(self, as_teacher: Client, image_id: str) -> None:
        job = generate(as_teacher, image_id=image_id, text="Hello there.").json()["id"]
        Job.objects.update(state="failed", priority=10)
        assert as_teacher.post(f"/api/jobs/{job}/retry", {}, content_type="application/json").status_code == 201
        assert Job.objects.exclude(pk=job).get().priority == 0

    def test_a_request_that_is_sent_twice_is_one_video(self, as_teacher: Client, image_id: str) -> None:
        def ask(key: str) -> str:
            values, headers = {"image_id": image_id, "text": "Hello there."}, {"Idempotency-Key": key}
            answer = as_teacher.post("/api/vip/generate", values, content_type="application/json", headers=headers)
            return str(answer.json()["id"])

        assert ask("k1") == ask("k1") != ask("k2")
        assert Job.objects.count() == 2

    @pytest.mark.parametrize(
        ("options", "profile"),
        [
            ({"quality": "fast"}, "fast"),
            ({"enhancer": "none"}, "fast"),
            ({"enhancer": "gfpgan", "quality": "quality"}, "quality"),
        ],
    )
    def test_quality_and_enhancer_choose_the_profile(
        self, as_teacher: Client, image_id: str, options: dict[str, str], profile: str
    ) -> None:
        response = generate(as_teacher, image_id=image_id, text="Hello there.", **options)
        assert response.json()["profile"] == profile

    def test_the_framing_of_the_upload_counts(self, as_teacher: Client, teacher: User, image_id: str) -> None:
        full = str(ImageId(DIGEST, "full", teacher.pk))
        assert generate(as_teacher, image_id=full, text="Hello there.").json()["profile"] == "quality"

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"text": "Hello.", "enhancer": "none", "quality": "quality"}, "conflicting_options"),
            ({"text": "Hello.", "enhancer": "magic"}, "unknown_enhancer"),
            ({"text": "Hello.", "quality": "8k"}, "invalid_input"),
            ({"text": "  "}, "empty_script"),
            ({}, "empty_script"),
        ],
    )
    def test_what_cannot_be_done_is_said(
        self, as_teacher: Client, image_id: str, values: dict[str, str], code: str
    ) -> None:
        response = generate(as_teacher, image_id=image_id, **values)
        assert (response.status_code, response.json()["code"]) == (400, code)
        assert not Job.objects.exists()

    def test_status_and_download(self, as_teacher: Client, teacher: User) -> None:
        job = make_finished_job(teacher, data=b"moving pictures")
        assert as_teacher.get(f"/api/vip/status/{job.pk}").json()["state"] == "completed"
        response = as_teacher.get(f"/api/vip/download/{job.pk}")
        assert response.getvalue() == b"moving pictures"
        assert response["Content-Disposition"] == 'attachment; filename="Photosynthesis.mp4"'

    def test_no_download_before_the_end(self, as_teacher: Client, teacher: User) -> None:
        response = as_teacher.get(f"/api/vip/download/{make_job(teacher).pk}")
        assert (response.status_code, response.json()["code"]) == (409, "not_ready")

    def test_strangers_find_nothing(self, as_outsider: Client, teacher: User) -> None:
        job = make_finished_job(teacher)
        assert as_outsider.get(f"/api/vip/status/{job.pk}").status_code == 404
        assert as_outsider.get(f"/api/vip/download/{job.pk}").status_code == 404
