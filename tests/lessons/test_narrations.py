"""A lesson in the teacher's own voice: bringing the recording, saving it, generating with it, taking it away."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lessons import services
from lessons.models import Lesson
from talking_head import services as rendering
from talking_head.errors import InvalidInput
from talking_head.models import Narration, NarrationState
from tests.lessons.test_editor import JSON, address, values
from tests.talking_head.jobs.test_narrations import FIRST, SCRIPT, SECOND, hear_all
from tests.talking_head.recordings import spoken, wav

Browse = Callable[[User | None], Client]
SOUND = wav(spoken((FIRST, SECOND)))


@pytest.fixture
def editor(teacher: User, browse: Browse) -> Client:
    return browse(teacher)


@pytest.fixture
def narration(teacher: User) -> Narration:
    narration = rendering.store_narration(io.BytesIO(SOUND), teacher)
    hear_all(narration)
    return narration


@pytest.fixture
def recorded(lesson: Lesson, narration: Narration) -> Lesson:
    return services.change_lesson(lesson, script=SCRIPT, narration=narration.pk)


def test_a_recording_is_saved_like_every_other_choice(lesson: Lesson, editor: Client, narration: Narration) -> None:
    answer = editor.post(address(lesson), values(lesson, narration=str(narration.pk)), headers=JSON)
    assert answer.json()["version"] == lesson.version + 1
    assert Lesson.objects.get(pk=lesson.pk).narration == narration.pk


def test_a_form_that_does_not_speak_of_it_leaves_it(recorded: Lesson, editor: Client) -> None:
    editor.post(address(recorded), values(recorded, title="Another title"), headers=JSON)
    assert Lesson.objects.get(pk=recorded.pk).narration == recorded.narration


def test_an_empty_field_takes_it_away(recorded: Lesson, editor: Client) -> None:
    editor.post(address(recorded), values(recorded, narration=""), headers=JSON)
    assert Lesson.objects.get(pk=recorded.pk).narration is None


def test_somebody_elses_recording_cannot_be_taken(lesson: Lesson, editor: Client, other_teacher: User) -> None:
    foreign = rendering.store_narration(io.BytesIO(SOUND), other_teacher)
    for id_ in (foreign.pk, uuid4()):
        answer = editor.post(address(lesson), values(lesson, narration=str(id_)), headers=JSON)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["narration"])
    assert Lesson.objects.get(pk=lesson.pk).narration is None


def test_without_javascript_it_comes_with_the_form_and_can_be_removed(lesson: Lesson, editor: Client) -> None:
    recording = SimpleUploadedFile("me.wav", SOUND)
    page = editor.post(address(lesson), values(lesson, recording=recording, action="save"), follow=True)
    assert "This recording sounds good." in page.content.decode()
    lesson.refresh_from_db()
    assert lesson.narration == Narration.objects.get().pk
    sent = values(lesson, narration=str(lesson.narration), remove_narration="on", action="save")
    editor.post(address(lesson), sent)
    assert Lesson.objects.get(pk=lesson.pk).narration is None


def test_a_file_that_is_no_recording_is_told_on_the_page(lesson: Lesson, editor: Client) -> None:
    playlist = SimpleUploadedFile("me.wav", b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n")
    page = editor.post(address(lesson), values(lesson, recording=playlist, action="save"))
    assert page.status_code == 400
    assert "not supported" in page.content.decode()


def test_generating_speaks_with_the_recording_and_not_with_the_voice(recorded: Lesson, teacher: User) -> None:
    services.change_lesson(recorded, voice="boop", speed=1.5)  # kept for when the recording is taken away
    job = services.generate_video(recorded, teacher)
    assert (job.speech, job.voice, job.speed) == ("recorded", "", 1.0)
    assert job.narration_digest == Narration.objects.get().digest
    assert [clip.text for clip in job.clips.all()] == [FIRST, SECOND]


def test_an_empty_text_becomes_what_is_said(recorded: Lesson, teacher: User) -> None:
    lesson = services.change_lesson(recorded, script="")
    assert services.generate_video(lesson, teacher).script == SCRIPT


def test_a_sentence_that_is_not_said_is_told_at_the_text(recorded: Lesson, editor: Client) -> None:
    wrong = f"{SCRIPT} This sentence here was never spoken."
    answer = editor.post(address(recorded), values(recorded, script=wrong, action="generate"), headers=JSON)
    assert answer.status_code == 400
    (problem,) = answer.json()["errors"]["script"]
    assert "“This sentence here was never spoken.”" in problem["message"]


def test_a_recording_that_is_still_listened_to_has_to_be_waited_for(lesson: Lesson, teacher: User) -> None:
    narration = rendering.store_narration(io.BytesIO(SOUND), teacher)
    lesson = services.change_lesson(lesson, narration=narration.pk)
    with pytest.raises(InvalidInput) as caught:
        services.generate_video(lesson, teacher)
    assert caught.value.code == "narration_not_ready"


def test_a_recording_that_failed_says_why(recorded: Lesson, teacher: User) -> None:
    Narration.objects.update(state=NarrationState.FAILED, error_code="audio_no_speech", error_message="No speech.")
    with pytest.raises(InvalidInput) as caught:
        services.generate_video(recorded, teacher)
    assert caught.value.code == "audio_no_speech"


def test_the_page_knows_the_recording(recorded: Lesson, editor: Client) -> None:
    page = editor.get(address(recorded))
    found = page.context["page_data"]["narration"]
    assert (found["id"], found["state"], found["text"]) == (str(recorded.narration), "ready", SCRIPT)
    assert f'name="narration" value="{recorded.narration}"' in page.content.decode()


def test_only_the_one_who_recorded_it_hears_it(recorded: Lesson, editor: Client, browse: Browse, student: User) -> None:
    sound = f"/media/narrations/{recorded.narration}"
    answer = editor.get(sound)
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/flac")
    assert browse(student).get(sound).status_code == 404
    assert browse(None).get(sound).status_code == 401


def test_programs_choose_a_recording_too(lesson: Lesson, editor: Client, narration: Narration) -> None:
    def change(value: Any) -> Any:
        return editor.patch(f"/api/lessons/{lesson.pk}/", {"narration": value}, content_type="application/json")

    assert change(str(narration.pk)).json()["narration"] == str(narration.pk)
    assert change(str(uuid4())).json()["code"] == "unknown_narration"
    assert change(None).json()["narration"] is None
