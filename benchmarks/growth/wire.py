"""The wire: what a browser fetches for a page that it opens for the first time, compressed as the site sends it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.growth.figures import Figure, measured

if TYPE_CHECKING:
    from django.test import Client

    from lessons.models import Lesson

MOST_SENTENCES = 1_000
VOCABULARY = 2_000
CLIP_SECONDS = 4.8
GZIP = {"HTTP_ACCEPT_ENCODING": "gzip"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """One response."""

    address: str
    bytes: int
    encoding: str
    cache_control: str


class Resources(HTMLParser):
    """Collects what a browser fetches for a page before its user does anything."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        wanted = {
            "link": values.get("rel") in ("stylesheet", "icon", "modulepreload") and values.get("href"),
            "script": values.get("src"),
            "img": values.get("src"),
            "use": values.get("href"),
            "video": values.get("poster"),
            "track": "default" in values and values.get("src"),
        }.get(tag)
        if wanted:
            self.addresses[wanted.partition("#")[0]] = None


def cold_load(client: Client, address: str) -> list[Fetched]:
    """Return the responses to a browser that has nothing of the site yet: the page first, then what it names."""
    page = _get(client, address)
    html = client.get(address).content.decode()
    parser = Resources()
    parser.feed(html)
    return [page, *(_get(client, resource) for resource in parser.addresses)]


def _get(client: Client, address: str) -> Fetched:
    response = client.get(address, **GZIP)  # type: ignore[arg-type]
    assert response.status_code == 200, (address, response.status_code)
    body = b"".join(response) if response.streaming else response.content
    header = response.headers.get
    return Fetched(address, len(body), header("Content-Encoding", ""), header("Cache-Control", ""))


def varied_sentences(count: int) -> list[str]:
    """Return sentences that compress no better than a teacher's: words drawn as often as in English (Zipf's law)."""
    chance = random.Random(10)
    letters, weights = "etaoinshrdlucmfwypvbgk", [12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1]
    words = ["".join(chance.choices(letters, weights, k=chance.randint(2, 9))) for _ in range(VOCABULARY)]
    shares = [1 / rank for rank in range(1, VOCABULARY + 1)]
    return [" ".join(chance.choices(words, shares, k=chance.randint(8, 18))).capitalize() + "." for _ in range(count)]


def make_watchable_lesson(sentences: list[str]) -> Lesson:
    """Return a published lesson with a finished video of these sentences: rows, and small files instead of media."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from lessons.models import Course, Lesson
    from talking_head.files import local, published_files
    from talking_head.models import Clip, ClipState, Job, JobState

    teacher = User.objects.create_user("wire-teacher")
    course = Course.objects.create(teacher=teacher, title="Wire", slug=f"wire-{len(sentences)}")
    script = " ".join(sentences)
    lesson = Lesson.objects.create(course=course, title="Long", script=script, is_published=True)
    seconds = CLIP_SECONDS * len(sentences)
    job = Job.objects.create(
        owner=teacher, script=script, subject=f"lesson:{lesson.pk}", subject_version=str(lesson.version),
        speech="hibari", face="puppet", state=JobState.COMPLETED, finished_at=timezone.now(), timeout_seconds=300,
        video_seconds=seconds, width_px=1280, height_px=720,
    )  # fmt: skip
    chance = random.Random(20)
    Clip.objects.bulk_create(
        Clip(job=job, index=index, text=text, spoken=text, start=0, end=len(text), state=ClipState.DONE,
             result={"video_seconds": round(0.32 * chance.randint(8, 24), 2)})
        for index, text in enumerate(sentences)
    )  # fmt: skip
    Lesson.objects.filter(pk=lesson.pk).update(current_job=job.pk)
    folder = local.results_folder(job.pk)
    folder.mkdir(parents=True)
    for name in published_files.FILES:
        (folder / name).write_bytes(b"-")
    lesson.refresh_from_db()
    return lesson


def measure(scale: int) -> Iterator[Figure]:
    """Measure the lesson page of 20 sentences times ``scale``, 1,000 at most; ``bytes`` leave out video and poster."""
    from django.test import Client
    from django.urls import reverse

    from edu_platform.web.static_build import build_if_changed

    build_if_changed()
    count = min(20 * scale, MOST_SENTENCES)
    lesson = make_watchable_lesson(varied_sentences(count))
    client = Client()
    client.force_login(lesson.course.teacher)
    address = reverse("lesson_detail", args=[lesson.course.slug, lesson.pk])

    def total(responses: list[Fetched]) -> int:
        return sum(response.bytes for response in responses if Path(response.address).suffix != ".jpg")

    yield measured("lesson page, cold", count, "sentences", lambda: cold_load(client, address), count_bytes=total)
