"""The disk: what the edits of a lesson leave behind, and what a take costs in each form in which it could be stored."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.growth.figures import Figure, measured

EDITS = 10  # one a day
VIDEO_BYTES = 1_000_000
SPOKEN = "The quick brown fox jumps over the lazy dog, and nobody knows why it does so every single morning."


def measure(scale: int) -> Iterator[Figure]:
    """Measure lessons times ``scale`` that were edited every day for ten days: the round of the sweeper that removes
    superseded videos, and one that finds nothing."""
    from talking_head.files import local
    from talking_head.jobs import result_retention

    for number in range(scale):
        _edited_lesson(number)

    def left_bytes() -> int:
        return sum(path.stat().st_size for path in local.media_root().glob("results_*/video.mp4"))

    before, started = left_bytes(), time.process_time()
    while result_retention.collect_superseded():
        pass
    seconds = time.process_time() - started
    yield Figure("remove superseded videos: bytes before", scale, "lessons", (seconds,), "cpu", None, before)
    yield Figure("remove superseded videos: bytes left", scale, "lessons", (seconds,), "cpu", None, left_bytes())
    yield measured("look for superseded videos", scale, "lessons", result_retention.collect_superseded)
    if scale == 1:
        yield from _takes()


def _edited_lesson(number: int) -> None:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from lessons.models import Course, Lesson
    from talking_head.files import local
    from talking_head.models import Job, JobState

    teacher, _ = User.objects.get_or_create(username="disk-teacher")
    course, _ = Course.objects.get_or_create(slug="disk", defaults={"teacher": teacher, "title": "Disk"})
    lesson = Lesson.objects.create(course=course, title=f"Lesson {number}", script="Text.")
    for edit in range(EDITS):
        job = Job.objects.create(
            owner=teacher, script="Text.", subject=f"lesson:{lesson.pk}", speech="hibari", face="puppet",
            state=JobState.COMPLETED, timeout_seconds=300, finished_at=timezone.now() - timedelta(days=EDITS - edit),
        )  # fmt: skip
        folder = local.results_folder(job.pk)
        folder.mkdir(parents=True)
        with (folder / "video.mp4").open("wb") as video:
            video.truncate(VIDEO_BYTES)
    Lesson.objects.filter(pk=lesson.pk).update(current_job=job.pk, latest_job=job.pk)


def _takes() -> Iterator[Figure]:
    """Encode a take as FLAC at several levels, and as Opus; ``bytes`` are those of the file."""
    from django.conf import settings

    from talking_head.engines import registry
    from talking_head.engines.base import EngineSettings
    from talking_head.pipeline.utterance_to_take import speech_to_take

    engine = registry.create("speech", "hibari", EngineSettings(Path(settings.CHECKPOINTS_DIR)))
    take = speech_to_take(engine.speak(SPOKEN, SPOKEN, voice="", speed=1.0))
    for what, codec, container, options in (
        ("a take as FLAC, level 5 (as stored)", "flac", "flac", {"compression_level": "5"}),
        ("a take as FLAC, level 8", "flac", "flac", {"compression_level": "8"}),
        ("a take as FLAC, level 12", "flac", "flac", {"compression_level": "12"}),
        ("a take as Opus, 64 kbit/s", "libopus", "ogg", {"b": "64000"}),
    ):

        def encode(codec: str = codec, container: str = container, options: dict[str, str] = options) -> int:
            return len(_encoded(take.waveform, codec, container, options))

        size = len(take.waveform) // 48_000
        yield measured(what, size, "seconds", encode, count_bytes=lambda length: length)


def _encoded(waveform: Any, codec: str, container: str, options: dict[str, str]) -> bytes:
    import av
    import numpy as np

    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=48_000, layout="mono", options=options)
        steps = np.round(waveform * 32_767).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(steps, format="s16", layout="mono")
        frame.rate = 48_000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return sink.getvalue()
