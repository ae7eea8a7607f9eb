"""Edits: what rendering a job costs the job layer, and what planning and forecasting cost, by the number of sentences.

The renderer's own work is left out: a renderer process that renders nothing answers at once, and only the processor
seconds of this process, the worker, count.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from benchmarks.growth.figures import Figure, measured
from benchmarks.lesson_text import SUBJECTS, sentences

MOST_SENTENCES = 1_000  # about as many as a script may have
FAKE_RENDERER = [sys.executable, "-m", "tests.talking_head.worker.fake_renderer"]
# Another process that follows a job, as the web process does for an open page.
VIEWER = """
import asyncio, django, sys
django.setup()
from channels.layers import get_channel_layer
from talking_head.live.events import group_name

async def follow():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group_name(sys.argv[1]), channel)
    print("ready", flush=True)
    while True:
        await layer.receive(channel)

asyncio.run(follow())
"""


def measure(scale: int) -> Iterator[Figure]:
    """Measure jobs of 20 sentences times ``scale``, 1,000 at most, and a queue of 100 clips times ``scale``."""
    texts = short_sentences(min(20 * scale, MOST_SENTENCES))
    yield from _planning(texts)
    yield from _job_layer(texts)
    yield from _forecast(100 * scale)


def short_sentences(count: int) -> list[str]:
    """Return sentences of which a thousand fit into one script."""
    return [f"{SUBJECTS[number % len(SUBJECTS)]} is picture {number}." for number in range(count)]


def _planning(texts: list[str]) -> Iterator[Figure]:
    from talking_head import services

    script = " ".join(texts)
    texts = [*texts]
    number = 0

    def change_one_sentence() -> None:
        nonlocal number
        number += 1
        texts[len(texts) // 2] = f"This sentence was changed for the {number}th time."
        services.check_script(" ".join(texts))

    yield measured("check a script", len(texts), "sentences", lambda: services.check_script(script))
    yield measured("check a script with one new sentence", len(texts), "sentences", change_one_sentence)


def _job_layer(texts: list[str]) -> Iterator[Figure]:
    from django.conf import settings

    from talking_head.worker.renderer_handle import new_renderer
    from talking_head.worker.worker import Worker

    settings.TALKING_HEAD_RENDERER = FAKE_RENDERER
    worker = Worker(new_renderer())
    try:
        for what, is_watched in (
            ("render all, no page is open", False),
            ("all cached, no page is open", False),
            ("all cached, a page is open", True),
        ):
            yield _work(worker, what, texts, is_watched=is_watched)
        yield _work(worker, "render all, a page is open", [f"{text} Again." for text in texts], is_watched=True)
    finally:
        worker.renderer.close()


def _work(worker: Any, what: str, texts: list[str], *, is_watched: bool) -> Figure:
    from django.db import connection

    queries = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    job_id = _submit(texts)
    with _viewer(job_id, is_watched=is_watched), connection.execute_wrapper(count):
        started = time.process_time()
        worker.work(job_id)
        seconds = time.process_time() - started
    return Figure(what, len(texts), "sentences", (seconds,), "cpu", queries)


def _submit(texts: list[str]) -> UUID:
    from talking_head.jobs import queue
    from talking_head.models import Clip, Job

    script = " ".join(texts)
    job = Job.objects.create(script=script, speech="fake", face="fake", profile="fast", timeout_seconds=3_600.0)
    clips, start = [], 0
    for index, text in enumerate(texts):
        clips.append(Clip(job=job, index=index, text=text, spoken=text, start=start, end=start + len(text)))
        start += len(text) + 1
    Clip.objects.bulk_create(queue.enqueue(job, clips))
    return job.pk


@contextmanager
def _viewer(job_id: UUID, *, is_watched: bool) -> Iterator[None]:
    if not is_watched:
        yield
        return
    command = [sys.executable, "-c", VIEWER, str(job_id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def _forecast(clip_count: int) -> Iterator[Figure]:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from talking_head import services
    from talking_head.models import Clip, ClipState, Job, JobState

    teachers = User.objects.bulk_create([User(username=f"teacher {number}") for number in range(20)])
    values = {"speech": "hibari", "face": "puppet", "profile": "balanced", "timeout_seconds": 600.0}
    jobs = Job.objects.bulk_create(
        [Job(owner=teachers[number % 20], script="Words.", **values) for number in range(clip_count // 5)]
    )
    done = Job.objects.bulk_create(
        [
            Job(owner=job.owner, script="Words.", state=JobState.COMPLETED, finished_at=timezone.now(), **values)
            for job in jobs
        ]
    )
    clip = {"text": "Some words of a lesson.", "spoken": "Some words of a lesson.", "start": 0, "end": 6}
    Clip.objects.bulk_create(Clip(job=job, index=index, **clip) for job in jobs for index in range(5))
    Clip.objects.bulk_create(
        Clip(job=job, index=index, state=ClipState.DONE, video_seconds=2.0, render_seconds=0.2, turn=None, **clip)
        for job in done
        for index in range(5)
    )
    script = " ".join(sentences(20))
    yield measured(
        "forecast of a new video",
        clip_count,
        "waiting clips",
        lambda: services.forecast_video(owner=teachers[0], script=script),
    )
