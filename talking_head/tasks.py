"""The task that the queue runs: one thin function that starts this process's worker."""

from __future__ import annotations

from talking_head.worker import drain
from talking_head.worker.renderer_handle import warm_renderer
from talking_head.worker.worker import Worker


def work(job_id: str = "") -> None:
    """Do the waiting work of any job. ``job_id`` is the job that woke the worker, only for the queue's own logs."""
    with drain.at_work():
        Worker(warm_renderer()).work()
