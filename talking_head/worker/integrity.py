"""A slow walk over all published videos on this machine's disk: what was deleted or damaged there is made again before
a student meets it."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from talking_head.errors import TalkingHeadError
from talking_head.files import bucket, published_files
from talking_head.jobs import rebuilding
from talking_head.models import HIDDEN_JOBS, WATCHABLE_JOB_STATES, Job

logger = logging.getLogger(__name__)

READ_SHARE = 0.02  # of a sweeper's time
FIRST = UUID(int=0)

_after = FIRST
_next_at = 0.0


def check_next_video() -> list[str]:
    """Compare the files of the next published video with their digests; return those that are missing or damaged, which
    workers then make again. A bucket checks its objects itself."""
    global _after, _next_at
    if bucket.is_enabled() or time.monotonic() < _next_at:
        return []
    shown = Job.objects.filter(state__in=WATCHABLE_JOB_STATES, rebuild=None).exclude(HIDDEN_JOBS)
    job = shown.filter(pk__gt=_after).order_by("pk").first()
    if job is None:
        _after = FIRST
        return []
    _after, started = job.pk, time.monotonic()
    try:
        files = published_files.damaged(job)
    except TalkingHeadError:
        logger.warning("The video could not be checked.", exc_info=True, extra={"job": job.pk})
        return []
    finally:
        _next_at = time.monotonic() + (time.monotonic() - started) / READ_SHARE
    if files:
        logger.warning("damaged or missing: %s", ", ".join(files), extra={"job": job.pk})
        rebuilding.request_rebuild(job)
    return files
