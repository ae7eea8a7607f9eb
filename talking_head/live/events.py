"""Broadcasts to the viewers of a job when it changes.

The worker calls :func:`notify_job_changed`, :func:`notify_clip_changed`, :func:`notify_stage` and :func:`send_preview`
from plain synchronous code. Each builds its message once, from committed rows, and broadcasts it; the viewers' sockets
only pass it on. A broadcast may get lost (the channel layer is lossy by design) and never fails the caller: the rows
are authoritative, and a viewer that sees a gap in ``seq`` requests a new snapshot.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from talking_head.live.snapshots import Json, clip_counts, clip_view, job_view, read_rows
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


def notify_stage(job_id: UUID, index: int, stage: str, frame: int = 0, frames: int = 0) -> None:
    """Broadcast the renderer's progress within a clip. Called several times a second, so it reads hardly any rows."""
    _best_effort(lambda: _send_stage(job_id, index, stage, frame, frames))


def send_preview(job_id: UUID, jpeg: bytes) -> None:
    """Send the viewers a frame of the clip that is being rendered."""
    _best_effort(lambda: _broadcast(job_id, {"type": "job.preview", "jpeg": bytes(jpeg)}))


def _send_job(job_id: UUID) -> None:
    if not _is_watched(job_id):
        render_rate.invalidate(job_id)
        return
    job, clips = read_rows(job_id)
    render_rate.invalidate(job_id)
    _broadcast(job_id, {"type": "job.event", "event": {"type": "job", "seq": job.seq, **job_view(job, clips)}})


def _send_clip(job_id: UUID, index: int) -> None:
    if not _is_watched(job_id):
        render_rate.invalidate(job_id)
        return
    job, clips = read_rows(job_id)
    render_rate.invalidate(job_id)
    clip = next(clip for clip in clips if clip.index == index)
    event = {"type": "clip", "seq": job.seq, "clip": clip_view(clip), **clip_counts(job, clips)}
    _broadcast(job_id, {"type": "job.event", "event": event})


def _send_stage(job_id: UUID, index: int, stage: str, frame: int, frames: int) -> None:
    seconds = render_rate.seconds_left_within_clip(job_id, index, frame / frames if frames else 0.0)
    # No seq: the socket fills in the last one that its viewer received, because no row has changed.
    event = {"type": "stage", "index": index, "stage": stage, "frame": frame, "frames": frames, "seconds_left": seconds}
    _broadcast(job_id, {"type": "job.event", "event": event})


def _is_watched(job_id: UUID) -> bool:
    """Return whether the job has viewers: building an event costs more than the change that it reports. A viewer that
    connects right after this check misses nothing: a socket subscribes first and reads its snapshot afterwards, when
    the change is committed."""
    has_listeners = getattr(get_channel_layer(), "has_listeners", None)  # only with Redis; a call costs one message
    return has_listeners is None or bool(has_listeners(group_name(job_id)))


def _broadcast(job_id: UUID, message: Json) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    send_now = getattr(layer, "group_send_now", None)  # the layers of this package need no event loop
    if send_now is not None:
        send_now(group_name(job_id), message)
    else:
        async_to_sync(layer.group_send)(group_name(job_id), message)


def _after_commit(send: Any) -> None:
    transaction.on_commit(lambda: _best_effort(send))


def _best_effort(send: Any) -> None:
    """Run ``send`` and log any error: it only delays what viewers see, so it must not fail the work that reports."""
    try:
        send()
    except Exception:  # a broken channel layer, a deleted job, a locked database: the sockets still poll the rows
        logger.debug("A progress message was not sent.", exc_info=True)
