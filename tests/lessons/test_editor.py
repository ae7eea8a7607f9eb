"""The editor: saving with and without JavaScript, conflicts, generating, and what it shows of a render."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lessons import services
from lessons.forms import LessonForm
from lessons.models import Lesson
from talking_head import services as rendering
from talking_head.engines.base import Voice
from talking_head.models import Clip, ClipState, Job, JobState
from tests.factories import make_portrait
from tests.lessons.conftest import make_job, show
from tests.talking_head.live.client import after_edit
from tests.talking_head.rows import make_job as make_other_job

Browse = Callable[[User | None], Client]
JSON = {"accept": "application/json"}


def address(lesson: Lesson, name: str = "lesson_edit") -> str:
    return reverse(name, args=[lesson.course.slug, lesson.pk])


def values(lesson: Lesson, **changes: Any) -> dict[str, Any]:
    unchanged = {name: getattr(lesson, name) for name in ("title", "script", "voice", "speed", "profile", "version")}
    return {**unchanged, "portrait": lesson.portrait_id or "", **changes}


@pytest.fixture
def editor(teacher: User, browse: Browse) -> Client:
    return browse(teacher)


# --- saving ------------------------------------------------------------------------------------------------------


def test_saving_by_itself_returns_the_new_version(lesson: Lesson, editor: Client) -> None:
    answer = editor.post(address(lesson), values(lesson, script="New words.", speed="1.25"), headers=JSON)
    assert answer.json() == {"version": 2, "job": None}
    lesson.refresh_from_db()
    assert (lesson.script, lesson.speed, lesson.version) == ("New words.", 1.25, 2)


def test_saving_works_without_javascript(lesson: Lesson, editor: Client) -> None:
    answer = editor.post(address(lesson), values(lesson, title="A better title", action="save"), follow=True)
    assert answer.redirect_chain == [(address(lesson), 302)]
    assert "A better title" in answer.content.decode()


def test_line_ends_of_forms_do_not_count_as_a_change(lesson: Lesson, editor: Client) -> None:
    lesson = services.change_lesson(lesson, script="One.\n\nTwo.\n")
    editor.post(address(lesson), values(lesson, script="One.\r\n\r\nTwo.\r\n"), headers=JSON)
    assert Lesson.objects.get(pk=lesson.pk).version == lesson.version


def test_an_unfinished_text_can_be_saved(lesson: Lesson, editor: Client) -> None:
    assert editor.post(address(lesson), values(lesson, script=""), headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 201),
        ("script", "x" * 200_001),
        ("script", "null\0byte"),
        ("voice", "nobody"),
        ("speed", "9"),
        ("speed", "nan"),
        ("profile", "turbo"),
        ("portrait", "999999"),
        ("version", ""),
    ],
)
def test_wrong_values_are_named_and_nothing_is_saved(lesson: Lesson, editor: Client, field: str, value: str) -> None:
    sent = values(lesson, title="Changed", **{field: value}) if field != "title" else values(lesson, title=value)
    answer = editor.post(address(lesson), sent, headers=JSON)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert editor.post(address(lesson), sent).status_code == 400
    assert Lesson.objects.get(pk=lesson.pk).title == "The Moon"


def test_somebody_elses_portrait_cannot_be_chosen(lesson: Lesson, editor: Client, other_teacher: User) -> None:
    theirs, shared = make_portrait(other_teacher), make_portrait(other_teacher, is_shared=True)
    assert editor.post(address(lesson), values(lesson, portrait=theirs.pk), headers=JSON).status_code == 400
    assert editor.post(address(lesson), values(lesson, portrait=shared.pk), headers=JSON).status_code == 200


def test_a_save_from_an_older_window_is_a_conflict(lesson: Lesson, editor: Client) -> None:
    services.change_lesson(lesson, script="From the other window.")
    answer = editor.post(address(lesson), values(lesson, script="Mine."), headers=JSON)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "lesson_changed"
    without_script = editor.post(address(lesson), values(lesson, script="Mine."))
    html = without_script.content.decode()
    assert without_script.status_code == 409
    # What was typed stays on the page, and a second click does not overwrite either.
    assert "Mine." in html
    assert '<input type="hidden" name="version" value="1">' in html


# --- generating --------------------------------------------------------------------------------------------------


def test_generate_saves_first_and_answers_with_the_job(lesson: Lesson, editor: Client) -> None:
    sent = values(lesson, script="Only this sentence.", action="generate")
    answer = editor.post(address(lesson), sent, headers=JSON).json()
    job = Job.objects.get()
    assert job.script == "Only this sentence."
    assert answer["version"] == 2
    assert (answer["job"]["id"], answer["job"]["state"]) == (str(job.pk), "queued")
    assert [clip["text"] for clip in answer["job"]["clips"]] == ["Only this sentence."]


def test_a_page_that_shows_an_earlier_job_is_told_only_the_difference(lesson: Lesson, editor: Client) -> None:
    first = editor.post(address(lesson), values(lesson, script="One. Two.", action="generate"), headers=JSON).json()
    before = first["job"]
    lesson.refresh_from_db()
    sent = {**values(lesson, script="One. New. Two.", action="generate"), "known_job": before["id"]}
    answer = editor.post(address(lesson), sent, headers=JSON).json()["job"]
    assert (answer["type"], answer["base"], answer["first"], answer["last"]) == ("edit", before["id"], 1, 1)
    assert [sentence["text"] for sentence in answer["between"]] == ["New."]
    job = Job.objects.get(pk=answer["job"]["id"])
    assert after_edit(before, answer) == json.loads(json.dumps(rendering.job_snapshot(job)))


@pytest.mark.parametrize("known", ["", "no id", str(uuid.UUID(int=7)), "another lesson"])
def test_a_page_that_shows_no_job_of_this_lesson_is_told_everything(
    lesson: Lesson, editor: Client, teacher: User, known: str
) -> None:
    if known == "another lesson":
        known = str(make_other_job(teacher, subject="lesson:0").pk)
    sent = {**values(lesson, script="One. Two.", action="generate"), "known_job": known}
    answer = editor.post(address(lesson), sent, headers=JSON).json()
    assert [clip["text"] for clip in answer["job"]["clips"]] == ["One.", "Two."]


def test_generate_works_without_javascript(lesson: Lesson, editor: Client) -> None:
    html = editor.post(address(lesson), values(lesson, action="generate"), follow=True).content.decode()
    assert "The video is being made." in html
    assert "0 of 2 sentences ready" in html


def test_try_with_the_fast_profile_is_for_that_render_only(lesson: Lesson, editor: Client) -> None:
    editor.post(address(lesson), values(lesson, action="generate-fast"), headers=JSON)
    lesson.refresh_from_db()
    assert (Job.objects.get().profile, lesson.profile, lesson.version) == ("fast", "balanced", 1)


def test_a_text_that_cannot_be_spoken_is_told_at_the_text(lesson: Lesson, editor: Client) -> None:
    sent = values(lesson, script="   ", action="generate")
    answer = editor.post(address(lesson), sent, headers=JSON)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["script"]
    assert answer.json()["error"]["hint"]
    assert not Job.objects.exists()
    assert Lesson.objects.get(pk=lesson.pk).script == "   "  # saved all the same


def test_a_withdrawn_portrait_is_told_and_never_quietly_dropped(lesson: Lesson, editor: Client, teacher: User) -> None:
    portrait = make_portrait(teacher)
    lesson = services.change_lesson(lesson, portrait_id=portrait.pk)
    portrait.deleted_at = portrait.created_at
    portrait.save()
    assert "The portrait of this lesson was withdrawn" in editor.get(address(lesson)).content.decode()
    sent = values(lesson, action="generate")
    del sent["portrait"]  # nothing is ticked on that page
    answer = editor.post(address(lesson), sent, headers=JSON)
    assert list(answer.json()["errors"]) == ["portrait"]
    assert Lesson.objects.get(pk=lesson.pk).portrait == portrait


def test_cancel_stops_the_render(lesson: Lesson, editor: Client, teacher: User) -> None:
    job = services.generate_video(lesson, by=teacher)
    assert editor.post(address(lesson, "lesson_cancel"), headers=JSON).json() == {"cancelled": True}
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert editor.post(address(lesson, "lesson_cancel"), headers=JSON).json() == {"cancelled": False}
    assert "The video was cancelled." in editor.get(address(lesson)).content.decode()


# --- what it shows -----------------------------------------------------------------------------------------------


def test_a_failure_is_shown_with_its_reason_and_what_to_do(lesson: Lesson, editor: Client) -> None:
    job = make_job(
        lesson, JobState.FAILED, error_code="no_space", error_message="The disk is full.", error_hint="Free some space."
    )
    Lesson.objects.filter(pk=lesson.pk).update(latest_job=job.pk)
    html = editor.get(address(lesson)).content.decode()
    assert "The server’s disk is full." in html
    assert "Tell an administrator, then try again." in html
    assert "Try again" in html


def test_sentences_carry_their_state_and_fallbacks_are_called_still_pictures(lesson: Lesson, editor: Client) -> None:
    job = make_job(lesson, JobState.FALLBACK)
    Clip.objects.filter(job=job, index=1).update(is_fallback=True)
    show(lesson, job)
    html = editor.get(address(lesson)).content.decode()
    assert 'data-state="fallback"' in html
    assert ">Still picture<" in html
    assert reverse("job_clip", args=[job.pk, 0]) in html


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_ended_without_a_video_renders_no_sentence_any_more(
    lesson: Lesson, editor: Client, state: JobState
) -> None:
    job = make_job(lesson, state)
    Clip.objects.filter(job=job, index=0).update(state=ClipState.LEASED)
    Lesson.objects.filter(pk=lesson.pk).update(latest_job=job.pk)
    html = editor.get(address(lesson)).content.decode()
    assert html.count(">Not made<") == 2
    assert ">Rendering<" not in html


def test_teachers_read_no_names_of_engines_beside_their_video(lesson: Lesson, editor: Client) -> None:
    job = make_job(lesson, face_reason="The quality engine cannot be used here: torch is not installed.")
    Clip.objects.filter(job=job).update(result={"notices": ["The picture was not enhanced: gfpgan is not installed."]})
    show(lesson, job)
    html = editor.get(address(lesson)).content.decode()
    assert "The quality engine cannot be used here." in html
    assert "The picture was not enhanced." in html
    assert not [name for name in ("torch", "gfpgan", "puppet", "Face engine") if name in html]


def test_while_a_new_render_runs_the_old_video_stays_on_the_page(
    watchable: Lesson, editor: Client, teacher: User
) -> None:
    old = watchable.current_job
    lesson = services.change_lesson(watchable, script="Newer words.")
    services.generate_video(lesson, by=teacher)
    html = editor.get(address(lesson)).content.decode()
    assert reverse("job_file", args=[old, "video.mp4"]) in html
    assert "0 of 1 sentences ready" in html


def test_a_clip_in_every_state_has_words(lesson: Lesson, editor: Client) -> None:
    job = make_job(lesson, JobState.RUNNING)
    for state in ClipState.values:
        Clip.objects.filter(job=job, index=0).update(state=state)
        Lesson.objects.filter(pk=lesson.pk).update(latest_job=job.pk)
        assert editor.get(address(lesson)).status_code == 200


def test_markup_in_titles_and_texts_is_shown_and_never_run(lesson: Lesson, editor: Client) -> None:
    attack = "</textarea></script><script>alert(1)</script>"
    lesson = services.change_lesson(lesson, title=attack, script=attack)
    job = make_job(lesson, JobState.RUNNING)
    Clip.objects.filter(job=job).update(text=attack)
    Lesson.objects.filter(pk=lesson.pk).update(latest_job=job.pk)
    for url in (address(lesson), lesson.course.get_absolute_url(), lesson.get_absolute_url()):
        assert "<script>alert" not in editor.get(url).content.decode()


# --- choosing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", ["", "first", "second"])
def test_the_list_of_voices_shows_every_voice_once_and_the_lessons_own_is_chosen(
    lesson: Lesson, teacher: User, monkeypatch: pytest.MonkeyPatch, voice: str
) -> None:
    offered = (Voice("first", "en-US", "Heart (American English, female)"), Voice("second", "de-DE", "Ada"))
    monkeypatch.setattr("talking_head.services.voices_for", lambda _user: offered)
    lesson = services.change_lesson(lesson, voice=voice)
    field = LessonForm(lesson=lesson, editor=teacher)["voice"]
    shown = [str(option.choice_label) for option in field]
    assert shown == ["Heart (American English, female)", "Ada (de-DE)"] if voice != "first" else len(shown) == 2
    assert [option.data["value"] for option in field if option.data["selected"]] == [voice]


def test_a_new_lesson_says_that_it_took_over_the_speed(lesson: Lesson, editor: Client) -> None:
    words = "Taken over from the lesson before."
    assert words not in editor.get(address(lesson)).content.decode()
    services.change_lesson(lesson, speed=1.25)
    following = services.add_lesson(lesson.course, "The next one")
    assert words in editor.get(address(following)).content.decode()
    html = editor.get(address(services.change_lesson(following, speed=1.2))).content.decode()
    assert words not in html
    assert 'type="range"' in html and not re.search(r'<input type="range"[^>]*required', html)


def test_the_editor_offers_a_handful_of_portraits_and_finds_the_others(
    lesson: Lesson, teacher: User, browse: Browse
) -> None:
    portraits = [make_portrait(teacher, name=f"Face {number:03d}") for number in range(30)]
    chosen = portraits[29]
    Lesson.objects.filter(pk=lesson.pk).update(portrait=chosen)
    url, client = reverse("lesson_edit", args=[lesson.course.slug, lesson.pk]), browse(teacher)
    page = client.get(url)
    assert page.context["form"].portraits == [chosen, *portraits[:24]]
    form = page.context["form"]
    sent = {**form.initial, "narration": "", "script": "Typed and not saved.", "portrait": chosen.pk}
    found = client.post(url, {**sent, "action": "find-portraits", "portrait_words": "face 027"})
    assert found.context["form"].portraits == [chosen, portraits[27]]
    assert "Typed and not saved." in found.content.decode()
    lesson.refresh_from_db()
    assert lesson.script != "Typed and not saved."
