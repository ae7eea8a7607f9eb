"""Whether the files of a published video are there and whole, and how missing ones are put back.

On disk their digests are compared with the manifest. A bucket checks its objects itself, so there only the names count.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from talking_head.digests import sha256_of_file
from talking_head.errors import TalkingHeadError, map_os_errors
from talking_head.files import bucket, job_files, local
from talking_head.models import Job

VIDEO, MANIFEST = "video.mp4", "manifest.json"
FILES = (VIDEO, "captions.vtt", "transcript.json", "poster.jpg", MANIFEST)
REMEMBER_SECONDS = 60.0  # that a bucket has all files: every page with the video asks
REMEMBER_VIDEOS = 10_000

_seen_whole: dict[tuple[UUID, int], float] = {}  # when, by the monotonic clock


def are_missing(job: Job) -> bool:
    """Return whether a watchable job lacks one of its files. A bucket that does not answer counts as complete."""
    if not job.is_watchable:
        return False
    key = (job.pk, job.fence)
    if bucket.is_enabled() and time.monotonic() - _seen_whole.get(key, -REMEMBER_SECONDS) < REMEMBER_SECONDS:
        return False
    try:
        is_whole = job_files.files_of(job).issuperset(FILES)
    except TalkingHeadError:
        return False
    if is_whole and bucket.is_enabled():
        if len(_seen_whole) >= REMEMBER_VIDEOS:
            _seen_whole.clear()
        _seen_whole[key] = time.monotonic()
    return not is_whole


def damaged(job: Job) -> list[str]:
    """Return the files on this machine's disk that are missing or whose bytes are not those that were published.

    Raises:
        ResourceError: ``storage_denied``, ``storage_error``.
    """
    folder = local.results_folder(job.pk)
    with map_os_errors():
        missing = [name for name in FILES if not (folder / name).is_file()]
        digests = _digests(folder / MANIFEST) if MANIFEST not in missing else {}
        present = [name for name in digests if (folder / name).is_file()]
        changed = [name for name in present if sha256_of_file(folder / name) != digests[name]]
        return missing + changed + ([] if digests or MANIFEST in missing else [MANIFEST])


def put(job: Job, staging: Path) -> None:
    """Put files made anew in place on this machine's disk, each whole or not at all, the video last.

    Raises:
        ResourceError: ``no_space``, ``storage_denied``.
    """
    for name in sorted(FILES, key=lambda name: name == VIDEO):
        if (staging / name).is_file():
            local.move_into_place(staging / name, local.results_folder(job.pk) / name)


def upload(job: Job, staging: Path, keep_going: Callable[[], bool]) -> None:
    """Upload files made anew to where the bucket lacks them.

    Raises:
        ResourceError: ``storage_unavailable``, ``storage_damaged``. TransferCancelled: ``keep_going`` returned False.
    """
    job_files.upload_staged(job.pk, job.fence, staging, keep_going)


def _digests(manifest: Path) -> dict[str, str]:
    """Return the digests by file name; none when the manifest cannot be read."""
    try:
        values: Any = json.loads(manifest.read_text(encoding="utf-8"))
        return {VIDEO: str(values["video"]["sha256"]), **{str(k): str(v) for k, v in values.get("files", {}).items()}}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
