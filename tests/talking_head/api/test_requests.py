"""What is true of every request: no field is ignored, no key is reused for something else, a token is as good as a
session, and the description costs its second once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authtoken.models import Token

from talking_head.api import schema
from talking_head.api.idempotency import request_digest
from talking_head.models import Job
from tests.factories import make_course, make_lesson, make_portrait
from tests.talking_head.rows import finish_clip, make_finished_job

JSON = "application/json"
NAMES_OF_FOREIGN_FIELDS = ["script", "owner", "\ud800", "x" * 5_000, "<b>"]
TEXT = "Hello there."


def description() -> dict[str, Any]:
    return SchemaGenerator().get_schema(public=True)


class TestFieldsThatAreNotHonoured:
    def test_every_description_of_a_request_admits_no_others(self) -> None:
        spec = description()
        seen = set()
        for path in spec["paths"].values():
            for operation in path.values():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    name = content["schema"]["$ref"].rsplit("/", 1)[-1]
                    seen.add(name)
                    assert spec["components"]["schemas"][name]["additionalProperties"] is False, name
        assert len(seen) >= 12

    def test_every_endpoint_that_takes_a_body_refuses_them(self, as_admin: Client, admin_user: User) -> None:
        job = make_finished_job(admin_user)
        lesson = make_lesson(make_course(admin_user, slug="botany"))
        ids = {"job_id": job.pk, "slug": "botany", "id": lesson.pk, "pk": lesson.pk}
        make_portrait(admin_user, pk=lesson.pk)
        tried = 0
        for path, operations in description()["paths"].items():
            for method in operations.keys() & {"post", "patch", "put"}:
                url = path
                for name, value in ids.items():
                    url = url.replace(f"{{{name}}}", str(value))
                response = send(as_admin, method, url, operations[method], {"surprise": "1"})
                assert response.status_code == 400, (method, url, response.content)
                assert response.json()["code"] == "unknown_field", (method, url, response.content)
                assert "“surprise”" in response.json()["message"]
                tried += 1
        assert tried >= 13

    @pytest.mark.parametrize("name", NAMES_OF_FOREIGN_FIELDS)
    def test_whatever_they_are_called(self, as_teacher: Client, name: str) -> None:
        body = json.dumps({"text": TEXT, name: 1})
        response = as_teacher.post("/api/script/check", body, content_type=JSON)
        assert (response.status_code, response.json()["code"]) == (400, "unknown_field")
        assert response.json()["hint"] == "Leave it out. The fields are: text, language."


def send(client: Client, method: str, url: str, operation: dict[str, Any], values: dict[str, str]) -> Any:
    types = operation.get("requestBody", {}).get("content", {JSON: None})
    if JSON in types:
        return client.generic(method.upper(), url, json.dumps(values), content_type=JSON)
    return client.post(url, values)


class TestIdempotencyKeys:
    def ask(self, client: Client, key: str, **values: Any) -> Any:
        return client.post("/api/jobs/", values, content_type=JSON, headers={"Idempotency-Key": key})

    def test_the_same_request_again_is_the_same_job(self, as_teacher: Client) -> None:
        first = self.ask(as_teacher, "k", script=TEXT, speed=1)
        again = self.ask(as_teacher, "k", speed=1.0, script=TEXT)
        assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])

    @pytest.mark.parametrize("values", [{"script": "Others."}, {"script": TEXT, "title": "Another"}])
    def test_another_request_with_the_key_is_refused(self, as_teacher: Client, values: dict[str, str]) -> None:
        self.ask(as_teacher, "k", script=TEXT)
        response = self.ask(as_teacher, "k", **values)
        assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
        assert Job.objects.count() == 1

    def test_the_same_key_of_another_user_is_another(self, as_teacher: Client, as_admin: Client) -> None:
        self.ask(as_teacher, "k", script=TEXT)
        assert self.ask(as_admin, "k", script="Others.").status_code == 201

    def test_jobs_of_an_older_release_are_returned_as_before(self, as_teacher: Client) -> None:
        first = self.ask(as_teacher, "k", script=TEXT)
        Job.objects.update(request_digest="")
        assert self.ask(as_teacher, "k", script="Others.").json()["id"] == first.json()["id"]

    def test_files_are_compared_by_their_bytes(self) -> None:
        one, same, other = (SimpleUploadedFile(name, data) for name, data in (("a", b"1"), ("b", b"1"), ("a", b"2")))
        assert request_digest({"audio_file": one}) == request_digest({"audio_file": same})
        assert request_digest({"audio_file": one}) != request_digest({"audio_file": other})
        assert one.read() == b"1"  # it can still be stored

    def test_a_retry_with_another_profile_is_another_request(self, as_teacher: Client) -> None:
        first = self.ask(as_teacher, "first", script=TEXT).json()["id"]
        Job.objects.update(state="failed")
        url, headers = f"/api/jobs/{first}/retry", {"Idempotency-Key": "k"}
        answers = [
            as_teacher.post(url, {"profile": name}, content_type=JSON, headers=headers).status_code
            for name in ("fast", "fast", "quality")
        ]
        assert answers == [201, 201, 422]


class TestTokensAndFiles:
    @pytest.fixture
    def token(self, teacher: User) -> dict[str, str]:
        return {"Authorization": f"Token {Token.objects.create(user=teacher).key}"}

    def test_a_token_opens_every_address_that_the_api_names(self, teacher: User, token: dict[str, str]) -> None:
        job, client = make_finished_job(teacher), Client()
        finish_clip(job, 0)
        snapshot = client.get(f"/api/jobs/{job.pk}/", headers=token).json()
        addresses = [value for name, value in snapshot["video"].items() if name.endswith("url")]
        addresses += [clip["url"] for clip in snapshot["clips"] if clip["url"]]
        assert len(addresses) >= 5
        for address in addresses:
            assert client.get(address).status_code in (302, 401)
            assert client.get(address, headers=token).status_code == 200, address

    def test_a_token_opens_nothing_that_is_not_its_users(self, outsider: User, token: dict[str, str]) -> None:
        job = make_finished_job(outsider)
        assert Client().get(f"/media/jobs/{job.pk}/video.mp4", headers=token).status_code == 404

    @pytest.mark.parametrize("header", ["Token wrong", "Token a b", "Token"])
    def test_a_wrong_one_is_refused_even_with_a_session(self, as_teacher: Client, teacher: User, header: str) -> None:
        job = make_finished_job(teacher)
        response = as_teacher.get(f"/media/jobs/{job.pk}/video.mp4", headers={"Authorization": header})
        assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")


class TestDescriptionIsCached:
    def test_it_is_generated_once(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(schema, "_known", {})
        made = []
        generate = SchemaGenerator.get_schema

        def count(self: SchemaGenerator, *args: Any, **kwargs: Any) -> Any:
            made.append(1)
            return generate(self, *args, **kwargs)

        monkeypatch.setattr(SchemaGenerator, "get_schema", count)
        answers = [client.get(f"/api/schema/?x={number}", headers={"accept": JSON}) for number in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 5
        assert len(made) == 1
        assert "max-age" in answers[0]["Cache-Control"]
        assert client.get("/api/schema/").content.startswith(b"openapi:")


class TestMessages:
    def test_broken_json_is_named_by_its_place_not_by_pythons_words(self, as_teacher: Client) -> None:
        response = as_teacher.post("/api/jobs/", b'{"script": "a",\n "title": }', content_type=JSON)
        assert response.json()["message"] == "The body is not valid JSON: see line 2, column 11."

    def test_a_cloned_voice_is_not_called_by_its_digest(self, as_teacher: Client, teacher: User) -> None:
        voice = f"coqui:en:{'ab' * 32}"
        lesson = make_lesson(make_course(teacher))
        asked = [
            as_teacher.post("/api/jobs/", {"script": TEXT, "voice": voice}, content_type=JSON),
            as_teacher.patch(f"/api/lessons/{lesson.pk}/", {"voice": voice}, content_type=JSON),
        ]
        for response in asked:
            assert response.status_code == 400
            assert "abab" not in response.content.decode()
