"""Finding the clips of a job that are in the cache already, before any of them is claimed.

The renderer process looks them up, because only it knows the engines on which their keys depend. That needs no lease:
it changes nothing, and two workers that look up the same job find the same. When it fails, nothing is lost: the clips
are claimed one by one, which counts crashes, and the clip that breaks the renderer then is the one that is blamed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from uuid import UUID

from talking_head.files import bucket, clip_cache
from talking_head.jobs import cached_clips
from talking_head.pipeline.requests import ClipResult
from talking_head.renderer.supervisor import End, RendererProcess, Watcher
from talking_head.timing import timing

logger = logging.getLogger(__name__)


def finish_cached(job_id: UUID, worker: str, renderer: RendererProcess, keep_going: Callable[[], bool]) -> None:
    """Finish all clips of a running job that no worker has claimed and that are in the cache.

    Raises:
        ResourceError: ``storage_unavailable``. TransferCancelled: ``keep_going`` returned False.
    """
    started = time.monotonic()
    requests = cached_clips.unclaimed_requests(job_id)
    if not requests:
        return
    message = {"clips": [request.to_json() for request in requests.values()]}
    outcome = renderer.run("find", message, timing().find_seconds, Watcher(keep_going))
    if outcome.end is not End.DONE:
        logger.warning("The cache was not searched: %s", outcome.error or outcome.end.value, extra={"job": job_id})
        return
    results = zip(requests, outcome.values["clips"], strict=True)
    found = {clip_id: ClipResult.from_json(result) for clip_id, result in results if result}
    if not found:
        return
    if bucket.is_enabled():  # a clip is done when every machine can fetch it
        clip_cache.store(found.values(), keep_going)
    if cached_clips.finish_cached(job_id, worker, found, time.monotonic() - started):
        logger.info("%d sentences were in the cache", len(found), extra={"job": job_id})
