"""Broadcasts to the viewers of a job when it changes.

The worker calls :func:`notify_job_changed`, :func:`notify_clip_changed`, :func:`notify_clips_changed`,
:func:`notify_stage` and :func:`send_preview` from synchronous code. If the job has viewers, each builds its message
once, from committed rows, and broadcasts it; the viewers' sockets only pass it on. A broadcast may get lost (the
channel layer is lossy by design) and never fails the caller: the rows are authoritative, and a viewer that sees a gap
in ``seq`` asks for what it missed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from talking_head.live.snapshots import Json, clip_counts, clip_view, job_view
from talking_head.models import Clip, Job
from talking_head.planning import render_rate

logger = logging.getLogger(__name__)


def group_name(job_id: UUID | str) -> str:
    """Return the channel layer's group of the job's viewers."""
    return f"job.{job_id}"


def notify_job_changed(job_id: UUID) -> None:
    """Notify the viewers that the job's row changed; inside a transaction, once it is committed."""
    _after_commit(lambda: _send_job(job_id))


def notify_clip_changed(job_id: UUID, index: int) -> None:
    """Notify the viewers that one clip's row changed; inside a transaction, once it is committed."""
    _after_commit(lambda: _send_clip(job_id, index))


def notify_clips_changed(job_id: UUID) -> None:
    """Notify the viewers that many clips changed at once; inside a transaction, once it is committed. The event names
    none of them: sockets read from the rows what has changed (:mod:`talking_head.live.changes`)."""
    _after_commit(lambda: _send_clips(job_id))


def notify_stage(job_id: UUID, index: int, stage: str, frame: int = 0, frames: int = 0) -> None:
    """Broadcast the renderer's progress within a clip. Called several times a second, so it reads hardly any rows."""
    _best_effort(lambda: _send_stage(job_id, index, stage, frame, frames))


def send_preview(job_id: UUID, jpeg: bytes) -> None:
    """Send the viewers a frame of the clip that is being rendered."""
    _best_effort(lambda: _broadcast(job_id, lambda: {"type": "job.preview", "jpeg": bytes(jpeg)}))


def _send_job(job_id: UUID) -> None:
    render_rate.invalidate(job_id)
    _broadcast_event(job_id, lambda job: {"type": "job", **job_view(job)})


def _send_clip(job_id: UUID, index: int) -> None:
    def build(job: Job) -> Json:
        clip = Clip.objects.get(job=job_id, index=index)
        return {"type": "clip", "clip": clip_view(clip), **clip_counts(job)}

    _broadcast_event(job_id, build)


def _send_clips(job_id: UUID) -> None:
    _broadcast_event(job_id, lambda job: {"type": "clips", **clip_counts(job)})


def _send_stage(job_id: UUID, index: int, stage: str, frame: int, frames: int) -> None:
    def build() -> Json:
        seconds = render_rate.seconds_left_within_clip(job_id, index, frame / frames if frames else 0.0)
        # No seq: the socket fills in the last one that its viewer received, because no row has changed.
        event = {"type": "stage", "index": index, "stage": stage, "frame": frame, "frames": frames}
        return {"type": "job.event", "event": {**event, "seconds_left": seconds}}

    _broadcast(job_id, build)


def _broadcast_event(job_id: UUID, build: Callable[[Job], Json]) -> None:
    """Broadcast an event about the job's row as it is now. Its cost must not grow with the number of sentences, because
    that of the events does: so one row is read, without the script, and clips are only counted."""

    def message() -> Json:
        job = Job.objects.defer("script").get(pk=job_id)
        event = build(job)
        return {"type": "job.event", "event": {"type": event.pop("type"), "seq": job.seq, **event}}

    _broadcast(job_id, message)


def _broadcast(job_id: UUID, build: Callable[[], Json]) -> None:
    """Build a message and send it, if the job has viewers: building costs more than the change that it reports. A
    viewer that connects right after this check misses nothing: a socket subscribes first and reads its snapshot
    afterwards, when the change is committed."""
    layer = get_channel_layer()
    group = group_name(job_id)
    if layer is None or not getattr(layer, "has_listeners", _unknown)(group):
        return
    send_now = getattr(layer, "group_send_now", None)  # the layers of this package need no event loop
    if send_now is not None:
        send_now(group, build())
    else:
        async_to_sync(layer.group_send)(group, build())


def _unknown(_group: str) -> bool:
    """Return True, for layers of other packages, which cannot tell whether a group has members."""
    return True


def _after_commit(send: Any) -> None:
    transaction.on_commit(lambda: _best_effort(send))


def _best_effort(send: Any) -> None:
    """Run ``send`` and log any error: it only delays what viewers see, so it must not fail the work that reports."""
    try:
        send()
    except Exception:  # a broken channel layer, a deleted job, a locked database: the sockets still poll the rows
        logger.debug("A progress message was not sent.", exc_info=True)
