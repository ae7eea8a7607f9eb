"""What the queue runs: one thin function, which only wakes this process's worker."""

from __future__ import annotations

from talking_head.worker import drain
from talking_head.worker.renderer_handle import warm_renderer
from talking_head.worker.worker import Worker


def work(job_id: str = "") -> None:
    """Works on whatever there is to do, for any job. ``job_id`` says who rang and is only for the queue's own logs."""
    with drain.at_work():
        Worker(warm_renderer()).work()
