"""What crosses the wire for a page: bytes, encodings, and how long browsers keep it."""

from __future__ import annotations

import gzip
import os
import re
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from benchmarks.growth.wire import GZIP, Fetched, Resources, cold_load, make_watchable_lesson, varied_sentences
from edu_platform import static_files
from edu_platform.web.static_build import KEEP_OLD_SECONDS, build_if_changed
from lessons.models import Lesson
from talking_head.files import local

IMMUTABLE = "max-age=315360000, public, immutable"
MANY = 1_000
LIMITS = {20: 35_000, MANY: 150_000}  # bytes of a lesson page, without the video and its poster


@pytest.fixture(scope="session")
def built_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built") / "static"


@pytest.fixture
def built(settings: Settings, built_folder: Path) -> Path:
    """The site with its static files built, as the web process has it."""
    settings.STATIC_ROOT = built_folder
    build_if_changed()
    return built_folder


@pytest.fixture
def lesson(db: None, request: pytest.FixtureRequest) -> Lesson:
    return make_watchable_lesson(varied_sentences(getattr(request, "param", 20)))


def address_of(lesson: Lesson) -> str:
    return reverse("lesson_detail", args=[lesson.course.slug, lesson.pk])


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(responses: list[Fetched]) -> str:
    return "\n".join(f"{response.bytes:>8} {response.encoding:4} {response.address}" for response in responses)


@pytest.mark.parametrize("lesson", LIMITS, indirect=True, ids=str)
def test_a_lesson_page_costs_little_the_first_time(built: Path, lesson: Lesson) -> None:
    responses = cold_load(client_of(lesson.course.teacher), address_of(lesson))
    assert "lessons/lesson." in shown(responses), "the page shows no video"
    counted = [response for response in responses if not response.address.endswith(".jpg")]
    count = len(lesson.script.split(". "))
    assert sum(response.bytes for response in counted) <= LIMITS[count], shown(responses)
    assert len(responses) <= 18, shown(responses)
    assert not [response for response in responses if response.address.endswith((".vtt", ".json", ".mp4"))]


def test_everything_static_is_compressed_and_kept_for_ever(built: Path, lesson: Lesson) -> None:
    responses = cold_load(client_of(lesson.course.teacher), address_of(lesson))
    static = [response for response in responses if response.address.startswith("/static/")]
    assert len(static) >= 10, shown(responses)
    assert {response.cache_control for response in static} == {IMMUTABLE}
    assert {response.encoding for response in static if response.bytes > 400} == {"gzip"}, shown(static)


def test_no_module_imports_another_by_a_name_that_may_change(built: Path) -> None:
    imported = {
        name
        for path in built.rglob("*.js")
        if path.parent.name in ("lessons", "avatars", "site")
        for name in static_files.IMPORT.findall(path.read_text())
    }
    assert len(imported) >= 15
    assert not [name for name in imported if not re.search(r"\.[0-9a-f]{12}\.js$", name)]


def test_every_module_of_a_page_is_preloaded(built: Path, lesson: Lesson) -> None:
    """Otherwise the browser learns of each module from the one that imports it, one round trip after the other."""
    page = client_of(lesson.course.teacher).get(address_of(lesson)).content.decode()
    preloaded = set(re.findall(r'rel="modulepreload" href="([^"]+)"', page))
    wanted = {
        django_settings.STATIC_URL + static_files.built_names()[module]
        for entry in ("site/app.js", "lessons/lesson.js")
        for module in static_files.modules_of(entry)
    }
    assert preloaded == wanted


def test_every_template_with_a_module_preloads_it() -> None:
    for path in (django_settings.BASE_DIR / "templates").rglob("*.html"):
        text = path.read_text()
        if path.is_relative_to(django_settings.BASE_DIR / "templates" / "admin"):
            continue
        for module in re.findall(r"""<script type="module" src="{% static '([^']+)' %}">""", text):
            assert f"{{% preload_modules '{module}' %}}" in text, path.name


# --- the build ---------------------------------------------------------------------------------------------------


