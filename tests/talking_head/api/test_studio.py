"""Voices, script checks, cache figures, and the description of the whole API."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from talking_head.models import ClipState
from tests.talking_head.rows import finish_clip, make_job

JSON = "application/json"
SCRIPT = "# Light\n\nPlants eat light. They turn it into sugar."


class TestScriptCheck:
    def check(self, client: Client, text: str) -> Any:
        return client.post("/api/script/check", {"text": text}, content_type=JSON)

    def test_sentences_come_with_their_places_in_the_text(self, as_teacher: Client) -> None:
        answer = self.check(as_teacher, SCRIPT).json()
        assert [SCRIPT[found["start"] : found["end"]] for found in answer["utterances"]] == [
            "Plants eat light.",
            "They turn it into sugar.",
        ]
        assert [found["chapter"] for found in answer["utterances"]] == ["Light", ""]
        assert answer["utterance_count"] == 2
        assert answer["estimated_seconds"] > 2

    def test_words_that_the_voice_cannot_say_are_named(self, as_teacher: Client) -> None:
        answer = self.check(as_teacher, "In Russian, hello is Привет. Łódź and naïve are fine, π too.").json()
        (notice,) = answer["notices"]
        assert "“Привет”" in notice
        assert "Łódź" not in notice and "naïve" not in notice
        assert self.check(as_teacher, SCRIPT).json()["notices"] == []

    def test_a_text_that_cannot_be_said(self, as_teacher: Client) -> None:
        response = self.check(as_teacher, " ")
        assert (response.status_code, response.json()["code"]) == (400, "empty_script")

    def test_it_is_for_those_who_make_videos(self, client: Client, as_student: Client) -> None:
        assert self.check(as_student, SCRIPT).status_code == 403
        assert self.check(client, SCRIPT).status_code == 401


def test_voices_are_listed_with_the_default_first(as_student: Client) -> None:
    voices = as_student.get("/api/voices/").json()
    assert voices[0] == {"name": "beep", "language": "en-US", "label": "Beep"}


class TestCacheStats:
    def test_what_is_there_and_what_waits(self, as_teacher: Client, teacher: User) -> None:
        job = make_job(teacher)
        finish_clip(job, 0, data=b"12345", cached=True)
        finish_clip(job, 1, data=b"123", cached=False)
        answer = as_teacher.get("/api/cache/stats").json()
        assert answer["kinds"]["clips"] == {"entries": 2, "bytes": 8}
        assert answer["hit_rate"] == 0.5
        assert answer["queue"] == {"jobs_queued": 1, "jobs_running": 0, "clips_waiting": 1, "clips_rendering": 0}

    def test_without_any_clips_the_hit_rate_is_unknown(self, as_teacher: Client) -> None:
        assert as_teacher.get("/api/cache/stats").json()["hit_rate"] is None

    def test_finished_and_cancelled_jobs_wait_for_nothing(self, as_teacher: Client, teacher: User) -> None:
        job = make_job(teacher, state="cancelled")
        assert job.clips.filter(state=ClipState.WAITING).exists()
        assert as_teacher.get("/api/cache/stats").json()["queue"]["clips_waiting"] == 0


class TestDescription:
    def test_it_is_complete_and_valid(self) -> None:
        call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())

    @pytest.mark.django_db
    def test_it_is_served_without_the_login(self, client: Client) -> None:
        response = client.get("/api/schema/", headers={"accept": "application/json"})
        assert response.status_code == 200
        assert "/api/jobs/" in response.json()["paths"]
