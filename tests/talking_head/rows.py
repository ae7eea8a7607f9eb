"""Jobs as the renderer would leave them, without rendering anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from talking_head.files import local, published_files
from talking_head.models import Clip, ClipState, Job, JobState

SENTENCES = ("Plants eat light.", "They turn it into sugar.", "Oxygen is what they leave behind.")


def make_job(owner: User | None = None, *, sentences: tuple[str, ...] = SENTENCES, **fields: Any) -> Job:
    """A queued job with one waiting clip a sentence."""
    values = {"title": "Photosynthesis", "speech": "hibari", "face": "puppet", "timeout_seconds": 600.0, **fields}
    job = Job.objects.create(owner=owner, script=" ".join(sentences), **values)
    start = 0
    for index, text in enumerate(sentences):
        Clip.objects.create(job=job, index=index, text=text, spoken=text, start=start, end=start + len(text))
        start += len(text) + 1
    return job


def finish_clip(job: Job, index: int, *, data: bytes = b"clip", render_seconds: float = 1.0, **fields: Any) -> Path:
    """Marks a clip as rendered and puts ``data`` where its video lies in the cache."""
    key = f"{index:064x}"
    values = {
        "state": ClipState.DONE,
        "clip_key": key,
        "video_seconds": 2.56,
        "render_seconds": render_seconds,
        **fields,
    }
    job.clips.filter(index=index).update(**values)
    path = local.cache_root() / "clips" / key[:2] / key / "clip.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def make_finished_job(owner: User | None = None, *, data: bytes = b"0123456789", **fields: Any) -> Job:
    """A completed job with every file a viewer or its owner may ask for; ``data`` is its video."""
    values = {
        "state": JobState.COMPLETED,
        "seq": 9,
        "finished_at": timezone.now(),
        "video_seconds": 7.68,
        "width_px": 256,
        "height_px": 256,
        **fields,
    }
    job = make_job(owner, **values)
    for index in range(len(SENTENCES)):
        finish_clip(job, index)
    write_published_files(job, data=data)
    (local.results_folder(job.pk) / "log.txt").write_text("log.txt")
    local.metrics_file(job.pk).write_text("{}")
    return job


def write_published_files(job: Job, *, data: bytes = b"0123456789") -> None:
    """Puts files of every name where a published video has them."""
    folder = local.results_folder(job.pk)
    folder.mkdir(parents=True, exist_ok=True)
    for name in published_files.FILES:
        (folder / name).write_bytes(data if name == published_files.VIDEO else name.encode())