def test_a_changed_source_is_built_again_and_an_unchanged_one_is_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    settings.STATICFILES_DIRS = [sources]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "built"
    (sources / "a.js").write_text('import { b } from "./b.js";\n')
    (sources / "b.js").write_text("export const b = 1;\n")
    build_if_changed()
    manifest = tmp_path / "built" / "staticfiles.json"
    first = manifest.read_bytes()
    stamp = manifest.stat().st_mtime_ns
    build_if_changed()
    assert manifest.stat().st_mtime_ns == stamp
    (sources / "b.js").write_text("export const b = 22;\n")
    assert not static_files.is_built(tmp_path / "built")
    build_if_changed()
    assert manifest.read_bytes() != first


def test_files_of_earlier_builds_go_once_no_open_page_can_need_them(built: Path) -> None:
    old, recent = built / "lessons" / "gone.000000000000.js", built / "lessons" / "gone.111111111111.js"
    for path, age in ((old, KEEP_OLD_SECONDS + 60), (recent, KEEP_OLD_SECONDS - 60)):
        path.write_text("//")
        os.utime(path, (time.time() - age,) * 2)
    (built / static_files.SOURCES).unlink()
    build_if_changed()
    assert (old.exists(), recent.exists()) == (False, True)
    recent.unlink()


def test_without_a_build_pages_name_the_sources(lesson: Lesson) -> None:
    client = client_of(lesson.course.teacher)
    resources = Resources()
    resources.feed(client.get(address_of(lesson)).content.decode())
    assert "/static/site/app.css" in resources.addresses
    assert client.get("/static/site/app.css").headers["Cache-Control"] == "max-age=60, public"


def test_a_folder_that_cannot_be_written_costs_only_the_names(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "a file"
    blocker.write_text("")
    settings.STATIC_ROOT = blocker / "static"
    build_if_changed()
    assert "could not be built" in caplog.text


# --- texts and media ---------------------------------------------------------------------------------------------


def media_address(lesson: Lesson, name: str, content: bytes) -> str:
    assert lesson.current_job
    (local.results_folder(lesson.current_job) / name).write_bytes(content)
    return reverse("job_file", args=[lesson.current_job, name])


def test_captions_are_compressed_whole_and_sent_as_they_are_in_ranges(lesson: Lesson) -> None:
    text = b"WEBVTT\n\n" + b"".join(b"%d\n00:00.000 --> 00:01.000\nHello.\n\n" % number for number in range(500))
    address, client = media_address(lesson, "captions.vtt", text), client_of(lesson.course.teacher)
    whole = client.get(address, **GZIP)  # type: ignore[arg-type]
    body = b"".join(whole)
    assert whole.headers["Content-Encoding"] == "gzip"
    assert len(body) < len(text) / 3
    assert gzip.decompress(body) == text
    assert whole.headers["ETag"].startswith('W/"')
    assert "Accept-Encoding" in whole.headers["Vary"]
    again = client.get(address, HTTP_IF_NONE_MATCH=whole.headers["ETag"], **GZIP)  # type: ignore[arg-type]
    assert again.status_code == 304
    part = client.get(address, HTTP_RANGE="bytes=0-5", **GZIP)  # type: ignore[arg-type]
    assert (part.status_code, b"".join(part)) == (206, text[:6])
    assert not part.headers.get("Content-Encoding")


@pytest.mark.parametrize("name", ["video.mp4", "poster.jpg"])
def test_media_are_never_compressed(lesson: Lesson, name: str) -> None:
    content = b"0" * 10_000
    address, client = media_address(lesson, name, content), client_of(lesson.course.teacher)
    whole = client.get(address, **GZIP)  # type: ignore[arg-type]
    assert not whole.headers.get("Content-Encoding")
    assert (b"".join(whole), whole.headers["Accept-Ranges"]) == (content, "bytes")
    part = client.get(address, HTTP_RANGE="bytes=1-3", **GZIP)  # type: ignore[arg-type]
    assert (part.status_code, b"".join(part)) == (206, b"000")


def test_a_secret_in_a_compressed_page_differs_each_time_and_so_does_its_length(lesson: Lesson) -> None:
    """What an attacker must not be able to compare (BREACH): the masked token, and the length of the response."""
    client, address = client_of(lesson.course.teacher), address_of(lesson)
    pages = [client.get(address, **GZIP) for _ in range(12)]  # type: ignore[arg-type]
    token = re.compile(r'csrfmiddlewaretoken" value="(\w+)"')
    tokens = [token.findall(gzip.decompress(page.content).decode()) for page in pages]
    assert len({found[0] for found in tokens}) == len(pages)
    assert len({len(page.content) for page in pages}) > 3
