"""Files of the media folder, as many as a site accumulates: entries of the cache and results of jobs."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import islice
from uuid import UUID

from talking_head.files import local
from talking_head.models import WATCHABLE_JOB_STATES, Job
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache


def fill_media(*, entries: int, folders: int) -> None:
    """Store so many entries, half of them takes and half clips, and the results of so many jobs."""
    cache = ContentCache(local.cache_root())
    for number in range(entries):
        kind = (TAKES, CLIPS)[number % 2]
        folder = cache.path(kind, sha256(f"entry {number}".encode()).hexdigest())
        if not folder.is_dir():
            folder.mkdir(parents=True)
            (folder / ("take.json" if kind == TAKES else "clip.json")).write_text(json.dumps({"number": number}))
    finished = Job.objects.filter(state__in=WATCHABLE_JOB_STATES).order_by("pk").values_list("pk", flat=True)
    for pk in islice(finished.iterator(), folders):
        fill_results(pk)


def fill_results(job_id: UUID) -> None:
    """Store files in place of a finished job's."""
    folder = local.results_folder(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("video.mp4", "captions.vtt", "transcript.json", "poster.jpg", "manifest.json"):
        (folder / name).write_bytes(b"{}")
